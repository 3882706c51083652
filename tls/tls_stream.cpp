#include "tls/tls_stream.hpp"

#include <algorithm>
#include <utility>

#include "core/secret.hpp"

namespace sallyport::tls {

using core::ConstBytes;
using core::Error;
using core::MutableBytes;
using core::Reason;
using core::Result;
using core::Task;

namespace {

constexpr std::size_t burst_size = 4 * record_content_limit;  // bytes; the outbox is sent when it holds as many
constexpr unsigned empty_records_in_a_row = 32;               // each costs us an authentication
constexpr unsigned key_updates_per_second = 100;              // each costs us a key derivation
constexpr std::uint8_t warning = 1, fatal = 2;                // RFC 8446 §6

}  // namespace

TlsStream::TlsStream(Socket socket, Loop& loop, SSL_CTX* context, Role role, std::shared_ptr<SessionSlot> sessions)
    : transport_(std::move(socket), loop),
      role_(role),
      handshake_(std::make_unique<Handshake>(transport_, context, role, std::move(sessions))),
      messages_(role == Role::client) {}

Task<Result<core::PeerIdentity>> TlsStream::handshake() {
  auto peer = co_await handshake_->run();
  if (!peer) co_return peer.error();
  reading_.emplace(handshake_->reading());
  writing_.emplace(handshake_->writing());
  content_limit_ = handshake_->content_limit();
  kept_ = handshake_->take_unread();
  kept_is_whole_ = next_record(kept_) > 0;
  if (role_ == Role::server) handshake_.reset();
  co_return peer;
}

Task<Result<std::size_t>> TlsStream::read_some(MutableBytes into) {
  for (;;) {
    const std::size_t got = read_now(into);
    if (got > 0 || ended_) co_return got;
    if (is_broken()) co_return broken_;
    if (auto filled = co_await transport_.fill(); !filled) co_return filled.error();
  }
}

TlsStream::~TlsStream() { core::wipe(content_); }

// Not a coroutine: a stream waits here for each event, and a coroutine frame costs time.
Task<Result<void>> TlsStream::wait_readable() {
  return may_give() && peek() ? core::at_once(Result<void>()) : transport_.fill();
}

// False when a read would only find that nothing has come.
bool TlsStream::may_give() const noexcept {
  return ended_ || is_broken() || !content_.empty() || kept_is_whole_ || transport_.may_give();
}

// True when there is content or the end; leaves it for the next read.
bool TlsStream::peek() {
  read_now({});
  return !content_.empty() || ended_ || is_broken();
}

// Runs `work`, which opens or seals records. If it throws (out of memory), the record count may have a gap, so the
// stream is broken. The outbox is emptied, because another stream would send what is left there.
template <class Work>
auto TlsStream::or_break(Work work) try {
  return work();
} catch (...) {
  transport_.loop().outbox.clear();
  broken_ = Reason::internal;
  throw;
}

// Reads without waiting. Gives together all that one read of the socket brought.
std::size_t TlsStream::read_now(MutableBytes into) {
  const std::size_t held = take_content(into);
  const bool enough = !content_.empty() || (held > 0 && !kept_is_whole_);
  if (enough || ended_ || is_broken()) return held;
  return held + or_break([this, into, held] { return read_records(into.subspan(held)); });
}

std::size_t TlsStream::read_records(MutableBytes into) {
  const MutableBytes arrived = receive();
  std::size_t used = 0;
  const std::size_t got = open_records(arrived, used, into);
  kept_ = core::Bytes(arrived.begin() + static_cast<std::ptrdiff_t>(used), arrived.end());
  kept_is_whole_ = !ended_ && !is_broken() && next_record(kept_) > 0;
  const bool nothing = got == 0 && content_.empty() && !ended_ && !is_broken();
  if (nothing && transport_.ended()) broken_ = Reason::truncated;
  return got;
}

std::size_t TlsStream::take_content(MutableBytes into) {
  const ConstBytes rest = ConstBytes(content_).subspan(content_begin_);
  const std::size_t size = std::min(rest.size(), into.size());
  std::copy_n(rest.begin(), size, into.begin());
  content_begin_ += size;
  if (size < rest.size()) return size;
  core::wipe(content_);
  content_ = {};
  content_begin_ = 0;
  return size;
}

// Puts the kept bytes into the worker's inbox and, unless they begin with a whole record, what the socket has behind
// them.
MutableBytes TlsStream::receive() {
  const MutableBytes inbox = transport_.loop().inbox.bytes();
  std::copy(kept_.begin(), kept_.end(), inbox.begin());
  std::size_t size = kept_.size();
  if (!kept_is_whole_) size += transport_.take(inbox.subspan(size));
  return inbox.first(size);
}

// Opens records into `into` while they fit, but at least one; content of it that does not fit is kept in content_.
// Gives the bytes of content, and in `used` the bytes of `arrived` that were opened.
std::size_t TlsStream::open_records(MutableBytes arrived, std::size_t& used, MutableBytes into) {
  std::size_t got = 0;
  while (!ended_ && !is_broken() && content_.empty()) {
    const std::size_t size = next_record(arrived.subspan(used));
    if (size == 0) break;
    const MutableBytes record = arrived.subspan(used, size);
    const std::size_t room = RecordProtection::room_to_open(record);
    const MutableBytes left = into.subspan(got);
    if (room > left.size() + 1 && got > 0) break;
    used += size;
    if (room <= left.size()) {
      got += open_record(record, left.first(room));
      continue;
    }
    // Opened in place, because `into` is too small: often by the one byte of the type.
    const MutableBytes place = record.subspan(record_header_size, room);
    const ConstBytes content = place.first(open_record(record, place));
    const ConstBytes given = content.first(std::min(content.size(), left.size()));
    std::copy(given.begin(), given.end(), left.begin());
    got += given.size();
    content_.assign(content.begin() + static_cast<std::ptrdiff_t>(given.size()), content.end());
    core::wipe(place);  // other connections' records come into this buffer next
  }
  return got;
}

// The size of the first record in `arrived`; 0 while a part of it is missing, and when it is refused.
std::size_t TlsStream::next_record(ConstBytes arrived) {
  if (arrived.size() < record_header_size) return 0;
  const std::size_t size = record_size_of(arrived);
  if (arrived.front() != static_cast<std::byte>(ContentType::application_data)) {
    refuse(Alert::unexpected_message);
  } else if (size > record_limit) {
    refuse(Alert::record_overflow);
  }
  return is_broken() || arrived.size() < size ? 0 : size;
}

// Opens one record into `into` and gives the bytes of application data; 0 for alerts and messages, which it handles.
std::size_t TlsStream::open_record(MutableBytes record, MutableBytes into) {
  // OpenSSL opens tickets from the sealed record, which may be overwritten here.
  const core::Bytes sealed = handshake_ ? core::Bytes(record.begin(), record.end()) : core::Bytes();
  const auto content = reading_->open(record, into);
  if (!content || content->size > content_limit_) {
    refuse(content ? Alert::record_overflow : Alert::bad_record_mac);
    return 0;
  }
  const bool is_message = content->type == ContentType::handshake;
  const bool is_idle = content->size == 0 || content->type == ContentType::alert;
  if (!is_message) empty_records_ = is_idle ? empty_records_ + 1 : 0;
  if (empty_records_ > empty_records_in_a_row || (messages_.is_within_a_message() && !is_message)) {
    refuse(Alert::unexpected_message);
    return 0;
  }
  if (!is_message) handshake_.reset();  // OpenSSL's record count would be behind
  switch (content->type) {
    case ContentType::application_data:
      return content->size;
    case ContentType::handshake:
      take_messages(into.first(content->size), sealed);
      return 0;
    case ContentType::alert:
      take_alert(into.first(content->size));
      return 0;
    default:
      refuse(Alert::unexpected_message);
      return 0;
  }
}

void TlsStream::take_messages(ConstBytes content, ConstBytes sealed) {
  using Said = MessageReader::Said;
  const auto messages = messages_.take(content);
  if (messages.said == Said::wrong) return refuse(messages.alert);
  if (messages.said != Said::tickets) return update_keys(messages.said == Said::key_update_asking_for_ours);
  if (handshake_ && !handshake_->take_tickets(sealed)) refuse(Alert::decode_error);
}

void TlsStream::take_alert(ConstBytes content) {
  if (content.size() != 2) return refuse(content.empty() ? Alert::unexpected_message : Alert::decode_error);
  const auto alert = static_cast<Alert>(content[1]);
  if (alert == Alert::user_canceled) return;
  ended_ = alert == Alert::close_notify;
  if (ended_) return;
  const bool about_ours = role_ == Role::client && is_about_a_certificate(alert);
  broken_ = about_ours ? Reason::upstream_rejected_certificate : Reason::tls_failed;
}

// RFC 8446 §4.6.3.
void TlsStream::update_keys(bool peer_asks_for_ours) {
  const auto now = transport_.loop().wheel.now();
  if (now - key_updates_since_ > std::chrono::seconds(1)) {
    key_updates_since_ = now;
    key_updates_ = 0;
  }
  if (++key_updates_ > key_updates_per_second) return refuse(Alert::unexpected_message);
  handshake_.reset();  // OpenSSL does not learn the new key
  *reading_ = reading_->next();
  owes_key_update_ = owes_key_update_ || peer_asks_for_ours;
}

// Sent before the next content, once for all requests of the peer, so that a peer that asks and never reads costs
// nothing.
void TlsStream::renew_key() {
  constexpr std::uint8_t key_update = 24, size = 1, not_requested = 0;
  put_record(ContentType::handshake, {key_update, 0, 0, size, not_requested});
  *writing_ = writing_->next();
  owes_key_update_ = false;
}

void TlsStream::refuse(Alert alert) {
  broken_ = Reason::tls_failed;
  send_alert(fatal, alert);
}

// Appends a sealed record to the outbox. `append_content` appends its content there.
template <class AppendContent>
void TlsStream::put_record(ContentType type, AppendContent append_content) {
  core::Bytes& outbox = transport_.loop().outbox;
  const std::size_t begin = outbox.size();
  outbox.resize(begin + record_header_size);
  append_content(outbox);
  writing_->seal(type, outbox, begin);
}

void TlsStream::put_record(ContentType type, std::initializer_list<std::uint8_t> content) {
  put_record(type, [content](core::Bytes& out) {
    for (const std::uint8_t each : content) out.push_back(static_cast<std::byte>(each));
  });
}

// Best effort: if the peer has gone, a read finds that out.
void TlsStream::send_alert(std::uint8_t level, Alert alert) {
  or_break([=, this] { put_record(ContentType::alert, {level, static_cast<std::uint8_t>(alert)}); });
  (void)transport_.send_outbox();
}

void TlsStream::put_burst(PieceCursor& cursor) {
  while (!cursor.is_done() && transport_.loop().outbox.size() < burst_size) {
    if (owes_key_update_ || writing_->is_worn()) renew_key();
    put_record(ContentType::application_data,
               [&cursor, this](core::Bytes& out) { cursor.append_to(out, content_limit_); });
  }
}

Task<Result<void>> TlsStream::write_all(std::span<const ConstBytes> pieces) {
  PieceCursor cursor(pieces);
  while (!cursor.is_done()) {
    // A read may have broken the stream during the wait, and nothing may follow a fatal alert.
    if (is_broken()) co_return Error(Reason::tls_failed);
    // One burst: seal until enough has gathered, send it, and wait only if the kernel would not take it all.
    or_break([&cursor, this] { put_burst(cursor); });
    if (auto sent = transport_.send_outbox(); !sent) co_return sent.error();
    if (transport_.has_unsent()) {
      if (auto flushed = co_await transport_.flush(); !flushed) co_return flushed.error();
    }
  }
  co_return Result<void>();
}

void TlsStream::watch(std::function<void()> left) {
  on_peer_left_ = std::move(left);
  if (!on_peer_left_) return transport_.watch({});
  transport_.watch([this] { check_for_end(); }, may_give());
}

void TlsStream::check_for_end() {
  if (!transport_.peer_closed()) {
    peek_all();
    if (!ended_ && !is_broken()) return;  // content stays for the next read
  }
  if (auto tell = std::exchange(on_peer_left_, {})) tell();
}

// Opens records until one holds content or no more are here, because a record may hold none. Called by the event loop,
// which expects no exception.
void TlsStream::peek_all() try {
  while (!peek() && may_give()) continue;
} catch (const std::exception&) {
  return;  // or_break() has marked the stream as broken
}

void TlsStream::close() noexcept {
  try {
    if (writing_ && !is_broken()) send_alert(warning, Alert::close_notify);
  } catch (const std::exception&) {  // out of memory: closes without close_notify
  }
  transport_.shut_down();
}

}  // namespace sallyport::tls
