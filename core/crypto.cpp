#include "core/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <stdexcept>

#include "core/openssl_handle.hpp"

namespace sallyport::core::crypto {

namespace {

using Algorithm = Handle<EVP_MD, EVP_MD_free>;
using Cipher = Handle<EVP_CIPHER, EVP_CIPHER_free>;
using DigestContext = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;
using CipherContext = Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using MacContext = Handle<EVP_MAC_CTX, EVP_MAC_CTX_free>;

MacContext make_hmac(const char* digest) {
  const Handle<EVP_MAC, EVP_MAC_free> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  require(mac != nullptr, "fetch HMAC");
  MacContext context(EVP_MAC_CTX_new(mac.get()));
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest), 0),
                               OSSL_PARAM_construct_end()};
  require(context != nullptr && EVP_MAC_CTX_set_params(context.get(), params) == 1, "set up HMAC");
  return context;
}

// Fetched once per thread: fetching takes locks and searches the providers, and the reference counts of fetched objects
// would be cache lines shared by all threads.
struct Algorithms {
  Algorithm sha256{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  DigestContext digest{EVP_MD_CTX_new()};
  MacContext hmac_sha256 = make_hmac("SHA256"), hmac_sha384 = make_hmac("SHA384");
  Cipher aes_128_gcm{EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr)};
  Cipher aes_256_gcm{EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)};
  Cipher chacha20_poly1305{EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr)};

  Algorithms() {
    require(sha256 && digest, "fetch SHA-256");
    require(aes_128_gcm && aes_256_gcm, "fetch AES-GCM");
    ERR_clear_error();  // a FIPS provider has no ChaCha20, and nobody asks for it there
  }
};

const Algorithms& algorithms() {
  thread_local const Algorithms kept;
  return kept;
}

void start(EVP_MD_CTX* context) {
  require(EVP_DigestInit_ex2(context, algorithms().sha256.get(), nullptr) == 1, "start SHA-256");
}

void feed(EVP_MD_CTX* context, ConstBytes data) {
  require(EVP_DigestUpdate(context, data.data(), data.size()) == 1, "update SHA-256");
}

Digest finish(EVP_MD_CTX* context) {
  Digest digest;
  unsigned size = 0;
  require(EVP_DigestFinal_ex(context, raw(digest.data()), &size) == 1 && size == digest.size(), "finish SHA-256");
  return digest;
}

}  // namespace

void random(MutableBytes out) { require(RAND_bytes(raw(out.data()), int_size(out)) == 1, "give random bytes"); }

bool equal(ConstBytes a, ConstBytes b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Digest sha256(ConstBytes data) {
  EVP_MD_CTX* context = algorithms().digest.get();
  start(context);
  feed(context, data);
  return finish(context);
}

struct Sha256::Context {
  DigestContext context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  require(context_->context != nullptr, "make a digest context");
  start(context_->context.get());
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(ConstBytes data) { feed(context_->context.get(), data); }

Digest Sha256::finish() {
  const Digest digest = crypto::finish(context_->context.get());
  start(context_->context.get());
  return digest;
}

namespace {

constexpr std::array<std::byte, 32> no_key{};

void wipe_key(EVP_MAC_CTX* context) { EVP_MAC_init(context, raw(no_key.data()), no_key.size(), nullptr); }

// The HMAC context that still holds a key. There is one only while a WipeAtEnd lives.
struct Unwiped {
  bool allowed = false;
  EVP_MAC_CTX* context = nullptr;

  void keep(EVP_MAC_CTX* keyed) {
    if (context != keyed) wipe();
    context = keyed;
  }
  void wipe() {
    if (context != nullptr) wipe_key(context);
    context = nullptr;
  }
};
thread_local Unwiped unwiped;

// HMAC over pieces, in this thread's reused context. At the end the context is keyed with zeros, because a ratcheted
// key must not survive in it.
class Hmac {
 public:
  explicit Hmac(ConstBytes key, Hash hash = Hash::sha256)
      : context_((hash == Hash::sha256 ? algorithms().hmac_sha256 : algorithms().hmac_sha384).get()) {
    set_key(key);
  }
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;
  ~Hmac() { unwiped.allowed ? unwiped.keep(context_) : wipe_key(context_); }

  void update(ConstBytes data) { require(EVP_MAC_update(context_, raw(data.data()), data.size()) == 1, "update HMAC"); }
  void again() { require(EVP_MAC_init(context_, nullptr, 0, nullptr) == 1, "start HMAC again"); }  // under the same key
  void finish(MutableBytes out) {
    std::size_t size = 0;
    require(EVP_MAC_final(context_, raw(out.data()), &size, out.size()) == 1, "finish HMAC");
  }

 private:
  // For OpenSSL a null pointer means "keep the previous key", so an empty key points at zeros.
  void set_key(ConstBytes key) {
    const std::byte* begin = key.empty() ? no_key.data() : key.data();
    require(EVP_MAC_init(context_, raw(begin), key.size(), nullptr) == 1, "key HMAC");
  }

  EVP_MAC_CTX* context_;
};

}  // namespace

WipeAtEnd::WipeAtEnd() noexcept { unwiped.allowed = true; }

WipeAtEnd::~WipeAtEnd() {
  unwiped.allowed = false;
  unwiped.wipe();
}

Digest hmac_sha256(ConstBytes key, ConstBytes data) {
  Hmac hmac(key);
  hmac.update(data);
  Digest digest;
  hmac.finish(digest);
  return digest;
}

// HKDF on the reused HMAC context: EVP_KDF fetches its digest and makes two contexts at each call, which was a fifth of
// the cost of a sealed chat.
Digest hkdf_extract(ConstBytes salt, ConstBytes input_key) { return hmac_sha256(salt, input_key); }

void hkdf_extract(ConstBytes salt, ConstBytes input_key, MutableBytes out, Hash hash) {
  Hmac hmac(salt, hash);
  hmac.update(input_key);
  hmac.finish(out);
}

// RFC 5869 §2.3: T(i) = HMAC(key, T(i-1) | info | i).
void hkdf_expand(ConstBytes pseudo_random_key, ConstBytes info, MutableBytes out, Hash hash) {
  std::array<std::byte, digest_size(Hash::sha384)> kept{};
  const MutableBytes block = MutableBytes(kept).first(digest_size(hash));
  if (out.size() > 255 * block.size()) throw std::invalid_argument("HKDF gives at most 255 blocks");
  if (out.empty()) return;
  Hmac hmac(pseudo_random_key, hash);
  for (std::size_t done = 0, i = 1; done < out.size(); ++i) {
    if (i > 1) {
      hmac.again();
      hmac.update(block);
    }
    hmac.update(info);
    const auto counter = static_cast<std::byte>(i);
    hmac.update({&counter, 1});
    hmac.finish(block);
    const std::size_t size = std::min(block.size(), out.size() - done);
    std::copy_n(block.begin(), size, out.begin() + static_cast<std::ptrdiff_t>(done));
    done += size;
  }
  wipe(kept);
}

namespace {

EVP_CIPHER* cipher_of(AeadAlgorithm algorithm) {
  switch (algorithm) {
    case AeadAlgorithm::aes_128_gcm:
      return algorithms().aes_128_gcm.get();
    case AeadAlgorithm::aes_256_gcm:
      return algorithms().aes_256_gcm.get();
    default:
      return algorithms().chacha20_poly1305.get();
  }
}

}  // namespace

struct Aead::Context {
  AeadAlgorithm algorithm;
  CipherContext context{EVP_CIPHER_CTX_new()};

  void set_key(ConstBytes key) {
    if (key.size() != key_size_of(algorithm)) throw std::invalid_argument("a key of the wrong size for its cipher");
    require(EVP_EncryptInit_ex2(get(), cipher_of(algorithm), raw(key.data()), nullptr, nullptr) == 1, "key a cipher");
  }

  // Starts a message under the current key and feeds the associated data.
  void start(const Nonce& nonce, ConstBytes associated, bool sealing) {
    require(EVP_CipherInit_ex2(get(), nullptr, nullptr, raw(nonce.data()), sealing ? 1 : 0, nullptr) == 1,
            "start a cipher");
    int written = 0;
    if (associated.empty()) return;
    require(EVP_CipherUpdate(get(), nullptr, &written, raw(associated.data()), int_size(associated)) == 1,
            "take associated data");
  }

  void pass(ConstBytes in, MutableBytes out) {
    int written = 0;
    if (in.empty()) return;
    require(EVP_CipherUpdate(get(), raw(out.data()), &written, raw(in.data()), int_size(in)) == 1 &&
                written == int_size(in),
            "run a cipher");
  }

  bool finish() {
    int written = 0;
    unsigned char none[1];
    return EVP_CipherFinal_ex(get(), none, &written) == 1;
  }

  EVP_CIPHER_CTX* get() noexcept { return context.get(); }
};

std::size_t Aead::key_size_of(AeadAlgorithm algorithm) noexcept {
  return algorithm == AeadAlgorithm::aes_128_gcm ? 16 : 32;
}

Aead::Aead(AeadAlgorithm algorithm, ConstBytes key) : context_(new Context{algorithm}) { rekey(key); }
Aead::~Aead() = default;
Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;

void Aead::rekey(ConstBytes key) { context_->set_key(key); }

void Aead::seal(const Nonce& nonce, ConstBytes associated, ConstBytes plaintext, MutableBytes out) {
  if (out.size() != plaintext.size() + tag_size) throw std::invalid_argument("seal: out is not plaintext and tag");
  const MutableBytes tag = out.last(tag_size);
  context_->start(nonce, associated, true);
  context_->pass(plaintext, out.first(plaintext.size()));
  require(context_->finish() && EVP_CIPHER_CTX_ctrl(context_->get(), EVP_CTRL_AEAD_GET_TAG, tag_size, tag.data()) == 1,
          "seal with a cipher");
}

bool Aead::open(const Nonce& nonce, ConstBytes associated, ConstBytes sealed, MutableBytes out) {
  if (sealed.size() < tag_size) return false;
  if (out.size() != sealed.size() - tag_size) throw std::invalid_argument("open: out is not sealed without its tag");
  std::array<std::byte, tag_size> tag;
  std::copy_n(sealed.end() - tag_size, tag_size, tag.begin());
  context_->start(nonce, associated, false);
  context_->pass(sealed.first(out.size()), out);
  require(EVP_CIPHER_CTX_ctrl(context_->get(), EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1, "set the tag");
  if (context_->finish()) return true;
  ERR_clear_error();
  wipe(out);
  return false;
}

}  // namespace sallyport::core::crypto
