#include "gateway/expiry.hpp"

#include <charconv>

#include "auth/utc_time.hpp"

namespace sallyport::gateway {
namespace {

constexpr int most_minutes = 100 * 366 * 24 * 60;  // a century: far from where WallTime overflows

// 0 for what is no unit.
int minutes_in(char unit) noexcept {
  switch (unit) {
    case 'm':
      return 1;
    case 'h':
      return 60;
    case 'd':
      return 24 * 60;
    default:
      return 0;
  }
}

std::optional<std::chrono::minutes> parse_duration(std::string_view text) noexcept {
  if (text.size() < 2) return std::nullopt;
  const int unit = minutes_in(text.back());
  const char* const end = text.data() + text.size() - 1;
  unsigned count = 0;  // unsigned: from_chars takes no sign
  const auto [stopped, error] = std::from_chars(text.data(), end, count);
  if (unit == 0 || error != std::errc() || stopped != end || count > unsigned(most_minutes / unit)) return std::nullopt;
  return std::chrono::minutes(static_cast<int>(count) * unit);
}

}  // namespace

std::optional<core::WallTime> parse_expiry(std::string_view text, core::WallTime now) noexcept {
  std::optional<core::WallTime> expiry = auth::parse_utc_date(text);
  if (const auto duration = parse_duration(text)) expiry = now + *duration;
  if (!expiry || *expiry <= now) return std::nullopt;
  return expiry;
}

}  // namespace sallyport::gateway
