#include "core/public_key.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>

#include "core/evp_key.hpp"

namespace sallyport::core::crypto {

namespace {

bool sound(EVP_PKEY* key) {
  const bool checked = EVP_PKEY_public_check(context_for(key).get()) == 1;
  ERR_clear_error();
  return checked;
}

Key parse_der(ConstBytes der) {
  const unsigned char* in = raw(der.data());
  return owned(d2i_PUBKEY(nullptr, &in, int_size(der)));
}

}  // namespace

std::optional<PublicKey> PublicKey::from_der(ConstBytes subject_public_key_info) {
  Key key = parse_der(subject_public_key_info);
  const auto type = key ? type_of(key.get()) : std::nullopt;
  if (!type || !sound(key.get())) return std::nullopt;
  PublicKey parsed(*type, std::move(key));
  // A P-256 key made from its point has a named curve and is uncompressed, so any other encoding does not compare
  // equal.
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
  if (!key || !sound(key.get())) return std::nullopt;
  return PublicKey(KeyType::p256, std::move(key));
}

std::optional<PublicKey> PublicKey::from_ed25519(ConstBytes key) {
  if (key.size() != ed25519_key_size) return std::nullopt;
  Key made = owned(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, core::raw(key.data()), key.size()));
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

}  // namespace sallyport::core::crypto
