// When something that a person makes shall end, as typed on the command line.
#pragma once

#include <optional>
#include <string_view>

#include "core/clock.hpp"

namespace sallyport::gateway {

// "90m", "12h" or "30d" from now, or "2027-01-31": that day's first instant in UTC. Nullopt for every other text, and
// for what is not after now or past the last year that core/utc_time.hpp can write.
std::optional<core::WallTime> parse_expiry(std::string_view text, core::WallTime now) noexcept;

}  // namespace sallyport::gateway
