// The private halves of key pairs: ECDH on P-256, RSA-OAEP, Ed25519; read from and written to the forms OpenSSL's own
// command reads. As public_key.hpp says, copies share one immutable key, and wrong use throws std::logic_error.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/public_key.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace sallyport::core::crypto {

inline constexpr std::size_t maximum_passphrase_size = 1024;  // as OpenSSL's own command reads

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
