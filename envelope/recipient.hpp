// Recipients: public keys to which a segment's data key is wrapped. Wrapping needs no network and no secret.
//
// A recipient is one line of text: "sallyport-p256:BASE64URL(65-byte point)" or "sallyport-rsa:BASE64URL(DER SPKI)".
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace sallyport::envelope {

enum class Suite : std::uint8_t { hpke_p256 = 1, rsa_oaep_sha256 = 2 };

class Recipient {
 public:
  // Throws std::invalid_argument saying what is wrong with the line (never echoing it whole).
  static Recipient parse(std::string_view line);

  Suite suite() const noexcept;
  std::string text() const;
  std::string id() const;  // first 16 hex digits of SHA-256 over the public key: a stanza's tag, shown by `key list`

  // The data key, wrapped. `context` is bound to it (HPKE: info; RSA: OAEP label stays empty, so the context is carried
  // inside the plaintext's commitment instead). Errors: internal.
  core::Result<core::Bytes> wrap(core::ConstBytes data_key, core::ConstBytes context) const;

  Recipient(const Recipient&);
  Recipient(Recipient&&) noexcept;
  Recipient& operator=(const Recipient&);
  Recipient& operator=(Recipient&&) noexcept;
  ~Recipient();

 private:
  struct Key;
  explicit Recipient(std::shared_ptr<const Key> key);
  std::shared_ptr<const Key> key_;
};

}  // namespace sallyport::envelope
