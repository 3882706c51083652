// TimerWheel: all coarse deadlines of one worker for the price of one timer.
//
// No I/O: the worker calls advance(now) about every tick. Moving a deadline later is one store; moving it earlier
// relinks the timer. A timer fires at the first advance() at or after its deadline, so at most about one tick late. All
// on one thread.
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

  // One deadline and the callback for when it passes. The destructor unlinks the timer. A timer must not outlive the
  // wheel. The callback may set or destroy this and other timers; it must not throw or call advance().
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
    TimePoint linked_for_ = never;  // the time that chose its slot; the deadline may be later by now
    Timer* previous_ = nullptr;
    Timer* next_ = nullptr;
    Timer** head_ = nullptr;  // the head of its list; null when unlinked
  };

  explicit TimerWheel(TimePoint now) : now_(now) {}

  void advance(TimePoint now);  // runs the callbacks that are due; a time before the last one does nothing
  bool empty() const noexcept { return linked_ == 0; }
  TimePoint now() const noexcept { return now_; }  // as of the last advance()

 private:
  static constexpr std::size_t slot_count = 1024;  // 51 s a turn; visiting a later deadline's slot relinks its timer
  Timer** slot_for(TimePoint deadline) noexcept;
  void link(Timer& timer, TimePoint when) noexcept;
  void fire(Timer*& head, TimePoint now);
  void run(Timer& timer);

  std::array<Timer*, slot_count> slots_{};
  TimePoint now_;
  std::size_t linked_ = 0;
  Timer* running_ = nullptr;  // the timer whose callback runs; null when the callback has destroyed it
};

}  // namespace sallyport::core
