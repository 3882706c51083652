// Public keys: ECDH on P-256, RSA-OAEP, Ed25519. They are read from and written to the formats of the openssl command.
// private_key.hpp has their private halves.
//
// Copies share one immutable key and may be used from several threads. An operation that the key's type does not have
// is a bug and throws std::logic_error.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.hpp"

struct evp_pkey_st;  // EVP_PKEY

namespace sallyport::core::crypto {

enum class KeyType : std::uint8_t { p256, rsa, ed25519 };

inline constexpr unsigned minimum_rsa_bits = 2048, maximum_rsa_bits = 8192;
inline constexpr std::size_t p256_point_size = 65, ed25519_key_size = 32, ed25519_signature_size = 64;

class PublicKey {
 public:
  // Each gives nullopt unless the bytes are one valid key of a type above: a P-256 point on the curve, an RSA key
  // within the limits, in the canonical encoding, with nothing after it. Whether 32 bytes are a point of Ed25519 is not
  // checked.
  static std::optional<PublicKey> from_der(ConstBytes subject_public_key_info);
  static std::optional<PublicKey> from_pem(std::string_view pem);  // the first PEM block; text around it is ignored
  static std::optional<PublicKey> from_p256_point(ConstBytes uncompressed);  // SEC 1: 0x04, x, y
  static std::optional<PublicKey> from_ed25519(ConstBytes key);              // RFC 8032, 32 bytes

  KeyType type() const noexcept { return type_; }
  unsigned bits() const;    // as EVP_PKEY_get_bits(3): for RSA, of the modulus
  Bytes der() const;        // SubjectPublicKeyInfo (RFC 5280)
  std::string pem() const;  // the same, "PUBLIC KEY"
  Bytes raw() const;        // p256: the uncompressed point; ed25519: the 32 bytes

  // RSA-OAEP with SHA-256, MGF1 with SHA-256 and an empty label (RFC 8017), which Vault, Azure and PKCS#11 can open.
  // Throws std::runtime_error when the plaintext is longer than the modulus less 66 bytes.
  Bytes encrypt_oaep(ConstBytes plaintext) const;
  // Ed25519 (RFC 8032).
  bool verify(ConstBytes message, ConstBytes signature) const;

 private:
  friend class PrivateKey;
  PublicKey(KeyType type, std::shared_ptr<evp_pkey_st> key) : type_(type), key_(std::move(key)) {}
  KeyType type_;
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace sallyport::core::crypto
