// OpenSSL's keys and what is done with them, for the .cpp files beside it.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <optional>

#include "core/openssl_handle.hpp"
#include "core/public_key.hpp"

namespace sallyport::core::crypto {

using Key = std::shared_ptr<EVP_PKEY>;
using KeyContext = Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Bio = Handle<BIO, BIO_free_all>;
using DigestContext = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;

// Null for null. Why a key was not made is no matter of OpenSSL's next call on this thread.
inline Key owned(EVP_PKEY* key) {
  ERR_clear_error();
  return Key(key, EVP_PKEY_free);
}

// Each throws std::runtime_error when OpenSSL cannot.
KeyContext context_for(EVP_PKEY* key);
DigestContext digest_context();
Bio memory();
void choose_oaep_sha256(EVP_PKEY_CTX* context);

// What was written to a memory BIO. Its buffer is wiped when it is freed.
ConstBytes written(const Bio& bio);

// nullopt: none of those that we use.
std::optional<KeyType> type_of(EVP_PKEY* key);
Bytes der_of(EVP_PKEY* key);  // SubjectPublicKeyInfo
// The public half of a key that has a raw form: an Ed25519, X25519 or ML-KEM key's bytes, a P-256 point as it was
// given.
Bytes public_bytes(EVP_PKEY* key);

// Throws std::logic_error: the caller's bug.
void expect(KeyType type, KeyType wanted);

}  // namespace sallyport::core::crypto
