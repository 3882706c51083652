// A second place for checkpoints, told of each on a thread of its own, so that one that is slow, refuses or hangs holds
// up neither the log nor its end. What it did not take comes again; what comes meanwhile waits, up to a limit.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "core/clock.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::logging {

struct SignedCheckpoint {
  std::uint64_t segment = 0;
  std::string note;
  core::WallTime signed_at;
};

// What waits goes from one list into the other: that needs no memory.
using SignedCheckpoints = std::list<SignedCheckpoint>;

struct SecondPlaceLimits {
  std::size_t waiting = 1;  // the oldest make room: the newest states all that came before
  core::Duration deadline;  // a try that takes longer has failed; and so long the last ones may take, at the end
  core::Duration pause;     // after a failure; twice as long after each more, up to longest_pause
};
inline constexpr core::Duration longest_pause = std::chrono::minutes(1);

// How long a start waits for a second place that hangs; then it goes on, and the place has to come round.
inline constexpr core::Duration patience_at_start = std::chrono::seconds(3);

// Whether `work` is done within `patience`. Where it is not, its thread is left behind: it must own all that it
// touches. Throws what it has thrown by then.
bool done_within(core::Duration patience, std::function<void()> work);

// Thread-safe.
class SecondPlace {
 public:
  // Keeps them: in order, all of one segment. False, or an exception: not all of them are kept. Who can gives up at the
  // deadline. `newest`: the newest segment of which there are any. Called by a thread that may outlive all else: it
  // refers to nothing outside.
  using Keep = std::function<bool(const SignedCheckpoints&, std::uint64_t newest,
                                  std::chrono::steady_clock::time_point deadline)>;

  SecondPlace(Keep keep, SecondPlaceLimits limits);
  ~SecondPlace();  // as stop() and wait()

  void offer(SignedCheckpoint checkpoint);  // never blocks
  SecondPlaceState state() const;

  void stop();        // what waits is tried once more, segment by segment, the newest first, and then no more
  void wait() const;  // after stop(): until that is done, and hardly longer than the deadline

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace sallyport::logging
