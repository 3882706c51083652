// Parses and writes one line of the token file. Strict: it refuses everything it does not know.
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
  std::variant<std::monostate, Token, Revocation> value;  // std::monostate when there is any problem
  std::vector<std::string> problems;
};

TokenLine read_token_line(std::string_view text);

// Without a line end. They do not check the values.
std::string write_token_line(const Token& token);
std::string write_token_line(const Revocation& revocation);

}  // namespace sallyport::auth
