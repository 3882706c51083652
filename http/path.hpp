// Paths that every server reads alike. The gateway decides by a path's bytes and never changes them, so a path that a
// model server may rewrite before it looks (decode, merge, resolve) could be decided here as one and served there as
// another.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sallyport::http {

// True for a path in normal form (RFC 3986 §6.2.2) whose percent-encoding hides nothing that divides or ends it: no
// "." or ".." segment, no empty segment but the last, no percent-encoded unreserved byte, control byte, '/' or '\',
// no '%' without two hexadecimal digits, and neither '\' nor ';' as they are (some servers read '\' as '/',
// and cut a segment at ';'). Also "*".
bool is_normal_path(std::string_view path) noexcept;

// Percent-encoding undone. For text that goes nowhere as a path. nullopt: a '%' without two hexadecimal digits.
std::optional<std::string> decoded(std::string_view text);

}  // namespace sallyport::http
