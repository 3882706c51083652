#include "gateway/log_room.hpp"

namespace sallyport::gateway {

core::Task<void> wait_for_log(core::TimerWheel& wheel, const logging::LogEntry& entry, core::Duration patience) {
  const core::TimePoint give_up = wheel.now() + patience;
  while (entry.should_wait() && wheel.now() < give_up) {
    core::Event passed;
    core::TimerWheel::Timer timer(wheel, [&passed] { passed.set(); });
    timer.set(wheel.now() + core::TimerWheel::tick);
    co_await passed.wait();
  }
}

}  // namespace sallyport::gateway
