// The writer behind SealedLog: one thread that seals what the workers queue, and the state they share with it.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "logging/log_appender.hpp"
#include "logging/log_queue.hpp"
#include "logging/log_readers.hpp"
#include "logging/lost_content.hpp"
#include "logging/sealed_log.hpp"
#include "logging/storage.hpp"
#include "logging/writer_lock.hpp"

namespace sallyport::logging {

class LogWriter {
 public:
  LogWriter(LogSettings given, std::vector<envelope::Recipient> recipients, std::vector<Tenant> tenants,
            const core::Clock& its_clock, std::unique_ptr<Storage> its_storage);
  ~LogWriter();

  core::Result<LogEntry> open_entry(bool keep_content, std::string_view tenant, ItemSink& sink);
  bool healthy() const noexcept;
  bool hangs() const noexcept;  // the I/O under way takes longer than the limit
  FileFault fault() const;      // why it is not healthy
  bool ended() const noexcept { return ended_; }
  bool removes() const noexcept { return !appender_.removal_ended(); }
  bool closed() const noexcept { return closed_; }
  void count_lost() noexcept;
  SecondPlaceState checkpoint_directory() const { return appender_.checkpoints().directory_state(); }
  SecondPlaceState checkpoint_command() const { return appender_.checkpoints().command_state(); }
  RetentionState retention() const { return appender_.retention(); }

  const LogSettings settings;
  const core::Clock& clock;
  LogQueue queue;
  std::atomic<std::uint64_t> next_exchange{0};
  std::atomic<std::uint64_t> records{0}, frames{0}, bytes{0}, lost{0}, segments{0}, write_errors{0};
  std::atomic<std::uint64_t> checkpoints{0};
  std::atomic<core::Duration::rep> last_checkpoint{0};  // since the Unix epoch; 0: none

  LogReaders readers;

 private:
  void run();
  core::Result<void> check_place();
  core::Result<void> write_batch();
  bool attempt();
  void end();
  void busy() noexcept;
  void settle(std::uint64_t vouched);
  void answer_waiting();
  void answer(LogReply& reply, bool fails);
  void answer_waiters(std::vector<LogReply> waiters);  // for room in the queue
  void tell_answered();
  void count_batch_lost();
  void add_gap();
  void drop_content(LogItem& item);
  void publish();
  core::Duration wait_time(std::chrono::steady_clock::time_point next_try) const;

  WriterLock lock_;
  std::unique_ptr<Storage> storage_;
  LogAppender appender_;
  LostContent lost_content_;
  std::vector<LogItem> batch_;
  std::vector<LogAnswers> answered_;  // who has to be told
  std::size_t settled_ = 0;           // items at the batch's front that are safe and answered
  std::uint64_t base_ = 0;            // the appender's count at the batch's first item
  std::uint64_t declared_ = 0;        // lost ones that a gap frame in the log or in the batch already states
  std::atomic<bool> failing_{false};
  LastFault fault_;
  std::chrono::steady_clock::time_point next_look_{};  // at the segment's place
  std::atomic<core::Duration::rep> busy_since_{0};     // when the I/O under way started; 0: none is
  std::atomic<bool> ended_{false}, closed_{false};     // the thread has nothing more to do; the log has its clean end
  std::thread thread_;
};

}  // namespace sallyport::logging
