// An exchange waits for its log: for room, as a disk that is slower than what comes holds back who brings it, and for
// its record to be safe. All on the worker's thread.
#pragma once

#include "core/event.hpp"
#include "core/task.hpp"
#include "core/timer_wheel.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::gateway {

class LogWait {
 public:
  // No wait lasts longer than `patience`: a disk that hangs tells nobody. The wheel outlives it.
  LogWait(core::TimerWheel& wheel, core::Duration patience)
      : wheel_(wheel), patience_(patience), over_(wheel, [this] { waits_for_->set(); }) {}

  // Waits until it is this exchange's turn to bring more, or no longer: then the queue's own limit decides.
  core::Task<void> for_room(logging::LogEntry& entry);

  // Finishes the entry. Gives what the log says of the record, which lives until then, or `unheard` when the wait ends
  // first.
  core::Task<core::Result<void>> for_record(logging::LogEntry entry, const logging::Record& record,
                                            core::Result<void> unheard);

  // From now on no wait lasts longer than that, nor the one under way longer than that from now.
  void shorten(core::Duration patience) noexcept;

 private:
  core::Task<void> begin(core::Event& event);

  core::TimerWheel& wheel_;
  core::Duration patience_;
  core::Event* waits_for_ = nullptr;
  core::TimerWheel::Timer over_;
};

}  // namespace sallyport::gateway
