// Retention on a thread of its own: neither reading headers nor deleting files, of which there may be thousands, holds
// up what waits for the log. In between the log's writer signs for what is to go.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "logging/retention.hpp"

namespace sallyport::logging {

// Thread-safe.
class SegmentRemover {
 public:
  // `found` is called from the remover's thread when there is something to sign for. Settings and what it refers to
  // outlive the remover.
  SegmentRemover(const LogSettings& settings, std::function<void()> found);

  void look(const OpenSegment& open);  // soon; never blocks. What is due() then
  std::optional<Removal> due();        // each once
  void remove(std::uint64_t last);     // soon: its tombstone is on disk

  RetentionState state() const;

  void end() noexcept { thread_.request_stop(); }  // after the file that it is at; a later start does the rest
  bool ended() const noexcept { return ended_; }   // after end(): nothing keeps the destructor waiting

 private:
  void work(const std::stop_token& stop);
  void look_now(std::unique_lock<std::mutex>& lock, const OpenSegment& open, const std::stop_token& stop);
  void remove_now(std::unique_lock<std::mutex>& lock, std::uint64_t last, const std::stop_token& stop);

  const std::function<void()> found_;
  Retention retention_;  // the thread's alone
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::optional<OpenSegment> asked_;
  std::optional<Removal> due_;
  std::optional<std::uint64_t> signed_;  // and still there
  RetentionState state_;
  std::atomic<bool> ended_{false};
  std::jthread thread_;  // last: it ends, after the file that it is at, before what it uses goes
};

}  // namespace sallyport::logging
