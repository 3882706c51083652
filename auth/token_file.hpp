// Reads and appends to the file that stores tokens by their hashes. The file is append-only JSON lines: each line
// creates a token or revokes an earlier one by its id. Blank lines are skipped.
//
//   {"version":1,"id":"tk-3f9a…","name":"team-a","hash":"<64 hex>","created":"2026-01-31T08:00:00Z",
//    "expires":"2027-01-31T00:00:00Z","models":["llama*"],"routes":["audio*"],"limits":{"requests_per_minute":60},
//    "tenant":"acme"}
//   {"version":1,"revoke":"tk-3f9a…","at":"2026-03-01T12:00:00Z"}
//
// "expires", "models", "routes", "limits" and "tenant" are optional; unknown fields are refused. docs/tokens.md
// explains each field.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/principal.hpp"
#include "auth/token_text.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"

namespace sallyport::auth {

inline constexpr std::size_t max_token_file_size = 64u << 20;
inline constexpr std::size_t max_token_line_size = 512u << 10;
inline constexpr std::size_t max_tokens = 100'000;
inline constexpr std::size_t max_problems = 100;  // reported for one file
// Limits of one value of an Allowance. Far above any real use; they let the limiter count exactly in 64 bits.
inline constexpr std::uint64_t max_per_minute = 10'000'000'000;
inline constexpr std::uint64_t max_concurrent = 1'000'000;

struct Token {
  Grant grant;
  TokenHash hash{};
  core::WallTime created;
  std::optional<core::WallTime> expires;  // the token is refused from this time on
  std::optional<core::WallTime> revoked;  // when set, the token is refused at any time
};

// A problem for the operator who wrote the file. It names the line and fields but never quotes a value, so that a token
// pasted into the file does not spread.
struct TokenFileProblem {
  std::size_t line = 0;  // from 1
  std::string what;
};
struct TokenFileContent {
  std::vector<Token> tokens;  // with revocations applied
  std::vector<TokenFileProblem> problems;
  std::uint64_t hash = 0;  // 48 bits of SHA-256 of the text: whether two have read the same; never 0 after a reading
};
// Gives every line that can be read, and the problems of the other lines; it stops after max_problems. When there is
// any problem, the caller must use none of the tokens.
TokenFileContent parse_token_file(std::string_view text);

// The same for a file. It never waits for a lock: while a writer holds it, the last line is left out if it has no line
// end yet. Throws std::system_error with the path when the file cannot be read, is not regular, or exceeds
// max_token_file_size.
TokenFileContent read_token_file(const std::filesystem::path& file);

// Appends one line with fsync, under a file lock that it waits for; creates the file with mode 0600. Throws
// std::system_error with the path, and std::invalid_argument for a line that parse_token_file would refuse by itself;
// what the other lines say (same id, same hash, unknown id) is not checked. After an exception the file is unchanged,
// as far as the operating system allows.
void append_token(const std::filesystem::path& file, const Token& token);
void append_revocation(const std::filesystem::path& file, std::string_view token_id, core::WallTime when);

}  // namespace sallyport::auth
