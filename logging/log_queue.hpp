// What workers hand to the writer, and the memory that all open exchanges may hold together. Thread-safe; nothing
// here waits for a disk.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "core/shared_bytes.hpp"
#include "logging/format.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::logging {

// Who is told that a record is safe, or that it could not be kept.
using Sealed = std::function<void(core::Result<void>)>;

// The writer's answers to one worker, gathered until that worker's thread has time for them. A handle; thread-safe.
class LogAnswers {
 public:
  // Runs a function on the worker's thread, after what is ready to run there now. Called from any thread.
  using Post = std::function<void(std::function<void()>)>;
  explicit LogAnswers(Post post);

  // True for the first of those that wait: then tell() is owed, once the last of them is there. Without it nobody is
  // told, of these or of any that follow.
  [[nodiscard]] bool put(Sealed sealed, core::Result<void> result);
  void tell();
  void close();  // Post is not called again, and what was put is dropped

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Who is told, once: on the writer's thread, or where it has answers, with those on its worker's.
struct LogReply {
  Sealed told;
  std::optional<LogAnswers> answers{};

  // Later calls do nothing. Gives whom tell() is owed to.
  [[nodiscard]] std::optional<LogAnswers> give(core::Result<void> result);
};

// One frame to be. Its plaintext is wiped when it goes, the request's when its last owner goes.
struct LogItem {
  FrameKind kind = FrameKind::exchange;
  KeyNumber key = content_key;  // seals the content; a tenant's opens the record too
  std::uint64_t number = 0;
  std::string text;  // the record, or a note
  core::SharedBytes request;
  core::Bytes response;
  std::uint64_t content_lost = 0;  // bytes that are not in it; sealed with the text
  std::size_t cost = 0;            // bytes of the queue it takes
  LogReply sealed;

  LogItem() = default;
  LogItem(LogItem&&) noexcept = default;
  ~LogItem() { wipe(); }

  std::size_t content_size() const noexcept { return request.size() + response.size(); }

 private:
  void wipe() noexcept;
};

// Takes what an exchange leaves for the writer.
class ItemSink {
 public:
  virtual void push(LogItem item) = 0;
  virtual void wait_for_room(LogReply waiter) = 0;

 protected:
  ~ItemSink() = default;
};

class LogQueue final : public ItemSink {
 public:
  LogQueue(std::size_t limit, bool wake_for_each) : limit_(limit), wake_for_each_(wake_for_each) {}

  // Takes `bytes` of the limit, or nothing.
  bool reserve(std::size_t bytes) noexcept;
  void release(std::size_t bytes) noexcept { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t held() const noexcept { return held_.load(std::memory_order_relaxed); }
  bool crowded() const noexcept { return held() > limit_ / 2; }
  // More has been pushed than the writer keeps up with; it will go down by itself.
  bool behind() const noexcept { return queued_.load(std::memory_order_relaxed) > mark(); }

  void push(LogItem item) override;
  // The waiter is told in its turn, once the writer is behind no more, or when waiting does not help.
  void wait_for_room(LogReply waiter) override;
  void push(std::vector<LogItem>& items);  // all of them; leaves none
  // The writer is done with an item.
  void settled(const LogItem& item) noexcept;
  // Records that were handed over, and of which the writer is not done yet.
  std::uint64_t waiting_records() const noexcept { return waiting_records_.load(std::memory_order_relaxed); }

  // The writer's side: waits until there is something to do, it is stopped, nudged, or `at_most` has passed.
  void wait(core::Duration at_most);
  // Appends all that is queued to `batch`.
  void take(std::vector<LogItem>& batch);
  // Once for what has been settled since: of those who wait as many as may bring a piece each for it, up to the mark,
  // and one at least while the writer is not behind.
  std::vector<LogReply> take_waiters();
  std::vector<LogReply> take_all_waiters();
  void nudge();
  void stop();
  bool stopped() const;

 private:
  std::vector<LogReply> take_waiters(std::size_t count);
  static constexpr std::size_t wake_items = 256;  // with `buffered`, this many do not wait for the interval
  std::size_t mark() const noexcept { return limit_ / 16; }

  const std::size_t limit_;
  const bool wake_for_each_;
  std::atomic<std::size_t> held_{0};    // by open exchanges and by what is queued
  std::atomic<std::size_t> queued_{0};  // of it, by what is queued
  std::atomic<std::uint64_t> waiting_records_{0};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<LogItem> items_;
  std::deque<LogReply> waiters_;  // for room, first come first
  std::size_t earned_ = 0;        // bytes that they may bring: the writer's own
  bool waiting_ = false, nudged_ = false, stopped_ = false;
};

}  // namespace sallyport::logging
