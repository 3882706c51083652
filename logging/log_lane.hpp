// One worker's way into the log. What its exchanges say within one turn of its loop is handed over together, and what
// the writer answers meanwhile comes back together: the two threads meet once a turn, not once an exchange.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "logging/log_queue.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::logging {

class LogLane final : public ItemSink {
 public:
  using Post = LogAnswers::Post;

  // `at_turns_end` is called on the worker's thread alone, `post` on the writer's.
  LogLane(SealedLog& log, Post at_turns_end, Post post);
  ~LogLane();
  LogLane(const LogLane&) = delete;
  LogLane& operator=(const LogLane&) = delete;

  // As SealedLog::open_entry(), on the worker's thread. What LogEntry::finish() is given is called on that thread too.
  // The entry must be gone before the lane.
  core::Result<LogEntry> open_entry(bool keep_content, std::string_view tenant = {});

  // To be called about each `look_interval`, on the worker's thread. An exchange that was open at the look before is in
  // the log from then on, with what has passed of it: whoever ends the process cannot take it back unseen.
  static constexpr core::Duration look_interval = std::chrono::seconds(1);
  void look();

  // The worker's loop runs no more: what waits is handed over, `Post` is not called again, answers are dropped.
  void close();

  void push(LogItem item) override;
  void wait_for_room(LogReply waiter) override;

 private:
  void hand_over();

  static constexpr std::size_t waits_at_most = 64 * 1024;  // bytes of the queue; more goes to the writer at once

  SealedLog& log_;
  LogQueue& queue_;
  const Post at_turns_end_;
  LogAnswers answers_;
  struct OpenEntries;
  std::unique_ptr<OpenEntries> open_;
  std::vector<LogItem> items_;
  std::size_t cost_ = 0;  // of items_
  bool closed_ = false;
};

}  // namespace sallyport::logging
