#include "logging/second_place.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <future>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>

namespace sallyport::logging {

namespace {

using Steady = std::chrono::steady_clock;

// So little comes twice where a place takes it and then says that it did not.
constexpr std::ptrdiff_t most_at_once = 64;
constexpr core::Duration moment_to_end = std::chrono::seconds(1);  // for a program that is killed at its deadline

}  // namespace

bool done_within(core::Duration patience, std::function<void()> work) {
  std::packaged_task<void()> task(std::move(work));
  std::future<void> done = task.get_future();
  std::thread thread(std::move(task));
  if (done.wait_for(patience) != std::future_status::ready) return thread.detach(), false;
  thread.join();
  return done.get(), true;
}

// What the thread needs: it is left behind when it hangs at the end.
struct SecondPlace::Shared {
  Shared(Keep how, SecondPlaceLimits within) : keep(std::move(how)), limits(within) {}

  void work();
  bool try_now(std::unique_lock<std::mutex>& lock);
  bool keep_now(const SignedCheckpoints& batch, std::uint64_t newest, Steady::time_point deadline) const;
  SignedCheckpoints take();
  void make_room();

  const Keep keep;
  const SecondPlaceLimits limits;
  std::mutex mutex;
  std::condition_variable changed;
  SignedCheckpoints waiting;
  std::size_t trying = 0;    // how many, now
  std::size_t given_up = 0;  // refused at the end
  Steady::time_point trying_since;
  SecondPlaceState state;
  std::optional<Steady::time_point> stop_by;
  bool ended = false;
};

SecondPlace::SecondPlace(Keep keep, SecondPlaceLimits limits)
    : shared_(std::make_shared<Shared>(std::move(keep), limits)), thread_([shared = shared_] { shared->work(); }) {}

SecondPlace::~SecondPlace() {
  stop();
  wait();
  const bool ended = [this] {
    const std::lock_guard lock(shared_->mutex);
    return shared_->ended;
  }();
  ended ? thread_.join() : thread_.detach();
}

void SecondPlace::offer(SignedCheckpoint checkpoint) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->waiting.push_back(std::move(checkpoint));
    shared_->make_room();
  }
  shared_->changed.notify_all();
}

// One that hangs is told of while it does.
SecondPlaceState SecondPlace::state() const {
  const std::lock_guard lock(shared_->mutex);
  SecondPlaceState now = shared_->state;
  now.waiting = shared_->waiting.size() + shared_->trying + shared_->given_up;
  if (shared_->trying > 0 && Steady::now() - shared_->trying_since >= shared_->limits.deadline) {
    now.errors += 1;
    now.failing = true;
  }
  return now;
}

void SecondPlace::stop() {
  {
    const std::lock_guard lock(shared_->mutex);
    if (!shared_->stop_by) shared_->stop_by = Steady::now() + shared_->limits.deadline;
  }
  shared_->changed.notify_all();
}

void SecondPlace::wait() const {
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait_until(lock, *shared_->stop_by + moment_to_end, [this] { return shared_->ended; });
}

void SecondPlace::Shared::work() {
  std::unique_lock lock(mutex);
  for (core::Duration pause = limits.pause;;) {
    changed.wait(lock, [this] { return !waiting.empty() || stop_by; });
    const bool last = stop_by.has_value();
    if (waiting.empty() || (last && Steady::now() >= *stop_by)) break;
    if (try_now(lock)) {
      pause = limits.pause;
    } else if (!last) {
      changed.wait_for(lock, pause, [this] { return stop_by.has_value(); });
      pause = std::max(pause, std::min(2 * pause, longest_pause));
    }
  }
  ended = true;
  changed.notify_all();
}

bool SecondPlace::Shared::try_now(std::unique_lock<std::mutex>& lock) {
  SignedCheckpoints batch = take();
  const auto since = Steady::now();
  trying_since = since;
  trying = batch.size();
  const bool last = stop_by.has_value();
  const auto deadline = stop_by.value_or(since + limits.deadline);
  // At the end the newest are there already: none older goes behind them.
  const std::uint64_t newest = last || waiting.empty() ? batch.back().segment : waiting.back().segment;
  lock.unlock();
  const bool kept = keep_now(batch, newest, deadline);
  lock.lock();
  trying = 0;
  const bool late = Steady::now() - since >= limits.deadline;
  state.errors += !kept || late;
  state.failing = !kept;
  if (kept) {
    state.taken += batch.size();
    state.last = std::max(state.last, std::optional(batch.back().signed_at));
  } else if (last) {  // another segment's file may take what is older
    given_up += batch.size();
  } else {
    waiting.splice(waiting.begin(), batch);
    make_room();
  }
  return kept;
}

bool SecondPlace::Shared::keep_now(const SignedCheckpoints& batch, std::uint64_t newest,
                                   Steady::time_point deadline) const try {
  return keep(batch, newest, deadline);
} catch (const std::exception&) {  // out of memory, or of descriptors
  return false;
}

// Of one segment: of the oldest, but at the end, when there may be no time for all, of the newest.
SignedCheckpoints SecondPlace::Shared::take() {
  const auto is_of = [](std::uint64_t segment) {
    return [segment](const SignedCheckpoint& one) { return one.segment == segment; };
  };
  auto begin = waiting.begin(), end = waiting.end();
  if (stop_by) {
    begin = std::find_if(begin, end, is_of(waiting.back().segment));
  } else {
    end = std::find_if_not(begin, end, is_of(waiting.front().segment));
    end = std::next(begin, std::min(std::distance(begin, end), most_at_once));
  }
  SignedCheckpoints batch;
  batch.splice(batch.end(), waiting, begin, end);
  return batch;
}

void SecondPlace::Shared::make_room() {
  for (; waiting.size() > limits.waiting; state.dropped += 1) waiting.pop_front();
}

}  // namespace sallyport::logging
