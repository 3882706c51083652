// Tells whether every server reads a path alike. The gateway decides by a path's bytes and never changes them. A model
// server may decode, merge or resolve a path first, and could so serve another path than the one that the gateway
// allowed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sallyport::http {

// True for "*", and for a path (without a query) in normal form (RFC 3986 §6.2.2) whose percent-encoding hides nothing
// that divides or ends a path: no "." or ".." segment, no empty segment except the last, no percent-encoded unreserved
// byte, control byte, '/' or '\', no '%' without two hexadecimal digits, and no plain '\' or ';' (some servers read '\'
// as '/' and cut a segment at ';').
bool is_normal_path(std::string_view path) noexcept;

// Undoes percent-encoding. Not for text that is used as a path afterwards. nullopt for a '%' without two hexadecimal
// digits.
std::optional<std::string> decoded(std::string_view text);

}  // namespace sallyport::http
