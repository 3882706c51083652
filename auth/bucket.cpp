#include "auth/bucket.hpp"

#include <algorithm>

#include "auth/token_file.hpp"

namespace sallyport::auth {

using std::chrono::microseconds;

// The level stays in [deepest, capacity], so refill() adds at most a debt and a full bucket: no overflow.
constexpr std::uint64_t most_taken = max_per_minute * (Bucket::longest_debt_minutes + 1);
static_assert(most_taken + max_per_minute <= INT64_MAX / 60'000'000);

void Bucket::set_allowance(std::uint64_t per_minute, core::TimePoint now) noexcept {
  const auto wanted = static_cast<std::int64_t>(std::min(per_minute, max_per_minute));
  if (wanted == per_minute_) return;
  refill(now);
  const std::int64_t spent = capacity() - level_;
  if (per_minute_ == 0) refilled_at_ = now;
  per_minute_ = wanted;
  level_ = std::clamp(capacity() - spent, deepest(), capacity());
}

void Bucket::refill(core::TimePoint now) noexcept {
  constexpr auto long_enough = std::chrono::minutes(longest_debt_minutes + 1);
  if (now <= refilled_at_ || !limited()) return;
  if (now - refilled_at_ >= long_enough) {
    level_ = capacity();
    refilled_at_ = now;
    return;
  }
  const auto passed = std::chrono::floor<microseconds>(now - refilled_at_);
  level_ = std::min(level_ + passed.count() * per_minute_, capacity());
  refilled_at_ += passed;  // the rest of a microsecond counts at the next refill
}

core::Duration Bucket::time_for(std::int64_t units) const noexcept {
  if (units <= 0 || !limited()) return core::Duration::zero();
  return microseconds((units + per_minute_ - 1) / per_minute_);
}

core::Duration Bucket::wait_for(std::uint64_t amount) const noexcept {
  if (!limited()) return core::Duration::zero();
  const auto needed = static_cast<std::int64_t>(std::min(amount, static_cast<std::uint64_t>(per_minute_))) * unit;
  return time_for(needed - level_);
}

std::uint64_t Bucket::take(std::uint64_t amount) noexcept {
  if (!limited()) return 0;
  const auto available = static_cast<std::uint64_t>((level_ - deepest()) / unit);
  const std::uint64_t taken = std::min(amount, available);
  level_ -= static_cast<std::int64_t>(taken) * unit;
  return taken;
}

void Bucket::give_back(std::uint64_t amount) noexcept {
  const auto units = static_cast<std::int64_t>(std::min(amount, most_taken)) * unit;
  level_ = std::min(level_ + units, capacity());
}

Standing Bucket::standing() const noexcept {
  return {.limit = static_cast<std::uint64_t>(per_minute_),
          .remaining = static_cast<std::uint64_t>(std::max<std::int64_t>(level_, 0) / unit),
          .reset = time_for(capacity() - level_)};
}

std::int64_t Bucket::owed() const noexcept {
  constexpr std::int64_t thousandth = unit / 1000;
  return (capacity() - level_ + thousandth - 1) / thousandth;
}

void Bucket::set_owed(std::int64_t thousandths) noexcept {
  const std::int64_t most = (longest_debt_minutes + 1) * per_minute_ * 1000;
  level_ = capacity() - std::clamp<std::int64_t>(thousandths, 0, most) * (unit / 1000);
}

}  // namespace sallyport::auth
