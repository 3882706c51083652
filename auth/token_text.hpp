// Makes, checks and hashes the text of tokens.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "core/secret.hpp"

namespace sallyport::auth {

using TokenHash = std::array<std::byte, 32>;  // SHA-256 of the whole token text

// A new token: "sp-", 43 base64url characters (256 random bits), 6 base64url characters of checksum: the first 36 bits
// of SHA-256 over the 46 characters before them. Secret scanners find it with \bsp-[A-Za-z0-9_-]{49}
core::Secret make_token_text();
// Checks form and checksum only, not whether the token exists. For text of a token's form, the time does not depend on
// which characters are right.
bool is_well_formed_token(std::string_view text);
TokenHash hash_token(std::string_view text);

// A new public id: "tk-" and 16 hex digits of randomness.
std::string make_token_id();

}  // namespace sallyport::auth
