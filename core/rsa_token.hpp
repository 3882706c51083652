// RSA for keys that live in a token, which speaks in bare numbers: a key's, and the block that a raw operation gives.
#pragma once

#include <optional>

#include "core/bytes.hpp"
#include "core/public_key.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace sallyport::core::crypto {

// A public key from its big-endian numbers; nullopt when it is not sound or not of 2048 to 8192 bits.
std::optional<PublicKey> rsa_public_key(ConstBytes modulus, ConstBytes public_exponent);

// Takes RSA-OAEP (RFC 8017 section 7.1.2, step 3: SHA-256, MGF1 with SHA-256, an empty label) off a block as long as
// the modulus. OpenSSL's own function does it, in constant time: how long it takes tells nothing of where it failed.
// Errors: not_authentic.
Result<Secret> unpad_oaep_sha256(ConstBytes block);

}  // namespace sallyport::core::crypto
