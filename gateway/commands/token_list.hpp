// How tokens are shown to their operator: none of these shows a token itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/policy.hpp"
#include "auth/token_file.hpp"
#include "core/clock.hpp"

namespace sallyport::gateway {

using Tokens = std::vector<auth::Token>;

std::string_view state_of(const auth::Token& token, core::WallTime now);  // active, expired or revoked
std::string expiry_of(const auth::Token& token);                          // a time, or "never"
std::string limits_of(const auth::Allowance& allowance);                  // "-" for none

std::string text_list(const Tokens& tokens, core::WallTime now);
std::string json_list(const Tokens& tokens, core::WallTime now);

}  // namespace sallyport::gateway
