#include "tls/tls_stream.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "tls/session_slot.hpp"

namespace sallyport::tls {

using core::Error;
using core::Reason;
using core::Result;
using core::Task;

namespace {

constexpr std::size_t record_size = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr std::size_t burst_size = 4 * record_size;  // ciphertext gathered before it is sent
constexpr unsigned key_updates_per_second = 100;     // each costs the receiver a key derivation

// The BIO: OpenSSL reads from the transport without waiting and writes into the worker's outbox.
int bio_read(BIO* bio, char* out, int size) {
  auto& transport = *static_cast<Transport*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const std::size_t got = transport.take({reinterpret_cast<std::byte*>(out), static_cast<std::size_t>(size)});
  if (got > 0) return static_cast<int>(got);
  if (transport.ended()) return 0;
  BIO_set_retry_read(bio);
  return -1;
}

int bio_write(BIO* bio, const char* data, int size) {
  auto& outbox = static_cast<Transport*>(BIO_get_data(bio))->loop().outbox;
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  outbox.insert(outbox.end(), bytes, bytes + size);
  return size;
}

long bio_control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return static_cast<Transport*>(BIO_get_data(bio))->ended() ? 1 : 0;
    default:
      return 0;
  }
}

const BIO_METHOD* bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sallyport transport");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

Reason certificate_reason(long verdict) {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Reason::upstream_certificate_expired;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Reason::upstream_certificate_name;
    default:
      return Reason::upstream_certificate_untrusted;
  }
}

// RFC 8446 §6: what a server says when it does not like the certificate it was shown.
bool is_certificate_alert(int reason) {
  switch (reason) {
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

// CVE-2024-4741: before these versions SSL_free_buffers frees one that is half read, and whoever sends half a record's
// head can choose the moment.
bool may_free_buffers() {
  const unsigned long version = OpenSSL_version_num();
  const unsigned long major = version >> 28, minor = version >> 20 & 0xff, patch = version >> 4 & 0xff;
  constexpr unsigned long first_mended[] = {14, 6, 2, 1};  // of 3.0, 3.1, 3.2, 3.3
  return major > 3 || minor >= std::size(first_mended) || patch >= first_mended[minor];
}

// What a read that found nothing had made: kept, it would be most of an idle stream. False: half a record is in there.
bool free_buffers(SSL* ssl) {
  static const bool allowed = may_free_buffers();
  return !allowed || SSL_free_buffers(ssl) == 1;
}

}  // namespace

TlsStream::TlsStream(Socket socket, Loop& loop, SSL_CTX* context, Role role)
    : transport_(std::move(socket), loop), ssl_(SSL_new(context)), role_(role) {
  BIO* bio = ssl_ ? BIO_new(bio_method()) : nullptr;
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, &transport_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  if (role == Role::server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
}

// Without this OpenSSL takes a connection that ended without our goodbye for a bad one and spoils its session's ticket,
// although no truncation attack can come of resuming it.
TlsStream::~TlsStream() { SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }

void TlsStream::keep_sessions_in(std::shared_ptr<SessionSlot> slot) {
  sessions_ = std::move(slot);
  if (sessions_->session) SSL_set_session(ssl_.get(), sessions_->session.get());
  sessions_->remember_in(ssl_.get());
}

void TlsStream::forget_session() {
  if (sessions_) sessions_->session.reset();
}

Task<Result<void>> TlsStream::handshake() {
  for (;;) {
    ERR_clear_error();
    const int code = SSL_do_handshake(ssl_.get());
    const Error failed = code == 1 ? Error(Reason::none) : failure(code);
    // Whatever happened, what OpenSSL said (a flight, or an alert) goes out first.
    if (auto sent = send_outbox(); !sent) co_return sent.error();
    if (auto flushed = co_await transport_.flush(); !flushed) co_return flushed.error();
    if (code == 1) break;
    if (failed.reason != Reason::none) co_return failed;
    if (auto filled = co_await transport_.fill(); !filled) co_return filled.error();
  }
  handshaken_ = true;
  SSL_set_msg_callback(ssl_.get(), on_message);
  SSL_set_msg_callback_arg(ssl_.get(), this);
  co_return Result<void>();
}

// What an SSL call that failed means. Reason::none: nothing is wrong, more bytes are needed. Leaves OpenSSL's error
// queue empty, as every other call here does, because a stale entry would be taken for the next call's
// (SSL_get_error(3)).
Error TlsStream::failure(int code) {
  switch (SSL_get_error(ssl_.get(), code)) {
    case SSL_ERROR_WANT_READ:
      return flooded_ ? Reason::tls_failed : Reason::none;
    case SSL_ERROR_ZERO_RETURN:
      ended_ = true;
      return Reason::closed;
    default:
      break;
  }
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  ERR_clear_error();
  if (transport_.ended() && (error == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)) return Reason::truncated;
  if (role_ == Role::client) {
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return certificate_reason(SSL_get_verify_result(ssl_.get()));
    if (is_certificate_alert(reason)) return Reason::upstream_rejected_certificate;
  } else if (reason == SSL_R_NO_SUITABLE_KEY_SHARE) {
    return Reason::key_exchange_refused;
  }
  return Reason::tls_failed;
}

// OpenSSL has read what was wrong, and nothing more may come that would have the next read ask it.
Error TlsStream::read_failure(int code) {
  const Error error = failure(code);
  if (error.reason != Reason::none && error.reason != Reason::closed) broken_ = error;
  return error;
}

Result<std::size_t> TlsStream::read_now(core::MutableBytes into, bool& wait) {
  std::size_t total = 0;
  wait = false;
  // Every record that is already here: what one read brought goes on together.
  do {
    std::size_t size = 0;
    const int code = SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &size);
    total += size;
    if (code == 1) continue;
    const Error error = read_failure(code);
    // An answer to a KeyUpdate, or an alert; a peer that is gone shows in what was read.
    if (auto sent = send_outbox(); !sent && error.reason == Reason::none) return sent.error();
    if (total > 0 || ended_) break;  // an error shows again at the next read
    if (error.reason != Reason::none) return error;
    free_buffers(ssl_.get());
    wait = true;
    break;
  } while (total < into.size() && may_have_record());
  if (has_spare_buffers_) has_spare_buffers_ = !free_buffers(ssl_.get());
  return total;
}

Task<Result<std::size_t>> TlsStream::read_some(core::MutableBytes into) {
  for (;;) {
    if (ended_) co_return std::size_t{0};
    if (is_broken()) co_return broken_;
    bool wait = !may_have_record();
    if (!wait) {
      auto got = read_now(into, wait);
      if (!got || !wait) co_return got;
    }
    if (auto filled = co_await transport_.fill(); !filled) co_return filled.error();
  }
}

// No coroutine of its own: an event of a stream waits here, and each frame costs.
Task<Result<void>> TlsStream::wait_readable() {
  return may_have_record() && peek() != Peek::nothing ? core::at_once(Result<void>()) : transport_.fill();
}

// False: SSL_read would only find that nothing has come.
bool TlsStream::may_have_record() const noexcept {
  return ended_ || is_broken() || transport_.may_give() || SSL_has_pending(ssl_.get()) != 0;
}

Task<Result<void>> TlsStream::write_all(std::span<const core::ConstBytes> pieces) {
  core::Bytes& packing = transport_.loop().packing;
  std::size_t piece = 0, offset = 0;
  while (piece < pieces.size()) {
    // One burst: encrypt until enough has gathered, send it, and wait only if the kernel would not take it all.
    while (piece < pieces.size() && transport_.loop().outbox.size() < burst_size) {
      core::ConstBytes record = pieces[piece].subspan(offset);
      if (record.size() >= record_size) {
        record = record.first(record_size);
        offset += record_size;
        if (offset == pieces[piece].size()) ++piece, offset = 0;
      } else {
        packing.clear();
        while (piece < pieces.size() && packing.size() < record_size) {
          const auto rest = pieces[piece].subspan(offset);
          const std::size_t size = std::min(rest.size(), record_size - packing.size());
          packing.insert(packing.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size));
          offset += size;
          if (offset == pieces[piece].size()) ++piece, offset = 0;
        }
        record = packing;
      }
      if (auto done = encrypt(record); !done) co_return done.error();
    }
    if (auto sent = send_outbox(); !sent) co_return sent.error();
    if (transport_.has_unsent()) {
      if (auto flushed = co_await transport_.flush(); !flushed) co_return flushed.error();
    }
  }
  co_return Result<void>();
}

Result<void> TlsStream::encrypt(core::ConstBytes record) {
  if (record.empty()) return {};
  std::size_t written = 0;
  const int code = SSL_write_ex(ssl_.get(), record.data(), record.size(), &written);
  if (code == 1) return {};
  transport_.loop().outbox.clear();
  return failure(code).reason == Reason::closed ? Error(Reason::closed) : Error(Reason::tls_failed);
}

Result<void> TlsStream::send_outbox() {
  core::Bytes& outbox = transport_.loop().outbox;
  if (outbox.empty()) return {};
  auto sent = transport_.send(outbox);
  outbox.clear();
  return sent;
}

TlsStream::Peek TlsStream::peek() {
  if (ended_ || is_broken()) return Peek::end;
  std::byte first{};
  std::size_t size = 0;
  const int code = SSL_peek_ex(ssl_.get(), &first, 1, &size);
  if (code == 1) return Peek::content;
  const Error error = read_failure(code);
  if (auto sent = send_outbox(); !sent) return Peek::end;
  free_buffers(ssl_.get());
  return error.reason == Reason::none ? Peek::nothing : Peek::end;
}

void TlsStream::watch(std::function<void()> left) {
  left_ = std::move(left);
  if (!left_) return transport_.watch({});
  transport_.watch([this] { look(); });
}

void TlsStream::look() {
  if (!transport_.has_left() && peek() != Peek::end) return;  // what has come is for later
  if (auto left = std::exchange(left_, {})) left();
}

void TlsStream::close() noexcept {
  if (handshaken_) {
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    (void)send_outbox();
  }
  transport_.shut_down();
}

// RFC 8446 §4.6.3: a KeyUpdate costs its sender nothing and us a key derivation.
void TlsStream::on_message(int write, int, int type, const void* data, std::size_t size, SSL*, void* self) {
  if (write != 0 || type != SSL3_RT_HANDSHAKE || size == 0) return;
  auto& stream = *static_cast<TlsStream*>(self);
  stream.has_spare_buffers_ = true;
  if (*static_cast<const unsigned char*>(data) == SSL3_MT_KEY_UPDATE) stream.count_key_update();
}

void TlsStream::count_key_update() {
  const auto now = transport_.loop().wheel.now();
  if (now - key_updates_since_ > std::chrono::seconds(1)) {
    key_updates_since_ = now;
    key_updates_ = 0;
  }
  flooded_ = flooded_ || ++key_updates_ > key_updates_per_second;
}

}  // namespace sallyport::tls
