// The count that gateways share: what they tell Valkey or Redis, and what it answers. No I/O.
//
// For each principal it keeps what all gateways spent and time has not brought back, as auth/bucket.hpp does, on the
// server's own clock. A key goes six minutes after it was last spoken of, when nothing can be owed, and one that is not
// there begins with what the gateway that speaks first knew: so a server that was emptied, or that limits were never
// shared through before, forgives no debt.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "auth/limiter.hpp"

namespace sallyport::gateway {

inline constexpr std::size_t principals_a_command = 256;  // the server does nothing else while it runs one

// A whole command; its answer is two numbers for each principal. Without any it only asks whether the server would.
std::string count_command(std::string_view key_prefix, std::span<const auth::Spent> spent);

// Nothing when the answer is not one to `principals`.
std::optional<std::vector<auth::Owed>> read_counts(std::span<const std::int64_t> answer, std::size_t principals);

}  // namespace sallyport::gateway
