#include "core/evp_key.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdexcept>

namespace sallyport::core::crypto {

KeyContext context_for(EVP_PKEY* key) {
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  require(context != nullptr, "make a key context");
  return context;
}

DigestContext digest_context() {
  DigestContext context(EVP_MD_CTX_new());
  require(context != nullptr, "make a digest context");
  return context;
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

ConstBytes written(const Bio& bio) {
  char* begin = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &begin);
  return bytes_of({begin, static_cast<std::size_t>(size)});
}

namespace {

// OpenSSL accepts a key with a larger exponent, but refuses to encrypt to it when the modulus has more than 3072 bits.
bool has_usual_exponent(EVP_PKEY* rsa) {
  BIGNUM* exponent = nullptr;
  EVP_PKEY_get_bn_param(rsa, OSSL_PKEY_PARAM_RSA_E, &exponent);
  const Handle<BIGNUM, BN_free> owner(exponent);
  return exponent != nullptr && BN_num_bits(exponent) <= OPENSSL_RSA_MAX_PUBEXP_BITS;
}

}  // namespace

std::optional<KeyType> type_of(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519")) return KeyType::ed25519;
  if (EVP_PKEY_is_a(key, "RSA")) {
    const auto bits = static_cast<unsigned>(EVP_PKEY_get_bits(key));
    if (bits >= minimum_rsa_bits && bits <= maximum_rsa_bits && has_usual_exponent(key)) return KeyType::rsa;
  }
  char group[32];  // longer than any group's name
  if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
      std::string_view(group) == SN_X9_62_prime256v1) {
    return KeyType::p256;
  }
  return std::nullopt;
}

Bytes der_of(EVP_PKEY* key) {
  const int size = i2d_PUBKEY(key, nullptr);
  require(size > 0, "encode a public key");
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* out = raw(der.data());
  i2d_PUBKEY(key, &out);
  return der;
}

Bytes public_bytes(EVP_PKEY* key) {
  std::size_t size = 0;
  require(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0, &size) == 1, "size a public key");
  Bytes bytes(size);
  require(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, raw(bytes.data()), bytes.size(), &size) == 1,
          "encode a public key");
  bytes.resize(size);
  return bytes;
}

void expect(KeyType type, KeyType wanted) {
  if (type != wanted) throw std::logic_error("this type of key cannot do that");
}

}  // namespace sallyport::core::crypto
