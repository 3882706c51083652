// Suspends a coroutine for some time, to the precision of the timer wheel.
#pragma once

#include "core/event.hpp"
#include "core/timer_wheel.hpp"

namespace sallyport::core {

// `duration` counts from the wheel's last advance(). The wheel must outlive the pause. Nothing cancels a pause, but a
// coroutine may be destroyed while it waits here.
inline Task<void> pause(TimerWheel& wheel, Duration duration) {
  Event over;
  TimerWheel::Timer timer(wheel, [&over] { over.set(); });
  timer.set(wheel.now() + duration);
  co_await over.wait();
}

}  // namespace sallyport::core
