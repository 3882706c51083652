// Hashes, keyed hashes, key derivation, authenticated encryption and random bytes. Only core's key files, crypto.cpp
// and tls/ include <openssl/evp.h>. Algorithms are fetched once per thread and contexts are kept. Failures that an
// attacker or a wrong key can cause are values; anything else (out of memory, a broken OpenSSL) throws.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace sallyport::core::crypto {

using Digest = std::array<std::byte, 32>;

// Cryptographically strong random bytes (RAND_bytes).
void random(MutableBytes out);

// SHA-256 (FIPS 180-4) of one buffer.
Digest sha256(ConstBytes data);

// SHA-256 of a sequence of buffers; finish() starts anew.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(ConstBytes data);
  Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// HMAC-SHA256 (RFC 2104).
Digest hmac_sha256(ConstBytes key, ConstBytes data);

enum class Hash { sha256, sha384 };
constexpr std::size_t digest_size(Hash hash) noexcept { return hash == Hash::sha256 ? 32 : 48; }

// HKDF (RFC 5869), with SHA-256 unless another hash is named. expand: out.size() at most 255 of the hash's blocks.
Digest hkdf_extract(ConstBytes salt, ConstBytes input_key);
void hkdf_extract(ConstBytes salt, ConstBytes input_key, MutableBytes out, Hash hash);
void hkdf_expand(ConstBytes pseudo_random_key, ConstBytes info, MutableBytes out, Hash hash = Hash::sha256);

// For many keyed hashes and derivations in a row: while one lives, what this thread's HMAC was keyed with last is wiped
// at the end instead of after each. Each key overwrites the one before.
class WipeAtEnd {
 public:
  WipeAtEnd() noexcept;
  WipeAtEnd(const WipeAtEnd&) = delete;
  WipeAtEnd& operator=(const WipeAtEnd&) = delete;
  ~WipeAtEnd();
};

// Constant time in the content; false at once when sizes differ.
bool equal(ConstBytes a, ConstBytes b) noexcept;

enum class AeadAlgorithm { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };

// Authenticated encryption with associated data, with a kept context: AES-GCM (SP 800-38D), ChaCha20-Poly1305
// (RFC 8439). The caller owns the rule that a (key, nonce) pair seals once.
class Aead {
 public:
  static constexpr std::size_t nonce_size = 12, tag_size = 16;
  using Nonce = std::array<std::byte, nonce_size>;
  static std::size_t key_size_of(AeadAlgorithm algorithm) noexcept;

  Aead(AeadAlgorithm algorithm, ConstBytes key);
  ~Aead();
  Aead(Aead&&) noexcept;
  Aead& operator=(Aead&&) noexcept;
  void rekey(ConstBytes key);  // the same context under another key; the old key schedule is overwritten

  // out.size() == plaintext.size() + tag_size: ciphertext, then tag. `out` may be plaintext's own buffer.
  void seal(const Nonce& nonce, ConstBytes associated, ConstBytes plaintext, MutableBytes out);
  // sealed = ciphertext, then tag; out.size() == sealed.size() - tag_size. `out` may be sealed's own buffer. False,
  // with `out` wiped, when it is not authentic.
  bool open(const Nonce& nonce, ConstBytes associated, ConstBytes sealed, MutableBytes out);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

class Aes256Gcm : public Aead {
 public:
  static constexpr std::size_t key_size = 32;
  explicit Aes256Gcm(ConstBytes key) : Aead(AeadAlgorithm::aes_256_gcm, key) {}
};

}  // namespace sallyport::core::crypto
