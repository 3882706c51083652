// Key pairs: ECDH on P-256, RSA-OAEP, Ed25519; read from and written to the forms OpenSSL's own command reads.
//
// Copies share one immutable key and may be used from several threads. Asking a key for what its type cannot do is a
// bug and throws std::logic_error.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

struct evp_pkey_st;  // EVP_PKEY

namespace sallyport::core::crypto {

enum class KeyType : std::uint8_t { p256, rsa, ed25519 };

inline constexpr unsigned minimum_rsa_bits = 2048, maximum_rsa_bits = 8192;
inline constexpr std::size_t maximum_passphrase_size = 1024;  // as OpenSSL's own command reads
inline constexpr std::size_t p256_point_size = 65, ed25519_key_size = 32, ed25519_signature_size = 64;

class PublicKey {
 public:
  // Each gives nullopt unless the bytes are one sound key of a type above: on the curve, within the RSA limits, in the
  // one canonical encoding, with nothing after it.
  static std::optional<PublicKey> from_der(ConstBytes subject_public_key_info);
  static std::optional<PublicKey> from_pem(std::string_view pem);
  static std::optional<PublicKey> from_p256_point(ConstBytes uncompressed);  // SEC 1: 0x04, x, y
  static std::optional<PublicKey> from_ed25519(ConstBytes key);              // RFC 8032, 32 bytes

  KeyType type() const noexcept { return type_; }
  unsigned bits() const;
  Bytes der() const;        // SubjectPublicKeyInfo (RFC 5280)
  std::string pem() const;  // the same, "PUBLIC KEY"
  Bytes raw() const;        // p256: the uncompressed point; ed25519: the 32 bytes

  // RSA-OAEP with SHA-256, MGF1 with SHA-256 and an empty label (RFC 8017): what Vault, Azure and PKCS#11 open.
  Bytes encrypt_oaep(ConstBytes plaintext) const;
  // Ed25519 (RFC 8032).
  bool verify(ConstBytes message, ConstBytes signature) const;

 private:
  friend class PrivateKey;
  PublicKey(KeyType type, std::shared_ptr<evp_pkey_st> key) : type_(type), key_(std::move(key)) {}
  KeyType type_;
  std::shared_ptr<evp_pkey_st> key_;
};

// Asked only when a key is encrypted. May throw; an empty answer means that there is none.
using AskPassphrase = std::function<Secret()>;

class PrivateKey {
 public:
  static PrivateKey generate_p256();
  static PrivateKey generate_rsa(unsigned bits);
  static PrivateKey generate_ed25519();

  // PEM: PKCS#8, plain or encrypted, or an older form that OpenSSL reads. Throws std::invalid_argument saying what is
  // wrong, never with content: also when the two halves do not belong together.
  static PrivateKey from_pem(ConstBytes pem, const AskPassphrase& ask);

  KeyType type() const noexcept { return public_.type(); }
  const PublicKey& public_key() const noexcept { return public_; }

  Secret pem() const;  // PKCS#8, "PRIVATE KEY"
  // PKCS#8, PBES2 with scrypt and AES-256-CBC. Throws std::invalid_argument for an empty or too long passphrase.
  std::string encrypted_pem(const Secret& passphrase) const;

  // The x coordinate of the shared point (32 bytes).
  Secret agree(const PublicKey& peer) const;
  // Errors: not_authentic, for a wrong key and for changed bytes alike.
  Result<Secret> decrypt_oaep(ConstBytes ciphertext) const;
  Bytes sign(ConstBytes message) const;  // Ed25519, 64 bytes

 private:
  explicit PrivateKey(std::shared_ptr<evp_pkey_st> key);
  std::shared_ptr<evp_pkey_st> key_;
  PublicKey public_;  // an object of its own: whoever keeps it keeps no private half
};

}  // namespace sallyport::core::crypto
