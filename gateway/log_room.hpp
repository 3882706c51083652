// A disk that is slower than what comes holds back who brings it, before the log's queue is full.
#pragma once

#include "core/task.hpp"
#include "core/timer_wheel.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::gateway {

// Waits until it is this exchange's turn, or `patience` is over: then the queue's own limit decides.
core::Task<void> wait_for_log(core::TimerWheel& wheel, logging::LogEntry& entry, core::Duration patience);

}  // namespace sallyport::gateway
