// Time. Functions that decide something take the time as an argument. Code that must ask for the time asks a Clock, so
// that a test can set it.
#pragma once

#include <chrono>

namespace sallyport::core {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;  // for waiting
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;   // for records and certificates

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const noexcept = 0;
  virtual WallTime wall() const noexcept = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return std::chrono::steady_clock::now(); }
  WallTime wall() const noexcept override { return std::chrono::system_clock::now(); }
};

}  // namespace sallyport::core
