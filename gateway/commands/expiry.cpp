#include "gateway/commands/expiry.hpp"

#include "core/utc_time.hpp"
#include "gateway/config/config_text.hpp"

namespace sallyport::gateway {

std::optional<core::WallTime> parse_expiry(std::string_view text, core::WallTime now) noexcept {
  std::optional<core::WallTime> expiry = core::parse_utc_date(text);
  // Not "30s" nor "500ms": what a person makes lasts longer than it takes to use it.
  if (const auto duration = parse_duration(text, century); duration && !text.ends_with('s')) expiry = now + *duration;
  if (!expiry || *expiry <= now) return std::nullopt;
  return expiry;
}

}  // namespace sallyport::gateway
