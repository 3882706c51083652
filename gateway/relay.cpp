#include "gateway/relay.hpp"

#include <cstring>

#include "gateway/respond.hpp"
#include "http/reader.hpp"
#include "http/writer.hpp"

namespace sallyport::gateway {

using core::Error;
using core::Reason;
using core::Result;
using core::Task;
using http::BodyKind;

namespace {

constexpr std::size_t room_for_framing = 128;  // what start() adds to a head, about
constexpr unsigned interim_limit = 10;         // 1xx answers before the real one

bool is_event_stream_type(const http::Fields& fields) {
  const auto type = fields.find("content-type");
  constexpr std::string_view wanted = "text/event-stream";
  return type && type->size() >= wanted.size() && http::same_name(type->substr(0, wanted.size()), wanted) &&
         (type->size() == wanted.size() || (*type)[wanted.size()] == ';' || (*type)[wanted.size()] == ' ');
}

bool is_json_type(const http::Fields& fields) {
  const auto type = fields.find("content-type");
  return type && type->starts_with("application/json");
}

bool is_encoded(const http::Fields& fields) {
  const auto coding = fields.find("content-encoding");
  return coding && !http::same_name(*coding, "identity");
}

// What would tell the model server's software, which is nobody's business.
bool tells_software(std::string_view name) {
  return http::same_name(name, "server") || http::same_name(name, "x-powered-by");
}

// Whether the gateway sets this field itself: an upstream's would contradict it. `own_fields` as in Relay::start.
bool is_own_field(std::string_view name, std::string_view own_fields) {
  if (http::same_name(name, "x-accel-buffering")) return true;
  for (std::size_t line = 0; line < own_fields.size(); line = own_fields.find('\n', line) + 1) {
    if (http::same_name(name, own_fields.substr(line, own_fields.find(':', line) - line))) return true;
  }
  return false;
}

// Whether the client's parser, after these bytes, waits for a new event. A blank line that came in two parts counts as
// open, which costs a blank line too many.
bool ends_event(core::ConstBytes bytes) {
  const std::string_view text = core::text_of(bytes);
  return text.ends_with("\n\n") || text.ends_with("\r\n\r\n") || text.ends_with("\r\r");
}

// What a read from an upstream can end with.
Error upstream_failure(Error error, Reason timed_out, Reason ended) {
  if (error.reason == Reason::timeout) return timed_out;
  if (error.reason == Reason::cancelled) return error;
  return Error(ended, error.os_code);
}

Error idle_failure(Error error) {
  return upstream_failure(error, Reason::upstream_idle_timeout, Reason::upstream_truncated);
}

}  // namespace

Relay::Relay(const core::Clock& clock, core::ByteStream& client, core::ByteStream& upstream, BufferPool& buffers,
             RelayPlan plan, logging::LogEntry* entry, LogWait& log_wait)
    : clock_(clock),
      client_(client),
      upstream_(upstream),
      plan_(plan),
      entry_(entry),
      log_wait_(log_wait),
      input_(upstream, buffers) {}

Task<Result<void>> Relay::read_head() {
  upstream_.set_deadline(clock_.now() + plan_.first_byte);
  const http::HeadLimits limits;
  for (unsigned interim = 0; interim <= interim_limit;) {
    const std::size_t end = input_.text().find("\r\n\r\n");
    if (end == std::string_view::npos) {
      // Not whole yet; but what is wrong already need not be waited for.
      if (!input_.empty() && !http::parse_response_head(input_.text(), limits, plan_.method, head_)) {
        co_return Error(Reason::upstream_malformed);
      }
      auto got = co_await input_.more(limits.bytes);
      if (!got && got.error().reason == Reason::head_too_large) co_return Error(Reason::upstream_malformed);
      const bool silent = input_.empty() && interim == 0;
      if (!got && silent && got.error().reason == Reason::upstream_rejected_certificate) co_return got.error();
      if (!got) co_return upstream_failure(got.error(), Reason::upstream_first_byte_timeout, Reason::upstream_closed);
      if (*got == 0) co_return Error(Reason::upstream_closed);
      continue;
    }
    upstream_head_.assign(input_.text().substr(0, end + 4));
    const auto size = http::parse_response_head(upstream_head_, limits, plan_.method, head_);
    if (!size || !*size) co_return Error(Reason::upstream_malformed);
    input_.consume(**size);
    if (head_.status >= 200) co_return Result<void>();
    ++interim;
  }
  co_return Error(Reason::upstream_malformed);
}

void Relay::choose_framing() {
  framing_ = head_.framing;
  // An event stream's size is not passed on: what is left out, or said when it breaks off, would make it wrong.
  const bool unknown_size = framing_.kind == BodyKind::chunked || framing_.kind == BodyKind::until_close ||
                            (framing_.kind == BodyKind::sized && event_stream_);
  if (!unknown_size) return;
  framing_.kind = plan_.client_minor_version >= 1 ? BodyKind::chunked : BodyKind::until_close;
}

void Relay::start(std::string_view own_fields) {
  event_stream_ = is_event_stream_type(head_.fields);
  if (is_encoded(head_.fields)) plan_.family.reset();  // it can neither be read nor added to
  const bool readable = plan_.family && (event_stream_ || is_json_type(head_.fields));
  plan_.hide_usage = plan_.hide_usage && event_stream_ && readable;
  meter_.emplace(readable ? *plan_.family : routing::Family::other, event_stream_ && readable, plan_.hide_usage);
  decoder_.emplace(head_.framing);
  choose_framing();

  client_head_.reserve(upstream_head_.size() + own_fields.size() + room_for_framing);
  http::append_status_line(client_head_, head_.status, head_.reason);
  const http::HopByHop hop_by_hop(head_.fields);
  for (const auto& field : head_.fields) {
    if (hop_by_hop(field.name) || tells_software(field.name) || is_own_field(field.name, own_fields)) continue;
    http::append_read_field(client_head_, field);
  }
  if (!head_.fields.find("date")) http::append_date(client_head_, clock_.wall());  // RFC 9110 §6.6.1
  client_head_.append(own_fields);
  if (event_stream_) {
    http::append_field(client_head_, "x-accel-buffering", "no");
    if (!head_.fields.find("cache-control")) http::append_field(client_head_, "cache-control", "no-cache");
  }
  http::append_framing(client_head_, framing_);
  // RFC 9110 §9.3.2: what GET would be told. An event stream's size is not told either way.
  if (head_.size_for_get && !event_stream_) http::append_field(client_head_, "content-length", *head_.size_for_get);
  http::append_persistence(client_head_, client_reusable(), plan_.client_minor_version);
  http::append_end_of_head(client_head_);
}

// Decodes all that is here and lays it side by side, so that what one read brought leaves in one record.
Result<Relay::Gathered> Relay::gather() {
  const core::MutableBytes received = input_.mutable_bytes();
  std::size_t used = 0, begin = 0, size = 0;
  bool finished = decoder_->finished();
  while (!finished) {
    auto step = decoder_->decode(received.subspan(used));
    if (!step) return Error(Reason::upstream_malformed);
    used += step->consumed;
    finished = step->finished;
    if (!step->content.empty()) {
      const auto at = static_cast<std::size_t>(step->content.data() - received.data());
      if (size == 0) begin = at;
      if (begin + size != at) std::memmove(received.data() + begin + size, step->content.data(), step->content.size());
      size += step->content.size();
    }
    if (step->consumed == 0) break;
  }
  input_.consume(used);
  return Gathered{received.subspan(begin, size), finished};
}

Task<Result<void>> Relay::pass() {
  for (;;) {
    auto got = gather();
    if (!got) co_return got.error();
    if (got->finished) co_return hold_back(got->content);
    if (!got->content.empty() || (event_stream_ && !started_)) {
      if (auto sent = co_await send(meter_->pass(got->content)); !sent) co_return sent;
    }
    if (entry_ != nullptr && entry_->should_wait()) co_await log_wait_.for_room(*entry_);
    upstream_.set_deadline(clock_.now() + plan_.idle);
    if (input_.empty()) {
      // A stream says nothing most of the time: it holds no block meanwhile.
      if (auto readable = co_await input_.wait(); !readable) co_return idle_failure(readable.error());
    }
    auto more = co_await input_.more();
    if (!more) co_return idle_failure(more.error());
    if (*more > 0) continue;
    if (!decoder_->ends_here()) co_return Error(Reason::upstream_truncated);
    co_return hold_back({});
  }
}

// The answer's end has come: pieces_ is left holding what finish() sends.
Result<void> Relay::hold_back(core::ConstBytes content) {
  if (auto framed = frame(meter_->pass_last(content)); !framed) return framed;
  if (framing_.kind == BodyKind::chunked) {
    http::append_last_chunk(last_chunk_, decoder_->trailers());
    pieces_.push_back(core::bytes_of(last_chunk_));
  }
  return {};
}

// No coroutine of its own: each event of a stream passes here.
Task<Result<void>> Relay::send(const std::vector<core::ConstBytes>& views) {
  const auto framed = frame(views);
  return !framed || pieces_.empty() ? core::at_once(framed) : write_pieces();
}

Task<Result<void>> Relay::finish(core::Duration write_stall) {
  if (pieces_.empty()) co_return Result<void>();
  plan_.write_stall = write_stall;
  co_return co_await write_pieces();
}

// Lays out the next write: the head if it is still due, then the content in the framing chosen.
Result<void> Relay::frame(const std::vector<core::ConstBytes>& views) {
  pieces_.clear();
  std::size_t size = 0;
  for (const auto view : views) size += view.size();
  if (!client_head_.empty()) pieces_.push_back(core::bytes_of(client_head_));
  if (size == 0) return {};
  const bool chunked = framing_.kind == BodyKind::chunked;
  if (chunked) {
    size_line_.clear();
    http::append_chunk_size(size_line_, size);
    pieces_.push_back(core::bytes_of(size_line_));
  }
  for (const auto view : views) {
    if (entry_ != nullptr) {
      if (auto kept = entry_->response_body(view); !kept) return kept;
    }
    pieces_.push_back(view);
  }
  if (chunked) pieces_.push_back(core::bytes_of(http::chunk_end));
  bytes_ += size;
  if (!first_byte_) first_byte_ = clock_.now();
  if (event_stream_) pieces_leave_event_open_ = !ends_event(views.back());
  return {};
}

Task<Result<void>> Relay::write_pieces() {
  client_.set_deadline(clock_.now() + plan_.write_stall);
  started_ = true;
  event_open_ = pieces_leave_event_open_;
  auto written = co_await client_.write_all(pieces_);
  client_.set_deadline(core::TimerWheel::never);
  client_head_.clear();
  pieces_.clear();
  if (!written) co_return Error(Reason::client_left, written.error().os_code);
  co_return written;
}

Task<void> Relay::break_off(Reason reason) {
  if (!event_stream_ || !plan_.family) co_return;
  entry_ = nullptr;                               // its record has been sealed
  std::string event = event_open_ ? "\n\n" : "";  // what was cut short must not run into what is said about it
  append_error_event(event, *plan_.family, reason);
  (void)frame({core::bytes_of(event)});  // without an entry it cannot fail
  client_.set_deadline(clock_.now() + farewell);
  (void)co_await client_.write_all(pieces_);
}

bool Relay::upstream_reusable() const noexcept {
  return head_.keep_alive && decoder_ && decoder_->finished() && input_.empty() &&
         head_.framing.kind != BodyKind::until_close;
}

}  // namespace sallyport::gateway
