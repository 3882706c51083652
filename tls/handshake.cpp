#include "tls/handshake.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include "tls/alert.hpp"
#include "tls/certificate.hpp"
#include "tls/session_slot.hpp"

namespace sallyport::tls {

using core::Error;
using core::Reason;
using core::Result;
using core::Task;

namespace {

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

std::optional<Alert> alert_of(int openssl_reason) {
  if (openssl_reason < SSL_AD_REASON_OFFSET || openssl_reason > SSL_AD_REASON_OFFSET + 0xff) return std::nullopt;
  return static_cast<Alert>(openssl_reason - SSL_AD_REASON_OFFSET);
}

std::optional<CipherSuite> suite_of(SSL* ssl) {
  return cipher_suite_of(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)));
}

std::uint64_t sealed_records_in(core::ConstBytes flight) {
  std::uint64_t count = 0;
  while (flight.size() >= record_header_size) {
    if (flight[0] == static_cast<std::byte>(ContentType::application_data)) ++count;
    flight = flight.subspan(std::min(flight.size(), record_size_of(flight)));
  }
  return count;
}

}  // namespace

// The BIO: through it OpenSSL reads from the transport, without waiting, and writes into the worker's outbox. OpenSSL
// asks for the header of a record, then for the rest of that record, and never for more. So bytes behind the
// handshake's last record stay in arrived_.
int Handshake::read(BIO* bio, char* out, int size) try {
  auto& self = *static_cast<Handshake*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self.arrived_begin_ == self.arrived_.size() && !self.is_over_) {
    const core::MutableBytes room = self.transport_.loop().inbox.bytes();
    const std::size_t got = self.transport_.take(room);
    self.arrived_.assign(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(got));
    self.arrived_begin_ = 0;
  }
  const core::ConstBytes left = core::ConstBytes(self.arrived_).subspan(self.arrived_begin_);
  if (left.empty()) {
    if (self.transport_.ended() && !self.is_over_) return 0;
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t given = std::min(left.size(), static_cast<std::size_t>(size));
  std::copy_n(left.begin(), given, reinterpret_cast<std::byte*>(out));
  self.arrived_begin_ += given;
  return static_cast<int>(given);
} catch (const std::bad_alloc&) {
  return -1;  // no exception may pass through OpenSSL
}

int Handshake::write(BIO* bio, const char* data, int size) try {
  BIO_clear_retry_flags(bio);
  auto& outbox = static_cast<Handshake*>(BIO_get_data(bio))->transport_.loop().outbox;
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  outbox.insert(outbox.end(), bytes, bytes + size);
  return size;
} catch (const std::bad_alloc&) {
  return -1;
}

long Handshake::control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return static_cast<Handshake*>(BIO_get_data(bio))->transport_.ended() ? 1 : 0;
    default:
      return 0;
  }
}

const BIO_METHOD* Handshake::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sallyport transport");
    BIO_meth_set_read(made, read);
    BIO_meth_set_write(made, write);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

Handshake::Handshake(Transport& transport, SSL_CTX* context, Role role, std::shared_ptr<SessionSlot> sessions)
    : transport_(transport), sessions_(std::move(sessions)), ssl_(SSL_new(context)), role_(role) {
  BIO* bio = ssl_ ? BIO_new(bio_method()) : nullptr;
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  role == Role::server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
  if (!sessions_) return;
  if (sessions_->session) SSL_set_session(ssl_.get(), sessions_->session.get());
  sessions_->remember_in(ssl_.get());
}

// OpenSSL does not see our close_notify. Without this call it would take the connection for a failed one and make its
// session unusable, although no truncation attack can come of resuming it.
Handshake::~Handshake() { SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }

Task<Result<core::PeerIdentity>> Handshake::run() {
  if (auto done = co_await exchange_flights(); !done) co_return done.error();
  co_return conclude();
}

Task<Result<void>> Handshake::exchange_flights() {
  for (;;) {
    ERR_clear_error();
    const int code = shake_hands();
    const Error failed = code == 1 ? Error(Reason::none) : failure(code);
    // A server's last flight, after the client's Finished, holds only tickets.
    if (code == 1 && role_ == Role::server) tickets_sent_ = sealed_records_in(transport_.loop().outbox);
    // What OpenSSL wrote, a flight or an alert, is sent before the result is looked at.
    if (auto sent = transport_.send_outbox(); !sent) co_return sent.error();
    if (auto flushed = co_await transport_.flush(); !flushed) co_return flushed.error();
    is_over_ = code == 1;
    if (is_over_) co_return Result<void>();
    if (failed.reason != Reason::none) co_return failed;
    if (auto filled = co_await transport_.fill(); !filled) co_return filled.error();
  }
}

int Handshake::shake_hands() {
  const SecretListener listener(secrets_);
  return SSL_do_handshake(ssl_.get());
}

Result<core::PeerIdentity> Handshake::conclude() {
  const bool is_whole = suite_of(ssl_.get()) && !secrets_.client.empty() && !secrets_.server.empty();
  if (!is_whole || SSL_has_pending(ssl_.get()) != 0) return Error(Reason::tls_failed);
  if (SSL_session_reused(ssl_.get()) && !certificate_still_valid(ssl_.get())) {
    if (sessions_) sessions_->session.reset();  // the next connection to this peer makes a full handshake
    return Error(role_ == Role::client ? Reason::upstream_certificate_expired : Reason::tls_failed);
  }
  return identify(ssl_.get());
}

// Why SSL_do_handshake gave `code`; Reason::none when it only needs more bytes. Leaves OpenSSL's error queue empty, as
// every call here does, because SSL_get_error(3) would take an old entry for an error of the next call.
Error Handshake::failure(int code) {
  if (SSL_get_error(ssl_.get(), code) == SSL_ERROR_WANT_READ) return Reason::none;
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  ERR_clear_error();
  if (transport_.ended() && (error == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)) return Reason::truncated;
  if (role_ == Role::server) {
    return reason == SSL_R_NO_SUITABLE_KEY_SHARE ? Reason::key_exchange_refused : Reason::tls_failed;
  }
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return certificate_reason(SSL_get_verify_result(ssl_.get()));
  const auto alert = alert_of(reason);
  return alert && is_about_a_certificate(*alert) ? Reason::upstream_rejected_certificate : Reason::tls_failed;
}

RecordProtection Handshake::reading() {
  return {*suite_of(ssl_.get()), std::move(role_ == Role::server ? secrets_.client : secrets_.server)};
}

RecordProtection Handshake::writing() {
  return {*suite_of(ssl_.get()), std::move(role_ == Role::server ? secrets_.server : secrets_.client), tickets_sent_};
}

std::size_t Handshake::content_limit() const noexcept {
  const unsigned asked = SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl_.get()));  // 1 means 2^9
  return asked == 0 ? record_content_limit : std::size_t{256} << asked;
}

core::Bytes Handshake::take_unread() {
  core::Bytes unread(arrived_.begin() + static_cast<std::ptrdiff_t>(arrived_begin_), arrived_.end());
  arrived_ = {};
  arrived_begin_ = 0;
  return unread;
}

bool Handshake::take_tickets(core::ConstBytes record) {
  arrived_.assign(record.begin(), record.end());
  arrived_begin_ = 0;
  std::byte nothing{};
  std::size_t size = 0;
  ERR_clear_error();
  const int code = SSL_read_ex(ssl_.get(), &nothing, 1, &size);
  const bool taken = SSL_get_error(ssl_.get(), code) == SSL_ERROR_WANT_READ;
  ERR_clear_error();
  transport_.loop().outbox.clear();  // OpenSSL may have written an alert; the stream sends its own
  return taken;
}

}  // namespace sallyport::tls
