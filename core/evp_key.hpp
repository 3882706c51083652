// Helpers around OpenSSL's EVP_PKEY, for the .cpp files of core.
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

// Takes ownership; null gives null. Clears the thread's error queue, so that no later OpenSSL call finds the reason why
// a key could not be made.
inline Key owned(EVP_PKEY* key) {
  ERR_clear_error();
  return Key(key, EVP_PKEY_free);
}

// Each throws std::runtime_error when OpenSSL fails.
KeyContext context_for(EVP_PKEY* key);
DigestContext digest_context();
Bio memory();
void choose_oaep_sha256(EVP_PKEY_CTX* context);

// What was written to a memory BIO: a view that is valid until the BIO is written to or freed. OpenSSL wipes the buffer
// when it frees it.
ConstBytes written(const Bio& bio);

// nullopt for every key that the gateway does not use: another type, another curve, an RSA size out of bounds.
std::optional<KeyType> type_of(EVP_PKEY* key);
Bytes der_of(EVP_PKEY* key);  // SubjectPublicKeyInfo
// The public half of a key that has a raw form: the bytes of an Ed25519, X25519 or ML-KEM key; a P-256 point compressed
// or uncompressed, as the key was given.
Bytes public_bytes(EVP_PKEY* key);

// Throws std::logic_error when the types differ, which is the caller's bug.
void expect(KeyType type, KeyType wanted);

}  // namespace sallyport::core::crypto
