#include "logging/log_entry.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "logging/json_text.hpp"

namespace sallyport::logging {

namespace {

constexpr std::size_t credit_step = 4 * 1024;    // content takes its share of the queue in such steps
constexpr std::size_t crowded_piece = 4 * 1024;  // with the queue half full, an answer is handed on from this size

std::string text_of(const Record& record) {
  std::string text;
  text.reserve(768);
  append_json(text, record);
  return text;
}

// What is sealed for a tenant says so: a reader holds the one to the other.
std::string text_of(Record record, const std::string& tenant) {
  record.tenant = tenant;
  return text_of(record);
}

}  // namespace

// After a loss nothing more is kept: a body with a hole misleads.
core::Result<void> LogEntry::State::request_body(core::SharedBytes piece) {
  if (!keep_ || !reserved_ || piece.empty()) return told_of_content();
  if (piece.size() > max_content_piece) throw std::length_error("a piece of content over its limit");
  hand_on_request();
  if (content_lost_ > 0 || !afford(piece.size())) {
    content_lost_ += piece.size();
  } else {
    request_ = std::move(piece);
  }
  return told_of_content();
}

core::Result<void> LogEntry::State::response_body(core::ConstBytes piece) {
  while (keep_ && reserved_ && !piece.empty()) {
    const std::size_t limit = writer_.queue.crowded() ? crowded_piece : max_content_piece;
    if (response_.size() >= limit) hand_on_response();
    const core::ConstBytes taken = piece.first(std::min(piece.size(), max_content_piece - response_.size()));
    if (content_lost_ > 0 || !afford(taken.size())) {
      content_lost_ += piece.size();
      break;
    }
    core::reserve_wiping(response_, response_.size() + taken.size());
    response_.insert(response_.end(), taken.begin(), taken.end());
    piece = piece.subspan(taken.size());
  }
  return told_of_content();
}

// What the overload policy has its caller told of content that found no room.
core::Result<void> LogEntry::State::told_of_content() const noexcept {
  if (content_lost_ == 0 || writer_.settings.overload != Overload::refuse) return {};
  return core::Error(core::Reason::log_unavailable);
}

// Whether the queue has room for `size` more bytes of this exchange.
bool LogEntry::State::afford(std::size_t size) {
  const std::size_t needed = entry_cost + request_.size() + response_.size() + size;
  if (needed <= credit_) return true;
  const std::size_t more = (needed - credit_ + credit_step - 1) / credit_step * credit_step;
  if (!writer_.queue.reserve(more)) return false;
  credit_ += more;
  return true;
}

void LogEntry::State::look() {
  if (!reserved_ || !std::exchange(seen_, true)) return;
  hand_on_begin();
  hand_on_request();
  hand_on_response();
}

void LogEntry::State::hand_on_begin() {
  if (std::exchange(begun_, true)) return;
  LogItem begin;
  begin.kind = FrameKind::begin;
  begin.text = time_note("opened", opened_);
  push(std::move(begin), 0);
}

void LogEntry::State::hand_on_request() {
  if (request_.empty()) return;
  LogItem data;
  data.request = std::exchange(request_, {});
  hand_on(std::move(data));
}

void LogEntry::State::hand_on_response() {
  if (response_.empty()) return;
  LogItem data;
  data.response = std::exchange(response_, {});
  hand_on(std::move(data));
}

void LogEntry::State::hand_on(LogItem data) {
  hand_on_begin();
  data.kind = FrameKind::data;
  const std::size_t size = data.content_size();
  push(std::move(data), size);
}

void LogEntry::State::push(LogItem item, std::size_t cost) {
  item.number = number_;
  item.key = key_;
  item.cost = cost;
  credit_ -= cost;
  sink_.push(std::move(item));
}

void LogEntry::State::finish(const Record& record, Sealed sealed) {
  // With `count` nobody waits for a log that is known to fail or hang: the answer would be the same, and late.
  const bool at_once = writer_.settings.durability == Durability::buffered ||
                       (writer_.settings.overload == Overload::count && !writer_.healthy());
  if (!reserved_ || content_lost_ > 0) writer_.count_lost();
  const core::Result<void> told = told_of_content();
  LogItem item;
  item.content_lost = content_lost_;
  if (reserved_) {
    item.kind = begun_ ? FrameKind::end : FrameKind::exchange;
    item.text = record.tenant == tenant_ ? text_of(record) : text_of(record, tenant_);
    item.request = std::move(request_);
    item.response = std::move(response_);
    if (!at_once) item.sealed.told = std::move(sealed);
    push(std::move(item), credit_);
  }
  if (sealed && (at_once || !reserved_)) sealed(told);
}

LogEntry::LogEntry(std::unique_ptr<State> state) : state_(std::move(state)) {}
LogEntry::LogEntry(LogEntry&&) noexcept = default;
LogEntry& LogEntry::operator=(LogEntry&& other) noexcept {
  LogEntry old(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}

LogEntry::~LogEntry() {
  if (!state_) return;
  Record record;
  record.started = state_->opened();
  record.outcome = core::Reason::internal;
  finish(record, nullptr);
}

bool LogEntry::should_wait() const noexcept { return state_->should_wait(); }

void LogEntry::wait_for_room(std::function<void()> told) { state_->wait_for_room(std::move(told)); }

core::Result<void> LogEntry::request_body(core::SharedBytes piece) { return state_->request_body(std::move(piece)); }

core::Result<void> LogEntry::response_body(core::ConstBytes piece) { return state_->response_body(piece); }

void LogEntry::finish(const Record& record, std::function<void(core::Result<void>)> sealed) {
  const std::unique_ptr<State> state = std::move(state_);
  state->finish(record, std::move(sealed));
}

}  // namespace sallyport::logging
