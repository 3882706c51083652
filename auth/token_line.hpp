// One line of the token file as a value, and back. Strict: what it does not know it refuses.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/token_file.hpp"

namespace sallyport::auth {

struct Revocation {
  std::string id;
  core::WallTime when;
};

struct TokenLine {
  std::variant<std::monostate, Token, Revocation> value;  // monostate when there is any problem
  std::vector<std::string> problems;
};

TokenLine read_token_line(std::string_view text);

// Without the line's end.
std::string write_token_line(const Token& token);
std::string write_token_line(const Revocation& revocation);

}  // namespace sallyport::auth
