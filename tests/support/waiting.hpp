// Waiting for a condition, never for a time: every wait has a limit, and gives up only there.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace sallyport::tests {

using namespace std::chrono_literals;
using Milliseconds = std::chrono::milliseconds;

// Generous, because test machines stall; a passing test never waits this long.
inline constexpr Milliseconds patience = 10s;

// For conditions that nobody can announce (another process, the kernel). True as soon as `holds()` is.
template <class Condition>
bool eventually(Condition holds, Milliseconds limit = patience) {
  const auto give_up = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= give_up) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

// Something one thread announces and others wait for. Stays announced.
class Signal {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    announced_ = true;
    changed_.notify_all();
  }
  bool is_set() const {
    const std::lock_guard lock(mutex_);
    return announced_;
  }
  bool wait_for(Milliseconds limit) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [this] { return announced_; });
  }
  // Throws when nobody announced it: a test that forgot to must fail, not hang.
  void wait(Milliseconds limit = patience) const {
    if (!wait_for(limit)) throw std::runtime_error("a signal was never set");
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool announced_ = false;
};

}  // namespace sallyport::tests
