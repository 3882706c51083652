// How an exchange takes its request's body: into memory or the spool, read for its model on the way, kept by the log.
#include "gateway/exchange.hpp"

#include <algorithm>

#include "logging/format.hpp"

namespace sallyport::gateway {

using core::Error;
using core::Reason;
using core::Result;
using core::Task;
using http::BodyKind;

namespace {
constexpr std::size_t progress_bytes = 16 * 1024;  // a body that brings less in limits.body_stall is too slow
static_assert(RequestBody::block_size <= logging::max_content_piece, "the log takes a block as one piece");

// Another model may stand in what a server unpacks than in the bytes that are read here.
bool is_compressed(const http::Fields& fields) noexcept {
  return std::any_of(fields.begin(), fields.end(), [](const http::Field& field) {
    return http::may_be_read_as(field.name, "content-encoding") && !http::same_name(field.value, "identity");
  });
}
}  // namespace

Task<Result<void>> Exchange::read_body() {
  if (family_ && is_compressed(head_.fields)) co_return Error(Reason::content_coding_unsupported);
  if (family_) call_reader_.emplace();
  if (head_.framing.kind == BodyKind::sized) {
    if (head_.framing.size > config_.limits.body_bytes) co_return Error(Reason::body_too_large);  // before a byte of it
    body_.expect(head_.framing.size);
  }
  if (head_.expects_continue && !body_read_ && connection_.input.empty()) {
    connection_.stream.set_deadline(worker_.now() + config_.limits.write_stall);
    auto written = co_await connection_.stream.write_all(core::bytes_of("HTTP/1.1 100 Continue\r\n\r\n"));
    if (!written) co_return Error(Reason::client_left);
  }
  decoder_.emplace(head_.framing);
  std::size_t since_progress = 0;
  connection_.stream.set_deadline(worker_.now() + config_.limits.body_stall);
  for (;;) {
    if (auto taken = take_received(); !taken) co_return taken.error();
    if (body_read_) break;
    if (worker_.stopping()) co_return Error(Reason::draining);
    const auto place = body_.room();
    if (!place) co_return place.error();
    auto got = co_await receive_body(*place);
    const auto received = place->first(got && !place->empty() ? *got : 0);
    if (auto read = take_in_place(received); !read) co_return read.error();
    if (worker_.stopping()) co_return Error(Reason::draining);
    if (!got && got.error().reason == Reason::timeout) co_return Error(Reason::request_timeout);
    if (!got || *got == 0) co_return Error(Reason::client_left);
    since_progress += *got;
    if (since_progress < progress_bytes) continue;
    since_progress = 0;
    connection_.stream.set_deadline(worker_.now() + config_.limits.body_stall);
  }
  record_.request_bytes = body_.size();
  connection_.stream.set_deadline(core::TimerWheel::never);
  co_return call_reader_ ? finish_call() : Result<void>();
}

// What lies in the connection's input goes into the body.
Result<void> Exchange::take_received() {
  while (!body_read_) {
    auto step = decoder_->decode(connection_.input.bytes());
    if (!step) return step.error();
    connection_.input.consume(step->consumed);
    body_read_ = step->finished;
    if (!step->content.empty()) {
      if (auto stored = body_.append(step->content); !stored) return stored;
      if (auto read = read_call(step->content); !read) return read;
    }
    if (step->consumed == 0) break;
  }
  return {};
}

// A body of known size is received where it stays; any other, and what is to be spooled, passes the connection's input.
Task<Result<std::size_t>> Exchange::receive_body(core::MutableBytes place) {
  if (place.empty()) return connection_.input.more();
  connection_.input.release();
  return connection_.stream.read_some(place);
}

Result<void> Exchange::take_in_place(core::ConstBytes received) {
  if (received.empty()) return {};
  body_.grow(received.size());
  const auto step = decoder_->decode(received);
  if (!step || step->content.size() != received.size()) return Error(Reason::internal);  // it knows how much is to come
  body_read_ = step->finished;
  return read_call(received);
}

Result<void> Exchange::read_call(core::ConstBytes piece) {
  return call_reader_ ? call_reader_->feed(piece) : Result<void>();
}

Result<void> Exchange::finish_call() {
  auto call = call_reader_->finish();
  if (!call) return call.error();
  call_ = std::move(*call);
  call_reader_.reset();
  record_.model = call_->model;
  record_.streamed = call_->stream;
  return {};
}

Task<Result<void>> Exchange::keep_request_body() {
  record_.content_kept = false;  // until all of it is
  for (std::uint64_t offset = 0; offset < body_.size();) {
    if (entry_->should_wait()) {
      co_await log_wait_.for_room(*entry_);
      if (const auto ended = interrupted()) co_return *ended;
    }
    auto part = body_.share(offset);
    if (!part) co_return part.error();
    offset += part->size();
    if (auto kept = entry_->request_body(std::move(*part)); !kept) co_return kept;
  }
  record_.content_kept = true;
  co_return Result<void>();
}

}  // namespace sallyport::gateway
