#include "logging/sealed_log.hpp"

#include "logging/log_writer.hpp"

namespace sallyport::logging {

std::string_view name(RetentionFault::Kind kind) noexcept {
  switch (kind) {
    case RetentionFault::Kind::none:
      return "none";
    case RetentionFault::Kind::missing:
      return "missing";
    case RetentionFault::Kind::altered:
      return "altered";
    case RetentionFault::Kind::failed:
      return "failed";
  }
  return "";
}

SealedLog::SealedLog(LogSettings settings, std::vector<envelope::Recipient> recipients, const core::Clock& clock,
                     std::unique_ptr<Storage> storage, std::vector<Tenant> tenants)
    : writer_(std::make_unique<LogWriter>(std::move(settings), std::move(recipients), std::move(tenants), clock,
                                          std::move(storage))) {}

SealedLog::SealedLog(LogSettings settings, std::vector<envelope::Recipient> recipients, const core::Clock& clock,
                     std::vector<Tenant> tenants)
    : SealedLog(settings, std::move(recipients), clock, std::make_unique<DirectoryStorage>(settings.directory),
                std::move(tenants)) {}

SealedLog::~SealedLog() = default;

core::Result<LogEntry> SealedLog::open_entry(bool keep_content, std::string_view tenant) {
  return writer_->open_entry(keep_content, tenant, writer_->queue);
}

void SealedLog::set_recipients(std::vector<envelope::Recipient> recipients, std::vector<Tenant> tenants) {
  writer_->readers.set(std::move(recipients), std::move(tenants));
  writer_->queue.nudge();
}

void SealedLog::end() { writer_->queue.stop(); }

bool SealedLog::ended() const noexcept { return writer_->ended(); }

bool SealedLog::removes() const noexcept { return writer_->removes(); }

bool SealedLog::hangs() const noexcept { return writer_->hangs(); }

LogCounters SealedLog::counters() const noexcept {
  const LogWriter& w = *writer_;
  LogCounters counters;
  counters.records = w.records;
  counters.frames = w.frames;
  counters.bytes = w.bytes;
  counters.lost = w.lost;
  counters.segments = w.segments;
  counters.write_errors = w.write_errors;
  counters.signs = w.settings.checkpoints.signer.has_value();
  counters.has_directory = !w.settings.checkpoints.directory.empty();
  counters.runs_command = !w.settings.checkpoints.command.empty();
  counters.directory = w.checkpoint_directory();
  counters.command = w.checkpoint_command();
  counters.checkpoints = counters.has_directory ? counters.directory.taken : w.checkpoints.load();
  counters.retention = w.retention();
  counters.queued_bytes = w.queue.held();
  counters.queued_records = w.queue.waiting_records();
  counters.healthy = w.healthy();
  counters.fault = w.fault();
  counters.closed = w.closed();
  if (counters.has_directory) {
    counters.last_checkpoint = counters.directory.last;
  } else if (const auto last = w.last_checkpoint.load(); last != 0) {
    counters.last_checkpoint = core::WallTime(core::Duration(last));
  }
  return counters;
}

}  // namespace sallyport::logging
