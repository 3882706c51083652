// Tokens and the file of their hashes. The file is append-only JSON lines: a creation, or a revocation of an earlier id.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/principal.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace sallyport::auth {

using TokenHash = std::array<std::byte, 32>;  // SHA-256 of the whole token text

struct Token {
  Grant grant;
  TokenHash hash{};
  core::WallTime created;
  std::optional<core::WallTime> expires;
  std::optional<core::WallTime> revoked;
};

// A new token: "sp-" + 43 base64url characters (256 random bits) + 6 characters of checksum (CRC-32, base62 or base64url).
core::Secret make_token_text();
// Form and checksum only: says nothing of whether anyone knows it.
bool is_well_formed_token(std::string_view text) noexcept;
TokenHash hash_token(std::string_view text);

// Problems carry the line: they are for the operator, who wrote the file.
struct TokenFileProblem {
  std::size_t line = 0;
  std::string what;
};
struct TokenFileContent {
  std::vector<Token> tokens;  // revocations already applied
  std::vector<TokenFileProblem> problems;
};
TokenFileContent parse_token_file(std::string_view text);

// Appends one line under a file lock, with fsync; creates the file with mode 0600. Throws std::system_error with the path.
void append_token(const std::filesystem::path& file, const Token& token);
void append_revocation(const std::filesystem::path& file, std::string_view token_id, core::WallTime when);

}  // namespace sallyport::auth
