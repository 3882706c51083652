// Instants as operators read and write them: RFC 3339 in UTC, whole seconds, "2027-01-31T08:00:00Z".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"

namespace sallyport::core {

// The years that fit: WallTime counts nanoseconds in 64 bits.
inline constexpr int first_year = 1970;
inline constexpr int last_year = 2261;

std::string format_utc(WallTime time);

// Exactly that form and a date that exists; else nullopt.
std::optional<WallTime> parse_utc(std::string_view text) noexcept;

// "2027-01-31": the first instant of that day.
std::optional<WallTime> parse_utc_date(std::string_view text) noexcept;

}  // namespace sallyport::core
