// HPKE (RFC 9180), public-key encryption of one message: base mode, HKDF-SHA256, AES-256-GCM. The KEM is DHKEM(P-256,
// HKDF-SHA256), or MLKEM768-X25519 (0x647a, draft-ietf-hpke-pq) for post-quantum recipients.
//
// The sealed form is the encapsulated key (65 bytes; 1120 for post-quantum), then the ciphertext and its tag. Each
// message has its own ephemeral key, so its AES key and nonce are used once. A PublicKey or PrivateKey must be of
// P-256.
#pragma once

#include <functional>

#include "core/bytes.hpp"
#include "core/hybrid_key.hpp"
#include "core/private_key.hpp"
#include "core/public_key.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace sallyport::envelope::hpke {

inline constexpr std::size_t encapsulated_size = core::crypto::p256_point_size, tag_size = 16;
inline constexpr std::size_t overhead = encapsulated_size + tag_size;
inline constexpr std::size_t hybrid_overhead = core::crypto::hybrid_encapsulated_size + tag_size;

core::Bytes seal(const core::crypto::PublicKey& recipient, core::ConstBytes info, core::ConstBytes associated,
                 core::ConstBytes plaintext);
core::Bytes seal(const core::crypto::HybridPublicKey& recipient, core::ConstBytes info, core::ConstBytes associated,
                 core::ConstBytes plaintext);

// The plaintext. Errors: envelope_malformed (too short, or the encapsulated key is no point of the curve),
// not_authentic.
core::Result<core::Secret> open(const core::crypto::PrivateKey& recipient, core::ConstBytes info,
                                core::ConstBytes associated, core::ConstBytes sealed);
core::Result<core::Secret> open(const core::crypto::HybridPrivateKey& recipient, core::ConstBytes info,
                                core::ConstBytes associated, core::ConstBytes sealed);

// open() for a P-256 private key that is kept elsewhere, such as in an HSM. `agree` does the ECDH with that key and
// `ephemeral`: it gives the x coordinate (32 bytes) of the shared point. Its errors are passed on.
using Agree = std::function<core::Result<core::Secret>(const core::crypto::PublicKey& ephemeral)>;
core::Result<core::Secret> open_with(const Agree& agree, const core::crypto::PublicKey& recipient,
                                     core::ConstBytes info, core::ConstBytes associated, core::ConstBytes sealed);

// For published test vectors only: a second message under one ephemeral key would repeat key and nonce.
core::Bytes seal_with_ephemeral(const core::crypto::PrivateKey& ephemeral, const core::crypto::PublicKey& recipient,
                                core::ConstBytes info, core::ConstBytes associated, core::ConstBytes plaintext);

}  // namespace sallyport::envelope::hpke
