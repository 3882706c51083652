// The TLS handshake of one connection, which OpenSSL does, from the first byte to the traffic secrets. After it we open
// and seal the records ourselves (docs/adr/0007-own-records.md). OpenSSL still reads the tickets that a server sends
// before its first content.
#pragma once

#include <cstdint>
#include <memory>

#include "core/peer_identity.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "tls/key_schedule.hpp"
#include "tls/openssl.hpp"
#include "tls/record_protection.hpp"
#include "tls/transport.hpp"

namespace sallyport::tls {

struct SessionSlot;

enum class Role { server, client };

class Handshake {
 public:
  // The transport must outlive it. sessions: keeps a client's tickets; may be null.
  Handshake(Transport& transport, SSL_CTX* context, Role role, std::shared_ptr<SessionSlot> sessions);
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;
  ~Handshake();

  SSL* ssl() noexcept { return ssl_.get(); }

  // Gives what the handshake proved of the peer. Errors: timeout, cancelled, io_failed, truncated, tls_failed; as a
  // server also key_exchange_refused; as a client also upstream_certificate_* and upstream_rejected_certificate. The
  // functions below may be called after it has succeeded.
  core::Task<core::Result<core::PeerIdentity>> run();

  RecordProtection reading();                  // for the peer's records; takes the secret, so it may be called once
  RecordProtection writing();                  // for ours; likewise
  std::size_t content_limit() const noexcept;  // bytes a record, both ways; a client may lower it (RFC 6066 §4)

  // The bytes that arrived behind the handshake's last record.
  core::Bytes take_unread();

  // Passes a sealed record of handshake messages to OpenSSL, which stores the tickets in it. Only while all records so
  // far were such records, because OpenSSL counts them. False when OpenSSL rejects it.
  [[nodiscard]] bool take_tickets(core::ConstBytes record);

 private:
  static int read(BIO* bio, char* out, int size);
  static int write(BIO* bio, const char* data, int size);
  static long control(BIO* bio, int command, long, void*);
  static const BIO_METHOD* bio_method();
  core::Task<core::Result<void>> exchange_flights();
  int shake_hands();
  core::Result<core::PeerIdentity> conclude();
  core::Error failure(int code);

  Transport& transport_;
  std::shared_ptr<SessionSlot> sessions_;  // declared before ssl_, which must not outlive it
  Ssl ssl_;
  Role role_;
  core::Bytes arrived_;  // OpenSSL has read it up to arrived_begin_
  std::size_t arrived_begin_ = 0;
  bool is_over_ = false;
  TrafficSecrets secrets_;
  std::uint64_t tickets_sent_ = 0;  // records that OpenSSL sealed under our traffic secret
};

}  // namespace sallyport::tls
