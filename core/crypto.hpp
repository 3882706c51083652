// Hashes, keyed hashes, key derivation, authenticated encryption and random bytes. Only core's key files, crypto.cpp
// and tls/ include <openssl/evp.h>. Algorithms are fetched once per thread and contexts are reused. Failures that an
// attacker or a wrong key can cause are values. Everything else throws: std::invalid_argument for a key or buffer of
// the wrong size, std::runtime_error when OpenSSL fails, std::length_error for more than 2 GiB in one call. Every
// thread may call the functions; an object is used by one thread at a time.
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

// SHA-256 of a sequence of buffers. After finish() the object hashes a new sequence.
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

// HKDF (RFC 5869), with SHA-256 unless another hash is named. hkdf_extract fills out.size() = digest_size(hash) bytes;
// hkdf_expand gives at most 255 * digest_size(hash) bytes.
Digest hkdf_extract(ConstBytes salt, ConstBytes input_key);
void hkdf_extract(ConstBytes salt, ConstBytes input_key, MutableBytes out, Hash hash);
void hkdf_expand(ConstBytes pseudo_random_key, ConstBytes info, MutableBytes out, Hash hash = Hash::sha256);

// For many keyed hashes and derivations in a row. While such an object lives, this thread's HMAC contexts are not wiped
// after each call; each key overwrites the one before. The destructor wipes the last key.
class WipeAtEnd {
 public:
  WipeAtEnd() noexcept;
  WipeAtEnd(const WipeAtEnd&) = delete;
  WipeAtEnd& operator=(const WipeAtEnd&) = delete;
  ~WipeAtEnd();
};

// Compares in constant time in the content. Returns false at once when the sizes differ.
bool equal(ConstBytes a, ConstBytes b) noexcept;

enum class AeadAlgorithm { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };

// Authenticated encryption with associated data under a reused context: AES-GCM (SP 800-38D), ChaCha20-Poly1305
// (RFC 8439). The caller guarantees that each (key, nonce) pair seals only once.
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
  // sealed = ciphertext, then tag; out.size() == sealed.size() - tag_size. `out` may be sealed's own buffer. Returns
  // false and wipes `out` when the text is not authentic; returns false also when `sealed` is shorter than a tag.
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
