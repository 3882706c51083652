// TimerWheel: every coarse deadline of one worker, for the price of one timer.
//
// Sans-I/O: the worker calls advance(now) about every tick. Moving a deadline later is a store; moving it earlier
// relinks. A timer fires at the first advance() at or after its deadline, so at most one tick late.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <utility>

#include "core/clock.hpp"

namespace sallyport::core {

class TimerWheel {
 public:
  static constexpr Duration tick = std::chrono::milliseconds(50);
  static constexpr TimePoint never = TimePoint::max();

  // One deadline with what happens when it passes. Unlinks itself when destroyed; must not outlive the wheel.
  // The callback may set this or other timers again and may destroy any of them; it must not throw or call advance().
  class Timer {
   public:
    Timer(TimerWheel& wheel, std::function<void()> expired) : wheel_(&wheel), expired_(std::move(expired)) {}
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer();

    void set(TimePoint deadline) noexcept;
    void clear() noexcept { deadline_ = never; }
    TimePoint deadline() const noexcept { return deadline_; }

   private:
    friend class TimerWheel;
    void unlink() noexcept;

    TimerWheel* wheel_;
    std::function<void()> expired_;
    TimePoint deadline_ = never;
    TimePoint linked_for_ = never;  // the slot's time it waits in; the deadline may have moved later since
    Timer* previous_ = nullptr;
    Timer* next_ = nullptr;
    Timer** head_ = nullptr;        // the list it is in; null when unlinked
  };

  explicit TimerWheel(TimePoint now) : now_(now) {}

  void advance(TimePoint now);
  bool empty() const noexcept { return linked_ == 0; }
  TimePoint now() const noexcept { return now_; }  // as of the last advance()

 private:
  static constexpr std::size_t slot_count = 1024;  // 51 s a turn; farther deadlines are relinked when visited
  Timer** slot_for(TimePoint deadline) noexcept;
  void link(Timer& timer, TimePoint when) noexcept;
  void fire(Timer*& head, TimePoint now);
  void run(Timer& timer);

  std::array<Timer*, slot_count> slots_{};
  TimePoint now_;
  std::size_t linked_ = 0;
  Timer* running_ = nullptr;  // whose callback runs; null again when that callback destroyed it
};

}  // namespace sallyport::core
