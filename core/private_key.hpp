// The private halves of key pairs: ECDH on P-256, RSA-OAEP, Ed25519. They are read from and written to the formats of
// the openssl command. As in public_key.hpp, copies share one immutable key, and an operation that the key's type does
// not have throws std::logic_error.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/public_key.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace sallyport::core::crypto {

inline constexpr std::size_t maximum_passphrase_size = 1024;  // as OpenSSL's own command reads

// Called only when a key is encrypted. May throw; an empty result means that there is no passphrase.
using AskPassphrase = std::function<Secret()>;

class PrivateKey {
 public:
  static PrivateKey generate_p256();
  static PrivateKey generate_rsa(unsigned bits);  // throws std::invalid_argument outside the limits of public_key.hpp
  static PrivateKey generate_ed25519();

  // PEM: PKCS#8, plain or encrypted, or an older form that OpenSSL reads. Throws std::invalid_argument, also when the
  // two halves in the file do not match; the message never has content of the file. Throws what `ask` throws.
  static PrivateKey from_pem(ConstBytes pem, const AskPassphrase& ask);

  KeyType type() const noexcept { return public_.type(); }
  const PublicKey& public_key() const noexcept { return public_; }

  Secret pem() const;  // PKCS#8, "PRIVATE KEY"
  // PKCS#8, encrypted with PBES2, scrypt and AES-256-CBC. Throws std::invalid_argument for a passphrase that is empty
  // or longer than maximum_passphrase_size.
  std::string encrypted_pem(const Secret& passphrase) const;

  // ECDH on P-256: the x coordinate of the shared point (32 bytes).
  Secret agree(const PublicKey& peer) const;
  // The plaintext of PublicKey::encrypt_oaep. Errors: not_authentic, both for a wrong key and for changed bytes.
  Result<Secret> decrypt_oaep(ConstBytes ciphertext) const;
  Bytes sign(ConstBytes message) const;  // Ed25519, 64 bytes

 private:
  explicit PrivateKey(std::shared_ptr<evp_pkey_st> key);
  std::shared_ptr<evp_pkey_st> key_;
  PublicKey public_;  // a separate key object: a copy of it does not keep the private half alive
};

}  // namespace sallyport::core::crypto
