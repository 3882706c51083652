// The little of RESP2 that the common count speaks with Valkey or Redis. No I/O.
// Its description: https://valkey.io/topics/protocol/
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace sallyport::gateway {

// A command is an array of words, which may hold any bytes.
void append_resp_command(std::string& out, std::span<const std::string_view> words);

struct RespReply {
  enum class Kind : std::uint8_t { status, error, numbers };
  Kind kind = Kind::status;
  std::string text;                   // "OK"; "WRONGPASS invalid username-password pair"
  std::vector<std::int64_t> numbers;  // an array of integers
};

inline constexpr std::size_t resp_line_limit = 1024;
inline constexpr std::size_t resp_numbers_limit = 4096;

// One reply at the start of `arrived`; gives its size, 0 while it is incomplete. Every other kind of reply, which
// nobody asks for, is upstream_malformed, as is one past the limits.
core::Result<std::size_t> parse_resp(std::string_view arrived, RespReply& reply);

}  // namespace sallyport::gateway
