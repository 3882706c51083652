#include "logging/segment_remover.hpp"

#include <utility>

namespace sallyport::logging {

SegmentRemover::SegmentRemover(const LogSettings& settings, std::function<void()> found)
    : found_(std::move(found)), retention_(settings), thread_([this](const std::stop_token& stop) {
        work(stop);
        ended_ = true;
      }) {}

void SegmentRemover::look(const OpenSegment& open) {
  {
    const std::lock_guard lock(mutex_);
    asked_ = open;
  }
  wake_.notify_one();
}

std::optional<Removal> SegmentRemover::due() {
  const std::lock_guard lock(mutex_);
  return std::exchange(due_, std::nullopt);
}

void SegmentRemover::remove(std::uint64_t last) {
  {
    const std::lock_guard lock(mutex_);
    signed_ = last;
  }
  wake_.notify_one();
}

RetentionState SegmentRemover::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

// What is signed for goes first: the next look shall not find it.
void SegmentRemover::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [&] { return asked_ || signed_; })) {
    if (stop.stop_requested()) return;
    try {
      if (const auto last = std::exchange(signed_, std::nullopt)) {
        remove_now(lock, *last, stop);
      } else if (const auto open = std::exchange(asked_, std::nullopt)) {
        look_now(lock, *open, stop);
      }
    } catch (const std::exception&) {  // tried again at the next look
      if (!lock.owns_lock()) lock.lock();
      state_.errors += 1;
      state_.fault = {RetentionFault::Kind::failed, 0};
    }
  }
}

// What an earlier run signed for and did not remove needs no tombstone.
void SegmentRemover::look_now(std::unique_lock<std::mutex>& lock, const OpenSegment& open,
                              const std::stop_token& stop) {
  lock.unlock();
  const auto removal = retention_.look(open, stop);
  const RetentionFault fault = retention_.fault();
  const std::uint64_t left = removal ? 0 : retention_.remove(retention_.signed_for(), stop);
  lock.lock();
  state_.removed += left;
  state_.looks += 1;
  state_.fault = fault;
  state_.errors += fault.kind != RetentionFault::Kind::none;
  due_ = removal;
  if (removal) found_();
}

void SegmentRemover::remove_now(std::unique_lock<std::mutex>& lock, std::uint64_t last, const std::stop_token& stop) {
  lock.unlock();
  const std::uint64_t removed = retention_.remove(last, stop);
  lock.lock();
  state_.removed += removed;
}

}  // namespace sallyport::logging
