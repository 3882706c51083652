#include "logging/log_queue.hpp"

#include <iterator>
#include <span>
#include <utility>

#include "core/secret.hpp"

namespace sallyport::logging {

LogItem& LogItem::operator=(LogItem&& other) noexcept {
  wipe();
  kind = other.kind;
  key = other.key;
  number = other.number;
  text = std::move(other.text);
  request = std::move(other.request);
  response = std::move(other.response);
  cost = other.cost;
  content_lost = other.content_lost;
  sealed = std::move(other.sealed);
  return *this;
}

void LogItem::wipe() noexcept {
  core::wipe(request);
  core::wipe(response);
  core::wipe(std::as_writable_bytes(std::span(text)));
}

bool LogQueue::reserve(std::size_t bytes) noexcept {
  if (held_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= limit_) return true;
  release(bytes);
  return false;
}

void LogQueue::settled(std::size_t bytes) noexcept {
  queued_.fetch_sub(bytes, std::memory_order_relaxed);
  release(bytes);
}

void LogQueue::push(LogItem item) {
  queued_.fetch_add(item.cost, std::memory_order_relaxed);
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    wake = waiting_ && (wake_for_each_ || items_.size() >= wake_items || behind());
    if (wake) waiting_ = false;  // one notification is enough
  }
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
