// MLKEM768-X25519: a key encapsulation that is secure while either ML-KEM-768 (FIPS 203) or X25519 (RFC 7748) is.
//
// draft-connolly-cfrg-xwing-kem specifies it under the name X-Wing; in HPKE it is KEM 0x647a (draft-ietf-hpke-pq).
// ML-KEM comes with OpenSSL 3.5 and newer. With an older OpenSSL hybrid_available() is false and no key can be made.
#pragma once

#include <optional>

#include "core/bytes.hpp"
#include "core/private_key.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace sallyport::core::crypto {

inline constexpr std::size_t hybrid_public_size = 1216, hybrid_encapsulated_size = 1120, hybrid_seed_size = 32,
                             hybrid_shared_size = 32;

// Whether the OpenSSL library that this process runs with has ML-KEM-768. The headers it was compiled with do not
// matter.
bool hybrid_available() noexcept;
inline constexpr const char* hybrid_needs = "a post-quantum key needs OpenSSL 3.5 or newer, and this one is older";

class HybridPublicKey {
 public:
  // nullopt unless the bytes are a valid key. Throws std::invalid_argument(hybrid_needs) for bytes of a key's size when
  // hybrid_available() is false.
  static std::optional<HybridPublicKey> from_raw(ConstBytes raw);

  const Bytes& raw() const noexcept { return raw_; }

  struct Encapsulation {
    Bytes encapsulated;  // hybrid_encapsulated_size bytes, for the holder of the private key
    Secret shared;       // hybrid_shared_size bytes
  };
  Encapsulation encapsulate() const;

 private:
  friend class HybridPrivateKey;
  explicit HybridPublicKey(ConstBytes raw);
  Bytes raw_;
  std::shared_ptr<evp_pkey_st> ml_kem_, x25519_;
};

// Copies share one immutable key and may be used from several threads.
class HybridPrivateKey {
 public:
  // Both throw std::invalid_argument(hybrid_needs) when hybrid_available() is false.
  static HybridPrivateKey generate();
  static HybridPrivateKey from_seed(ConstBytes seed);  // throws std::invalid_argument unless it has 32 bytes

  // PKCS#8, plain or encrypted: the seed under the draft's object identifier 1.3.6.1.4.1.62253.25722. nullopt for any
  // other key or text, and for a wrong or missing passphrase. Throws as from_seed does, and what `ask` throws.
  static std::optional<HybridPrivateKey> from_pem(ConstBytes pem, const AskPassphrase& ask);

  const HybridPublicKey& public_key() const noexcept { return public_; }

  Secret pem() const;
  std::string encrypted_pem(const Secret& passphrase) const;

  // A changed encapsulation usually gives a different secret without an error, because ML-KEM rejects implicitly.
  // Errors: envelope_malformed for a wrong size; not_authentic when X25519's result is all zeros.
  Result<Secret> decapsulate(ConstBytes encapsulated) const;

 private:
  struct Halves;
  explicit HybridPrivateKey(std::shared_ptr<const Halves> halves);
  std::shared_ptr<const Halves> halves_;
  HybridPublicKey public_;
};

}  // namespace sallyport::core::crypto
