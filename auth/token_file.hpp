// Tokens and the file of their hashes. The file is append-only JSON lines: a creation, or a revocation of an earlier
// id.
//
//   {"version":1,"id":"tk-3f9a…","name":"team-a","hash":"<64 hex>","created":"2026-01-31T08:00:00Z",
//    "expires":"2027-01-31T00:00:00Z","models":["llama*"],"routes":["audio*"],"limits":{"requests_per_minute":60},
//    "tenant":"acme"}
//   {"version":1,"revoke":"tk-3f9a…","at":"2026-03-01T12:00:00Z"}
//
// "expires", "models", "routes", "limits" and "tenant" may be left out; no other field may be there. docs/tokens.md
// explains each.
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
inline constexpr std::size_t max_problems = 100;  // reported of one file
// One value of an Allowance. Far above any real use; it lets the limiter count exactly in 64 bits.
inline constexpr std::uint64_t max_per_minute = 10'000'000'000;
inline constexpr std::uint64_t max_concurrent = 1'000'000;

struct Token {
  Grant grant;
  TokenHash hash{};
  core::WallTime created;
  std::optional<core::WallTime> expires;  // from this instant on it is refused
  std::optional<core::WallTime> revoked;  // set: refused, whatever the clock says
};

// Problems carry the line: they are for the operator, who wrote the file. Never any value of the file, so a token that
// was pasted into it does not travel on.
struct TokenFileProblem {
  std::size_t line = 0;  // from 1
  std::string what;
};
struct TokenFileContent {
  std::vector<Token> tokens;  // revocations already applied
  std::vector<TokenFileProblem> problems;
};
// Everything that can be read, and all that is wrong with the rest. With any problem, the caller takes none of it.
TokenFileContent parse_token_file(std::string_view text);

// The same. It waits for nobody: while the file is locked, a last line without its end is still being written and is
// left out. Throws std::system_error with the path when it cannot be read.
TokenFileContent read_token_file(const std::filesystem::path& file);

// Appends one line under a file lock, with fsync; creates the file with mode 0600. Throws std::system_error with the
// path, std::invalid_argument for what parse_token_file would refuse. After a throw the file is as it was, as far as
// the operating system lets us.
void append_token(const std::filesystem::path& file, const Token& token);
void append_revocation(const std::filesystem::path& file, std::string_view token_id, core::WallTime when);

}  // namespace sallyport::auth
