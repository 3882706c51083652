#include "core/pkcs8.hpp"

#include <openssl/pem.h>

#include "core/evp_key.hpp"

namespace sallyport::core::crypto {

namespace {

using Sealed = Handle<X509_SIG, X509_SIG_free>;

// scrypt with 16 MiB and five passes: OWASP rates this equal to 128 MiB and one pass, and it stays below the 32 MiB
// that OpenSSL accepts when it reads a key.
constexpr int scrypt_cost = 1 << 14, scrypt_block = 8, scrypt_parallel = 5, scrypt_salt_size = 16;

Bio reading(ConstBytes text) {
  Bio bio(BIO_new_mem_buf(text.data(), int_size(text)));
  require(bio != nullptr, "make a buffer");
  return bio;
}

}  // namespace

std::string encrypt_pkcs8(PKCS8_PRIV_KEY_INFO* plain, const Secret& passphrase) {
  if (passphrase.empty()) throw std::invalid_argument("an empty passphrase protects nothing");
  if (passphrase.size() > maximum_passphrase_size) throw std::invalid_argument("a passphrase has at most 1024 bytes");
  X509_ALGOR* scheme = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, scrypt_salt_size, nullptr, scrypt_cost,
                                             scrypt_block, scrypt_parallel);
  require(plain != nullptr && scheme != nullptr, "set up PBES2 with scrypt");
  const Sealed sealed(PKCS8_set0_pbe(passphrase.reveal_text().data(), int_size(passphrase.reveal()), plain,
                                     scheme));  // takes the scheme
  const Bio bio = memory();
  require(sealed != nullptr && PEM_write_bio_PKCS8(bio.get(), sealed.get()) == 1, "encrypt a private key");
  return std::string(text_of(written(bio)));
}

Pkcs8 read_pkcs8(ConstBytes pem, const AskPassphrase& ask) {
  Pkcs8 plain(PEM_read_bio_PKCS8_PRIV_KEY_INFO(reading(pem).get(), nullptr, nullptr, nullptr));
  if (!plain) {
    const Sealed sealed(PEM_read_bio_PKCS8(reading(pem).get(), nullptr, nullptr, nullptr));
    const Secret passphrase = sealed && ask ? ask() : Secret{};
    if (!passphrase.empty() && passphrase.size() <= maximum_passphrase_size) {
      plain.reset(PKCS8_decrypt(sealed.get(), passphrase.reveal_text().data(), int_size(passphrase.reveal())));
    }
  }
  ERR_clear_error();
  return plain;
}

}  // namespace sallyport::core::crypto
