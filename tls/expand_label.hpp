// HKDF-Expand-Label (RFC 8446 §7.1), from which every secret and key of TLS 1.3 comes.
#pragma once

#include <string_view>

#include "core/bytes.hpp"
#include "core/crypto.hpp"

namespace sallyport::tls {

// What every label begins with.
inline constexpr std::string_view label_prefix = "tls13 ";

// Throws where label or context do not fit their length's one byte.
void expand_label(core::crypto::Hash hash, core::ConstBytes secret, std::string_view label, core::ConstBytes context,
                  core::MutableBytes out);

}  // namespace sallyport::tls
