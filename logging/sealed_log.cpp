#include "logging/sealed_log.hpp"

#include "logging/log_writer.hpp"

namespace sallyport::logging {

SealedLog::SealedLog(LogSettings settings, std::vector<envelope::Recipient> recipients, const core::Clock& clock,
                     std::unique_ptr<Storage> storage)
    : writer_(std::make_unique<LogWriter>(std::move(settings), std::move(recipients), clock, std::move(storage))) {}

SealedLog::SealedLog(LogSettings settings, std::vector<envelope::Recipient> recipients, const core::Clock& clock)
    : SealedLog(settings, std::move(recipients), clock, std::make_unique<DirectoryStorage>(settings.directory)) {}

SealedLog::~SealedLog() = default;

core::Result<LogEntry> SealedLog::open_entry(bool keep_content) { return writer_->open_entry(keep_content); }

void SealedLog::set_recipients(std::vector<envelope::Recipient> recipients) {
  {
    const std::lock_guard guard(writer_->recipients_mutex);
    writer_->new_recipients = std::move(recipients);
  }
  writer_->queue.nudge();
}

LogCounters SealedLog::counters() const noexcept {
  const LogWriter& w = *writer_;
  return {w.records, w.frames, w.bytes, w.lost, w.segments, w.write_errors, w.queue.held(), w.healthy()};
}

}  // namespace sallyport::logging
