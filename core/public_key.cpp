#include "core/public_key.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <exception>

#include "core/openssl_handle.hpp"
#include "core/pkcs8.hpp"

namespace sallyport::core {

Bytes public_bytes(EVP_PKEY* key) {
  std::size_t size = 0;
  require(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0, &size) == 1, "size a public key");
  Bytes bytes(size);
  require(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, raw(bytes.data()), bytes.size(), &size) == 1,
          "encode a public key");
  bytes.resize(size);
  return bytes;
}

}  // namespace sallyport::core

namespace sallyport::core::crypto {

namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using KeyContext = Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Bio = Handle<BIO, BIO_free_all>;
using DigestContext = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;

Key owned(EVP_PKEY* key) { return Key(key, EVP_PKEY_free); }

KeyContext context_for(EVP_PKEY* key) {
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  require(context != nullptr, "make a key context");
  return context;
}

void expect(KeyType type, KeyType wanted) {
  if (type != wanted) throw std::logic_error("this type of key cannot do that");
}

std::optional<KeyType> type_of(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519")) return KeyType::ed25519;
  if (EVP_PKEY_is_a(key, "RSA")) {
    const auto bits = static_cast<unsigned>(EVP_PKEY_get_bits(key));
    if (bits >= minimum_rsa_bits && bits <= maximum_rsa_bits) return KeyType::rsa;
  }
  char group[16];
  if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
      std::string_view(group) == SN_X9_62_prime256v1) {
    return KeyType::p256;
  }
  return std::nullopt;
}

bool sound(EVP_PKEY* key) {
  const bool checked = EVP_PKEY_public_check(context_for(key).get()) == 1;
  ERR_clear_error();
  return checked;
}

Bytes der_of(EVP_PKEY* key) {
  const int size = i2d_PUBKEY(key, nullptr);
  require(size > 0, "encode a public key");
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* out = raw(der.data());
  i2d_PUBKEY(key, &out);
  return der;
}

Key parse_der(ConstBytes der) {
  const unsigned char* in = raw(der.data());
  Key key = owned(d2i_PUBKEY(nullptr, &in, int_size(der)));
  ERR_clear_error();
  return key;
}

// What was written to a memory BIO. Its buffer is wiped when it is freed.
ConstBytes written(const Bio& bio) {
  char* begin = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &begin);
  return bytes_of({begin, static_cast<std::size_t>(size)});
}

Bio memory() {
  Bio bio(BIO_new(BIO_s_mem()));
  require(bio != nullptr, "make a buffer");
  return bio;
}

void choose_oaep_sha256(EVP_PKEY_CTX* context) {
  require(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_oaep_md_name(context, "SHA256", nullptr) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, "SHA256", nullptr) == 1,
          "set up RSA-OAEP");
}

// By way of the bare bytes where there are any: decoding DER takes OpenSSL 3.0 a millisecond, and HPKE makes a key for
// every message.
PublicKey public_half(EVP_PKEY* key) {
  const auto type = type_of(key);
  std::optional<PublicKey> half;
  if (type == KeyType::p256) half = PublicKey::from_p256_point(public_bytes(key));
  if (type == KeyType::ed25519) half = PublicKey::from_ed25519(public_bytes(key));
  if (type == KeyType::rsa) half = PublicKey::from_der(der_of(key));
  if (!half) throw std::invalid_argument("this is not a sound P-256, Ed25519 or RSA key of 2048 to 8192 bits");
  return *std::move(half);
}

DigestContext digest_context() {
  DigestContext context(EVP_MD_CTX_new());
  require(context != nullptr, "make a digest context");
  return context;
}

struct Question {
  const AskPassphrase& ask;
  bool asked = false;
  std::exception_ptr thrown;
};

// pem_password_cb. An exception may not cross OpenSSL's frames, so it waits in the Question.
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

std::optional<PublicKey> PublicKey::from_der(ConstBytes subject_public_key_info) {
  Key key = parse_der(subject_public_key_info);
  const auto type = key ? type_of(key.get()) : std::nullopt;
  if (!type || !sound(key.get())) return std::nullopt;
  PublicKey parsed(*type, std::move(key));
  // A point made anew has a named curve and is uncompressed: other spellings of the same key do not compare equal.
  const auto plain = *type == KeyType::p256 ? from_p256_point(parsed.raw()) : std::optional(parsed);
  if (!plain || !std::ranges::equal(plain->der(), subject_public_key_info)) return std::nullopt;
  return plain;
}

std::optional<PublicKey> PublicKey::from_pem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), int_size(bytes_of(pem))));
  char *label = nullptr, *header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  const bool read = bio != nullptr && PEM_read_bio(bio.get(), &label, &header, &data, &size) == 1;
  ERR_clear_error();
  if (!read) return std::nullopt;
  const bool labelled = std::string_view(label) == PEM_STRING_PUBLIC;
  const Bytes der(reinterpret_cast<std::byte*>(data), reinterpret_cast<std::byte*>(data) + size);
  OPENSSL_free(label);
  OPENSSL_free(header);
  OPENSSL_free(data);
  return labelled ? from_der(der) : std::nullopt;
}

std::optional<PublicKey> PublicKey::from_p256_point(ConstBytes uncompressed) {
  if (uncompressed.size() != p256_point_size || uncompressed[0] != std::byte{4}) return std::nullopt;
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  require(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1, "make a key context");
  char group[] = SN_X9_62_prime256v1;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                         OSSL_PARAM_construct_octet_string(
                             OSSL_PKEY_PARAM_PUB_KEY, const_cast<std::byte*>(uncompressed.data()), uncompressed.size()),
                         OSSL_PARAM_construct_end()};
  EVP_PKEY* made = nullptr;
  EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params);
  Key key = owned(made);
  ERR_clear_error();
  if (!key || !sound(key.get())) return std::nullopt;
  return PublicKey(KeyType::p256, std::move(key));
}

std::optional<PublicKey> PublicKey::from_ed25519(ConstBytes key) {
  if (key.size() != ed25519_key_size) return std::nullopt;
  Key made = owned(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, core::raw(key.data()), key.size()));
  ERR_clear_error();
  if (!made) return std::nullopt;
  return PublicKey(KeyType::ed25519, std::move(made));
}

unsigned PublicKey::bits() const { return static_cast<unsigned>(EVP_PKEY_get_bits(key_.get())); }

Bytes PublicKey::der() const { return der_of(key_.get()); }

std::string PublicKey::pem() const {
  const Bio bio = memory();
  require(PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1, "write a public key");
  return std::string(text_of(written(bio)));
}

Bytes PublicKey::raw() const {
  if (type_ == KeyType::rsa) throw std::logic_error("an RSA key has no raw form");
  return public_bytes(key_.get());
}

Bytes PublicKey::encrypt_oaep(ConstBytes plaintext) const {
  expect(type_, KeyType::rsa);
  const KeyContext context = context_for(key_.get());
  require(EVP_PKEY_encrypt_init(context.get()) == 1, "start RSA-OAEP");
  choose_oaep_sha256(context.get());
  Bytes ciphertext(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())));
  std::size_t size = ciphertext.size();
  require(EVP_PKEY_encrypt(context.get(), core::raw(ciphertext.data()), &size, core::raw(plaintext.data()),
                           plaintext.size()) == 1,
          "encrypt with RSA-OAEP");
  ciphertext.resize(size);
  return ciphertext;
}

bool PublicKey::verify(ConstBytes message, ConstBytes signature) const {
  expect(type_, KeyType::ed25519);
  const DigestContext context = digest_context();
  require(EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key_.get(), nullptr) == 1,
          "start Ed25519");
  const bool valid = EVP_DigestVerify(context.get(), core::raw(signature.data()), signature.size(),
                                      core::raw(message.data()), message.size()) == 1;
  ERR_clear_error();
  return valid;
}

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
  ERR_clear_error();
  if (question.thrown) std::rethrow_exception(question.thrown);
  if (!key) {
    throw std::invalid_argument(question.asked ? "the passphrase is missing or does not open this private key"
                                               : "this is not a private key in PEM form");
  }
  // A file may hold the point compressed; from here on it is not.
  if (EVP_PKEY_is_a(key.get(), "EC")) {
    EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                   OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED);
  }
  return PrivateKey(std::move(key));
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
