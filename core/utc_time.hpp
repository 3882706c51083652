// Points in time as operators read and write them: RFC 3339 in UTC with whole seconds, "2027-01-31T08:00:00Z".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"

namespace sallyport::core {

// The range of years that parsing accepts, because WallTime counts nanoseconds in 64 bits.
inline constexpr int first_year = 1970;
inline constexpr int last_year = 2261;

std::string format_utc(WallTime time);  // rounded down to a second

// nullopt unless the text has exactly that form and names a date that exists.
std::optional<WallTime> parse_utc(std::string_view text) noexcept;

// "2027-01-31" gives the first second of that day; nullopt as for parse_utc.
std::optional<WallTime> parse_utc_date(std::string_view text) noexcept;

}  // namespace sallyport::core
