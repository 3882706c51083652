// RSA for keys in a PKCS#11 token, which gives bare numbers: those of the public key, and the block that a raw RSA
// operation returns.
#pragma once

#include <optional>

#include "core/bytes.hpp"
#include "core/public_key.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace sallyport::core::crypto {

// A public key from its big-endian numbers; nullopt when it is not valid or does not have 2048 to 8192 bits.
std::optional<PublicKey> rsa_public_key(ConstBytes modulus, ConstBytes public_exponent);

// Removes the RSA-OAEP padding (RFC 8017 section 7.1.2, step 3: SHA-256, MGF1 with SHA-256, an empty label) from a
// block as long as the modulus. OpenSSL's function does this in constant time, so that timing does not show where it
// failed. Errors: not_authentic.
Result<Secret> unpad_oaep_sha256(ConstBytes block);

}  // namespace sallyport::core::crypto
