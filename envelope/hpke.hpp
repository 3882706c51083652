// HPKE (RFC 9180), base mode, single shot, with HKDF-SHA256 and AES-256-GCM; the KEM is DHKEM(P-256, HKDF-SHA256), or
// MLKEM768-X25519 (0x647a, draft-ietf-hpke-pq) for the post-quantum recipients.
//
// Sealed form: the encapsulated key (65 bytes, or 1120), then ciphertext and tag. Each message has an ephemeral key of
// its own, so its AES key and nonce are used once.
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

// Errors: envelope_malformed (too short, or the encapsulated key is no point of the curve), not_authentic.
core::Result<core::Secret> open(const core::crypto::PrivateKey& recipient, core::ConstBytes info,
                                core::ConstBytes associated, core::ConstBytes sealed);
core::Result<core::Secret> open(const core::crypto::HybridPrivateKey& recipient, core::ConstBytes info,
                                core::ConstBytes associated, core::ConstBytes sealed);

// The first of them for a private key that lives elsewhere: `agree` gives the x coordinate (32 bytes) of the point that
// it shares with `ephemeral`. Its errors are passed on.
using Agree = std::function<core::Result<core::Secret>(const core::crypto::PublicKey& ephemeral)>;
core::Result<core::Secret> open_with(const Agree& agree, const core::crypto::PublicKey& recipient,
                                     core::ConstBytes info, core::ConstBytes associated, core::ConstBytes sealed);

// For published test vectors only: a second message under one ephemeral key would repeat key and nonce.
core::Bytes seal_with_ephemeral(const core::crypto::PrivateKey& ephemeral, const core::crypto::PublicKey& recipient,
                                core::ConstBytes info, core::ConstBytes associated, core::ConstBytes plaintext);

}  // namespace sallyport::envelope::hpke
