// A clock that the test turns by hand.
#pragma once

#include <atomic>

#include "core/clock.hpp"

namespace sallyport::tests {

// Starts at a fixed moment, so that a test gives the same output every day. Safe to read from other threads.
class FakeClock final : public core::Clock {
 public:
  static constexpr core::WallTime start{std::chrono::sys_days{std::chrono::year{2026} / 1 / 2} + std::chrono::hours{3}};

  core::TimePoint now() const noexcept override { return core::TimePoint{} + std::chrono::hours{1} + passed(); }
  core::WallTime wall() const noexcept override { return start + passed() + core::Duration{stepped_.load()}; }

  void advance(core::Duration by) noexcept { passed_ += by.count(); }

  // What an operator or NTP does: only the wall clock jumps, forward or back.
  void step_wall(core::Duration by) noexcept { stepped_ += by.count(); }

 private:
  core::Duration passed() const noexcept { return core::Duration{passed_.load()}; }
  std::atomic<core::Duration::rep> passed_{0};
  std::atomic<core::Duration::rep> stepped_{0};
};

}  // namespace sallyport::tests
