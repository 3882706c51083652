#include "logging/log_lane.hpp"

#include <boost/intrusive/list.hpp>
#include <mutex>
#include <utility>

#include "logging/log_entry.hpp"
#include "logging/log_writer.hpp"

namespace sallyport::logging {

struct LogLane::OpenEntries {
  boost::intrusive::list<LogEntry::State, boost::intrusive::constant_time_size<false>> all;
};

LogLane::LogLane(SealedLog& log, Post at_turns_end, Post post)
    : log_(log),
      queue_(log.writer_->queue),
      at_turns_end_(std::move(at_turns_end)),
      answers_(std::move(post)),
      open_(std::make_unique<OpenEntries>()) {}

LogLane::~LogLane() { close(); }

core::Result<LogEntry> LogLane::open_entry(bool keep_content, std::string_view tenant) {
  auto entry = log_.writer_->open_entry(keep_content, tenant, *this);
  if (entry) open_->all.push_back(*entry->state_);
  return entry;
}

void LogLane::look() {
  for (LogEntry::State& entry : open_->all) entry.look();
}

void LogLane::push(LogItem item) {
  if (item.sealed.told) item.sealed.answers = answers_;
  cost_ += item.cost;
  items_.push_back(std::move(item));
  if (closed_ || cost_ > waits_at_most) return hand_over();
  if (items_.size() == 1) at_turns_end_([this] { hand_over(); });
}

void LogLane::wait_for_room(LogReply waiter) {
  waiter.answers = answers_;
  queue_.wait_for_room(std::move(waiter));
}

void LogLane::hand_over() {
  if (!items_.empty()) queue_.push(items_);
  cost_ = 0;
}

void LogLane::close() {
  closed_ = true;
  answers_.close();
  hand_over();
}

}  // namespace sallyport::logging
