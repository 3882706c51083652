#include "core/private_key.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <exception>

#include "core/evp_key.hpp"
#include "core/pkcs8.hpp"

namespace sallyport::core::crypto {

namespace {

// Uses the raw bytes where the key has a raw form: decoding DER takes OpenSSL 3.0 a millisecond, and HPKE makes a key
// for every message.
PublicKey public_half(EVP_PKEY* key) {
  const auto type = type_of(key);
  std::optional<PublicKey> half;
  if (type == KeyType::p256) half = PublicKey::from_p256_point(public_bytes(key));
  if (type == KeyType::ed25519) half = PublicKey::from_ed25519(public_bytes(key));
  if (type == KeyType::rsa) half = PublicKey::from_der(der_of(key));
  if (!half) throw std::invalid_argument("this is not a sound P-256, Ed25519 or RSA key of 2048 to 8192 bits");
  return *std::move(half);
}

// Whether the two halves in a file match. An RSA key is tested by use: OpenSSL's own check tests the primes too, which
// takes half a second for 4096 bits. OpenSSL always derives an Ed25519 public half from the private one.
bool halves_fit(EVP_PKEY* key, const PrivateKey& both) {
  if (both.type() != KeyType::rsa) return EVP_PKEY_pairwise_check(context_for(key).get()) == 1;
  const ConstBytes probe = bytes_of("probe");
  const auto opened = both.decrypt_oaep(both.public_key().encrypt_oaep(probe));
  return opened && opened->equals(probe);
}

struct Question {
  const AskPassphrase& ask;
  bool asked = false;
  std::exception_ptr thrown;
};

// OpenSSL's pem_password_cb. An exception must not pass through OpenSSL's frames, so the Question keeps it.
int answer(char* buffer, int size, int, void* argument) {
  auto& question = *static_cast<Question*>(argument);
  question.asked = true;
  try {
    const Secret passphrase = question.ask ? question.ask() : Secret{};
    if (passphrase.empty() || passphrase.size() > static_cast<std::size_t>(size)) return -1;
    std::copy_n(passphrase.reveal_text().data(), passphrase.size(), buffer);
    return static_cast<int>(passphrase.size());
  } catch (...) {
    question.thrown = std::current_exception();
    return -1;
  }
}

}  // namespace

PrivateKey::PrivateKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)), public_(public_half(key_.get())) {}

PrivateKey PrivateKey::generate_p256() {
  Key key = owned(EVP_EC_gen(SN_X9_62_prime256v1));
  require(key != nullptr, "generate a P-256 key");
  return PrivateKey(std::move(key));
}

PrivateKey PrivateKey::generate_rsa(unsigned bits) {
  if (bits < minimum_rsa_bits || bits > maximum_rsa_bits) throw std::invalid_argument("no such size of RSA key");
  Key key = owned(EVP_RSA_gen(bits));
  require(key != nullptr, "generate an RSA key");
  return PrivateKey(std::move(key));
}

PrivateKey PrivateKey::generate_ed25519() {
  Key key = owned(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  require(key != nullptr, "generate an Ed25519 key");
  return PrivateKey(std::move(key));
}

PrivateKey PrivateKey::from_pem(ConstBytes pem, const AskPassphrase& ask) {
  const Bio bio(BIO_new_mem_buf(pem.data(), int_size(pem)));
  require(bio != nullptr, "make a buffer");
  Question question{ask, false, nullptr};
  Key key = owned(PEM_read_bio_PrivateKey(bio.get(), nullptr, answer, &question));
  if (question.thrown) std::rethrow_exception(question.thrown);
  if (!key) {
    throw std::invalid_argument(question.asked ? "the passphrase is missing or does not open this private key"
                                               : "this is not a private key in PEM form");
  }
  // The file may hold a compressed point; from here on OpenSSL writes it uncompressed.
  if (EVP_PKEY_is_a(key.get(), "EC")) {
    EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                   OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED);
  }
  PrivateKey both(key);
  const bool fit = halves_fit(key.get(), both);
  ERR_clear_error();
  if (!fit) throw std::invalid_argument("the public half in this private key's file belongs to another key");
  return both;
}

Secret PrivateKey::pem() const {
  const Bio bio = memory();
  require(PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "write a private key");
  return Secret(written(bio));
}

std::string PrivateKey::encrypted_pem(const Secret& passphrase) const {
  const Pkcs8 plain(EVP_PKEY2PKCS8(key_.get()));
  return encrypt_pkcs8(plain.get(), passphrase);
}

Secret PrivateKey::agree(const PublicKey& peer) const {
  expect(type(), KeyType::p256);
  expect(peer.type(), KeyType::p256);
  const KeyContext context = context_for(key_.get());
  Secret shared(32);
  std::size_t size = shared.size();
  require(EVP_PKEY_derive_init(context.get()) == 1 && EVP_PKEY_derive_set_peer(context.get(), peer.key_.get()) == 1 &&
              EVP_PKEY_derive(context.get(), core::raw(shared.reveal_for_writing().data()), &size) == 1 &&
              size == shared.size(),
          "agree on a P-256 secret");
  return shared;
}

Result<Secret> PrivateKey::decrypt_oaep(ConstBytes ciphertext) const {
  expect(type(), KeyType::rsa);
  const KeyContext context = context_for(key_.get());
  require(EVP_PKEY_decrypt_init(context.get()) == 1, "start RSA-OAEP");
  choose_oaep_sha256(context.get());
  Secret room(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())));
  std::size_t size = room.size();
  const bool opened = EVP_PKEY_decrypt(context.get(), core::raw(room.reveal_for_writing().data()), &size,
                                       core::raw(ciphertext.data()), ciphertext.size()) == 1;
  ERR_clear_error();
  if (!opened) return Error{Reason::not_authentic};
  return Secret(room.reveal().first(size));
}

Bytes PrivateKey::sign(ConstBytes message) const {
  expect(type(), KeyType::ed25519);
  const DigestContext context = digest_context();
  Bytes signature(ed25519_signature_size);
  std::size_t size = signature.size();
  require(EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key_.get(), nullptr) == 1 &&
              EVP_DigestSign(context.get(), core::raw(signature.data()), &size, core::raw(message.data()),
                             message.size()) == 1,
          "sign with Ed25519");
  return signature;
}

}  // namespace sallyport::core::crypto
