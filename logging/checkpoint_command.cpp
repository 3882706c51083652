#include "logging/checkpoint_command.hpp"

#include <sys/wait.h>

#include <system_error>
#include <utility>

#include "core/program.hpp"

namespace sallyport::logging {

CheckpointCommand::CheckpointCommand(const CheckpointSettings& settings)
    : settings_(settings), thread_([this] { work(); }) {}

CheckpointCommand::~CheckpointCommand() {
  {
    const std::lock_guard lock(mutex_);
    stop_by_ = std::chrono::steady_clock::now() + settings_.command_deadline;
  }
  wake_.notify_one();
  thread_.join();
}

void CheckpointCommand::offer(std::string note, core::WallTime signed_at) {
  {
    const std::lock_guard lock(mutex_);
    waiting_ = Note{std::move(note), signed_at};
  }
  wake_.notify_one();
}

CheckpointCommandState CheckpointCommand::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void CheckpointCommand::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return waiting_ || stop_by_; });
    if (!waiting_) return;
    const bool last = stop_by_.has_value();
    const Note note = *std::exchange(waiting_, std::nullopt);
    const SteadyTime deadline = stop_by_.value_or(std::chrono::steady_clock::now() + settings_.command_deadline);
    lock.unlock();
    const bool taken = run(note, deadline);
    lock.lock();
    state_.failing = !taken;
    if (taken) {
      state_.taken += 1;
      state_.last = note.signed_at;
      continue;
    }
    state_.errors += 1;
    if (last) return;
    if (!waiting_) waiting_ = note;
    wake_.wait_for(lock, settings_.command_pause, [&] { return stop_by_.has_value(); });
  }
}

// With no more of an environment than a script needs: what the gateway's own holds is none of its business.
bool CheckpointCommand::run(const Note& note, SteadyTime deadline) const try {
  core::Pipe input;
  if (!input.fill(core::bytes_of(note.text))) return false;
  core::ProgramStart start;
  start.words = settings_.command;
  start.input = input.reading.number();
  start.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  start.own_group = true;
  core::Program program(start);
  input.writing.close();
  if (!core::wait_readable(program.end_descriptor(), deadline)) return false;
  const int status = program.wait();
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
} catch (const std::system_error&) {  // it cannot be started now
  return false;
}

}  // namespace sallyport::logging
