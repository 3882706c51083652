// A program as a second place for checkpoints: started for each, the note on its standard input, without a shell.
//
// A thread of its own waits for it, so that one that is slow or hangs does not hold up the log. While it runs, and
// after it failed, only the newest checkpoint is kept for it: that one states all that came before. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/clock.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::logging {

class CheckpointCommand {
 public:
  explicit CheckpointCommand(const CheckpointSettings& settings);  // which outlive it
  ~CheckpointCommand();  // the newest is tried once more; takes at most one deadline

  // A whole note, of at most PIPE_BUF bytes, and when it was signed. Takes the place of one that still waits; never
  // blocks.
  void offer(std::string note, core::WallTime signed_at);
  CheckpointCommandState state() const;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Note {
    std::string text;
    core::WallTime signed_at;
  };
  void work();
  bool run(const Note& note, SteadyTime deadline) const;

  const CheckpointSettings& settings_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<Note> waiting_;
  CheckpointCommandState state_;
  std::optional<SteadyTime> stop_by_;  // the end has come
  std::thread thread_;
};

}  // namespace sallyport::logging
