// HKDF-Expand-Label (RFC 8446 §7.1), which derives every secret and key of TLS 1.3.
#pragma once

#include <string_view>

#include "core/bytes.hpp"
#include "core/crypto.hpp"

namespace sallyport::tls {

// Every label begins with it; expand_label() adds it.
inline constexpr std::string_view label_prefix = "tls13 ";

// Fills `out`, of at most 255 of the hash's blocks. Throws std::invalid_argument when the prefix and the label
// together, or the context, are over 255 bytes.
void expand_label(core::crypto::Hash hash, core::ConstBytes secret, std::string_view label, core::ConstBytes context,
                  core::MutableBytes out);

}  // namespace sallyport::tls
