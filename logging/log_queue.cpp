#include "logging/log_queue.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "core/secret.hpp"

namespace sallyport::logging {

struct LogAnswers::State {
  explicit State(Post given) : post(std::move(given)) {}

  const Post post;
  std::mutex mutex;
  bool closed = false;
  std::vector<std::pair<Sealed, core::Result<void>>> waiting;

  void deliver() {
    std::unique_lock lock(mutex);
    const auto answers = std::exchange(waiting, {});
    lock.unlock();
    for (const auto& [sealed, result] : answers) sealed(result);
  }
};

LogAnswers::LogAnswers(Post post) : state_(std::make_shared<State>(std::move(post))) {}

bool LogAnswers::put(Sealed sealed, core::Result<void> result) {
  const std::lock_guard lock(state_->mutex);
  if (state_->closed) return false;
  state_->waiting.emplace_back(std::move(sealed), result);
  return state_->waiting.size() == 1;
}

void LogAnswers::tell() {
  const std::lock_guard lock(state_->mutex);
  if (!state_->closed) state_->post([state = state_] { state->deliver(); });
}

void LogAnswers::close() {
  const std::lock_guard lock(state_->mutex);
  state_->closed = true;
  state_->waiting.clear();
}

std::optional<LogAnswers> LogReply::give(core::Result<void> result) {
  Sealed once = std::exchange(told, nullptr);
  if (once && answers) return answers->put(std::move(once), result) ? answers : std::nullopt;
  if (once) once(result);
  return std::nullopt;
}

void LogItem::wipe() noexcept {
  core::wipe(response);
  core::wipe(std::as_writable_bytes(std::span(text)));
}

bool LogQueue::reserve(std::size_t bytes) noexcept {
  if (held_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= limit_) return true;
  release(bytes);
  return false;
}

void LogQueue::settled(const LogItem& item) noexcept {
  queued_.fetch_sub(item.cost, std::memory_order_relaxed);
  earned_ += item.cost;
  release(item.cost);
  if (has_record(item.kind)) waiting_records_.fetch_sub(1, std::memory_order_relaxed);
}

void LogQueue::push(LogItem item) {
  std::vector<LogItem> one;
  one.push_back(std::move(item));
  push(one);
}

void LogQueue::push(std::vector<LogItem>& items) {
  std::size_t cost = 0;
  for (const LogItem& item : items) {
    cost += item.cost;
    if (has_record(item.kind)) waiting_records_.fetch_add(1, std::memory_order_relaxed);
  }
  queued_.fetch_add(cost, std::memory_order_relaxed);
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    std::move(items.begin(), items.end(), std::back_inserter(items_));
    wake = waiting_ && (wake_for_each_ || items_.size() >= wake_items || behind());
    if (wake) waiting_ = false;  // one notification is enough
  }
  items.clear();
  if (wake) wake_.notify_one();
}

void LogQueue::wait(core::Duration at_most) {
  std::unique_lock lock(mutex_);
  const bool ready = !items_.empty() && (wake_for_each_ || items_.size() >= wake_items || behind());
  waiting_ = !ready;
  wake_.wait_for(lock, at_most, [this] { return !waiting_ || stopped_ || nudged_; });
  waiting_ = nudged_ = false;
}

void LogQueue::take(std::vector<LogItem>& batch) {
  const std::lock_guard lock(mutex_);
  if (batch.empty()) {
    batch.swap(items_);
    return;
  }
  std::move(items_.begin(), items_.end(), std::back_inserter(batch));
  items_.clear();
}

void LogQueue::wait_for_room(LogReply waiter) {
  {
    const std::lock_guard lock(mutex_);
    if (behind()) return waiters_.push_back(std::move(waiter));
  }
  if (auto owed = waiter.give({})) owed->tell();
}

std::vector<LogReply> LogQueue::take_waiters() {
  const std::lock_guard lock(mutex_);
  const std::size_t queued = queued_.load(std::memory_order_relaxed);
  earned_ = std::min(earned_, mark() - std::min(queued, mark()));
  const std::size_t least = queued < mark() ? 1 : 0;  // or a queue smaller than a piece would never have room
  const std::size_t count = std::min(waiters_.size(), std::max(earned_ / max_content_piece, least));
  earned_ -= std::min(earned_, count * max_content_piece);
  return take_waiters(count);
}

std::vector<LogReply> LogQueue::take_all_waiters() {
  const std::lock_guard lock(mutex_);
  return take_waiters(waiters_.size());
}

std::vector<LogReply> LogQueue::take_waiters(std::size_t count) {
  const auto end = waiters_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<LogReply> taken(std::move_iterator(waiters_.begin()), std::move_iterator(end));
  waiters_.erase(waiters_.begin(), end);
  return taken;
}

void LogQueue::nudge() {
  {
    const std::lock_guard lock(mutex_);
    nudged_ = true;
  }
  wake_.notify_one();
}

void LogQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_one();
}

bool LogQueue::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

}  // namespace sallyport::logging
