#include "gateway/log_wait.hpp"

#include <algorithm>
#include <memory>

namespace sallyport::gateway {

using core::Result;
using core::Task;

// The log may answer after the wait was given up, so what both touch belongs to both.
Task<void> LogWait::for_room(logging::LogEntry& entry) {
  const auto turn = std::make_shared<core::Event>();
  entry.wait_for_room([turn] { turn->set(); });
  co_await begin(*turn);
  over_.clear();
}

Task<Result<void>> LogWait::for_record(logging::LogEntry entry, const logging::Record& record, Result<void> unheard) {
  struct Answer {
    core::Event come;
    Result<void> result;
  };
  const auto answer = std::make_shared<Answer>();
  answer->result = unheard;
  entry.finish(record, [answer](Result<void> result) {
    answer->result = result;
    answer->come.set();
  });
  co_await begin(answer->come);
  over_.clear();
  co_return answer->result;
}

// A tick more, for the wheel's time is that of its last: else a disk that hangs might not yet be known to, when who
// waited out a stall_limit asks whether to wait again.
Task<void> LogWait::begin(core::Event& event) {
  waits_for_ = &event;
  over_.set(wheel_.now() + patience_ + core::TimerWheel::tick);
  return event.wait();
}

void LogWait::shorten(core::Duration patience) noexcept {
  patience_ = std::min(patience_, patience);
  if (over_.deadline() != core::TimerWheel::never) over_.set(std::min(over_.deadline(), wheel_.now() + patience_));
}

}  // namespace sallyport::gateway
