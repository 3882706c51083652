// A coroutine lets time pass, as coarsely as the wheel turns.
#pragma once

#include "core/event.hpp"
#include "core/timer_wheel.hpp"

namespace sallyport::core {

// The wheel must outlive it. Not cancelled by anything: a coroutine destroyed where it waits leaves nothing behind.
inline Task<void> pause(TimerWheel& wheel, Duration duration) {
  Event over;
  TimerWheel::Timer timer(wheel, [&over] { over.set(); });
  timer.set(wheel.now() + duration);
  co_await over.wait();
}

}  // namespace sallyport::core
