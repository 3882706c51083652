// Token bucket: an amount a minute, saved up for one minute. Time is an argument; not thread-safe.
#pragma once

#include <cstdint>

#include "auth/limiter.hpp"
#include "core/clock.hpp"

namespace sallyport::auth {

// Counts in 60-millionths, so that one microsecond brings exactly `per_minute` of them: integers, no drift.
class Bucket {
 public:
  // How far below zero use that exceeded its estimate may push it, in minutes of allowance. Bounded, so that one wrong
  // usage figure of an upstream cannot lock a caller out for long.
  static constexpr std::int64_t longest_debt_minutes = 5;

  // per_minute at most max_per_minute; 0: no limit, everything fits and nothing is counted. A change takes effect at
  // once and what was spent stays spent.
  void set_allowance(std::uint64_t per_minute, core::TimePoint now) noexcept;
  bool limited() const noexcept { return per_minute_ != 0; }
  std::uint64_t per_minute() const noexcept { return static_cast<std::uint64_t>(per_minute_); }

  // Brings it up to `now`; a time before the last one changes nothing. The functions below speak of that moment.
  void refill(core::TimePoint now) noexcept;
  bool whole() const noexcept { return level_ == capacity(); }

  // How long until `amount` fits; zero: now. More than a full bucket holds fits when it is full, and leaves a debt.
  core::Duration wait_for(std::uint64_t amount) const noexcept;

  // Takes what fits between the level and the deepest debt, and gives what was taken.
  std::uint64_t take(std::uint64_t amount) noexcept;
  void give_back(std::uint64_t amount) noexcept;

  Standing standing() const noexcept;

  // What was taken and has not come back by time, in thousandths of one, rounded up: how far it is from whole.
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
