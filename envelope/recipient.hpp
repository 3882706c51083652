// Recipients: public keys to which a segment's data key is wrapped. Wrapping needs no network and no secret.
//
// A recipient is one line of text: "sallyport-p256:BASE64URL(65-byte point)", "sallyport-rsa:BASE64URL(DER SPKI)" or
// "sallyport-pq:BASE64URL(1216-byte MLKEM768-X25519 key)".
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace sallyport::core::crypto {
class HybridPublicKey;
class PublicKey;
}  // namespace sallyport::core::crypto

namespace sallyport::envelope {

inline constexpr std::size_t maximum_recipient_size = 2048;  // characters of a line
inline constexpr std::size_t maximum_data_key_size = 64;     // bytes; RSA-OAEP with the smallest key takes up to 190

enum class Suite : std::uint8_t { hpke_p256 = 1, rsa_oaep_sha256 = 2, hpke_mlkem768_x25519 = 3 };
// "hpke-p256", "rsa-oaep-sha256", "hpke-mlkem768-x25519"; "unknown" for any other number.
std::string_view name(Suite suite) noexcept;
// Whether a data key that is wrapped with this suite withstands a future quantum computer. One recipient whose suite
// does not is enough to open a log, so the two kinds are mixed only where the operator allows it.
constexpr bool is_post_quantum(Suite suite) noexcept { return suite == Suite::hpke_mlkem768_x25519; }
bool mixes_kinds(std::span<const Suite> suites) noexcept;  // true when both kinds are among them

// Whether the text has the form of Recipient::id(). A key block that somebody altered can hold any text there.
bool is_recipient_id(std::string_view text);

// Immutable; copies share one key.
class Recipient {
 public:
  // White space around the line is ignored. Throws std::invalid_argument, which says what is wrong and never repeats
  // the line.
  static Recipient parse(std::string_view line);
  // Throws std::invalid_argument for a key that can only sign.
  static Recipient of(const core::crypto::PublicKey& key);
  static Recipient of(const core::crypto::HybridPublicKey& key);

  Suite suite() const noexcept;
  std::string text() const;
  // The first 16 hex digits of SHA-256 over the public key, in lower case. A stanza names its recipient by it,
  // and `key list` shows it.
  std::string id() const;

  std::string type() const;  // for a person to read: "p256", "rsa3072", "mlkem768-x25519"

  // The data key, wrapped. HPKE binds `context` to it (as info). RSA-OAEP does not, because Vault and PKCS#11 open only
  // an empty label; there the log's key commitment is the binding, which the reader checks (key_holder.hpp).
  // Errors: internal, when the data key is over maximum_data_key_size.
  core::Result<core::Bytes> wrap(core::ConstBytes data_key, core::ConstBytes context) const;

 private:
  struct Key;
  explicit Recipient(std::shared_ptr<const Key> key);
  std::shared_ptr<const Key> key_;
};

}  // namespace sallyport::envelope
