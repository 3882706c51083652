// Hashes, keyed hashes, key derivation, AES-GCM and random bytes. Only core's key files, crypto.cpp and tls/ include
// <openssl/evp.h>. Algorithms are fetched once per thread and contexts are kept.
// Failures that an attacker or a wrong key can cause are values; anything else (out of memory, a broken OpenSSL) throws.
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

// HKDF-SHA256 (RFC 5869). expand: out.size() at most 255 * 32.
Digest hkdf_extract(ConstBytes salt, ConstBytes input_key);
void hkdf_expand(ConstBytes pseudo_random_key, ConstBytes info, MutableBytes out);

// Constant time in the content; false at once when sizes differ.
bool equal(ConstBytes a, ConstBytes b) noexcept;

// AES-256-GCM with a kept context (SP 800-38D). The caller owns the rule that a (key, nonce) pair seals once.
class Aes256Gcm {
 public:
  static constexpr std::size_t key_size = 32, nonce_size = 12, tag_size = 16;
  using Nonce = std::array<std::byte, nonce_size>;

  explicit Aes256Gcm(ConstBytes key);
  ~Aes256Gcm();
  Aes256Gcm(Aes256Gcm&&) noexcept;
  Aes256Gcm& operator=(Aes256Gcm&&) noexcept;
  void rekey(ConstBytes key);  // the same context under another key; the old key schedule is overwritten

  // out.size() == plaintext.size() + tag_size: ciphertext, then tag. `out` may be plaintext's own buffer.
  void seal(const Nonce& nonce, ConstBytes associated, ConstBytes plaintext, MutableBytes out);
  // sealed = ciphertext, then tag; out.size() == sealed.size() - tag_size. False, with `out` wiped, when it is not authentic.
  bool open(const Nonce& nonce, ConstBytes associated, ConstBytes sealed, MutableBytes out);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace sallyport::core::crypto
