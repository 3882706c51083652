#include "gateway/log_room.hpp"

#include "core/pause.hpp"

namespace sallyport::gateway {

core::Task<void> wait_for_log(core::TimerWheel& wheel, const logging::LogEntry& entry, core::Duration patience) {
  const core::TimePoint give_up = wheel.now() + patience;
  while (entry.should_wait() && wheel.now() < give_up) co_await core::pause(wheel, core::TimerWheel::tick);
}

}  // namespace sallyport::gateway
