#include "gateway/log_room.hpp"

#include <memory>

#include "core/event.hpp"

namespace sallyport::gateway {

core::Task<void> wait_for_log(core::TimerWheel& wheel, logging::LogEntry& entry, core::Duration patience) {
  const auto turn = std::make_shared<core::Event>();  // it may come after the wait was given up
  core::TimerWheel::Timer give_up(wheel, [&turn] { turn->set(); });
  give_up.set(wheel.now() + patience);
  entry.wait_for_room([turn] { turn->set(); });
  co_await turn->wait();
}

}  // namespace sallyport::gateway
