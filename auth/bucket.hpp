// Token bucket: an allowance per minute, which accumulates for at most one minute. Time is an argument. Not
// thread-safe.
#pragma once

#include <cstdint>

#include "auth/limiter.hpp"
#include "core/clock.hpp"

namespace sallyport::auth {

// Counts in 60-millionths of a request or token, so that each microsecond adds exactly `per_minute` of them. Integers
// never drift.
class Bucket {
 public:
  // How far below zero the level may fall when use exceeds its estimate, in minutes of allowance. Bounded, so that one
  // wrong usage figure from an upstream cannot lock a caller out for long.
  static constexpr std::int64_t longest_debt_minutes = 5;

  // per_minute is capped at max_per_minute; 0 means no limit: everything fits and nothing is counted. A change takes
  // effect at once, and what was spent stays spent.
  void set_allowance(std::uint64_t per_minute, core::TimePoint now) noexcept;
  bool limited() const noexcept { return per_minute_ != 0; }
  std::uint64_t per_minute() const noexcept { return static_cast<std::uint64_t>(per_minute_); }

  // Adds the allowance for the time up to `now`; a time before the last one changes nothing. The functions below count
  // as of the last refill.
  void refill(core::TimePoint now) noexcept;
  bool whole() const noexcept { return level_ == capacity(); }

  // The time until `amount` fits; zero when it fits now. An amount above a full bucket fits when the bucket is full,
  // and leaves a debt.
  core::Duration wait_for(std::uint64_t amount) const noexcept;

  // Takes `amount`, but not below the deepest debt, and gives what was taken; 0 without a limit.
  std::uint64_t take(std::uint64_t amount) noexcept;
  void give_back(std::uint64_t amount) noexcept;

  Standing standing() const noexcept;

  // How much the bucket lacks to be full, in thousandths of a request or token, rounded up.
  std::int64_t owed() const noexcept;
  void set_owed(std::int64_t thousandths) noexcept;

 private:
  static constexpr std::int64_t unit = 60'000'000;

  std::int64_t capacity() const noexcept { return per_minute_ * unit; }
  std::int64_t deepest() const noexcept { return -longest_debt_minutes * capacity(); }
  core::Duration time_for(std::int64_t units) const noexcept;

  std::int64_t per_minute_ = 0;
  std::int64_t level_ = 0;
  core::TimePoint refilled_at_{};
};

}  // namespace sallyport::auth
