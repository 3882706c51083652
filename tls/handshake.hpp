// The handshake of one connection: OpenSSL's part, from the first byte to the traffic secrets. The records that follow
// are not OpenSSL's any more (docs/adr/0007-own-records.md), but for the tickets that a server sends first.
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
  // The transport must outlive it. sessions: where a client's tickets are kept; may be null.
  Handshake(Transport& transport, SSL_CTX* context, Role role, std::shared_ptr<SessionSlot> sessions);
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;
  ~Handshake();

  SSL* ssl() noexcept { return ssl_.get(); }

  // Gives who the peer is. Errors: timeout, truncated, tls_failed, key_exchange_refused; as a client also the
  // upstream_certificate_* reasons. What follows may be asked once it has succeeded.
  core::Task<core::Result<core::PeerIdentity>> run();

  RecordProtection reading();                  // of the peer's records, and
  RecordProtection writing();                  // of ours; once each
  std::size_t content_limit() const noexcept;  // of a record, as a client may have asked (RFC 6066 §4)

  // What came behind the handshake.
  core::Bytes take_unread();

  // A record that holds a message of the handshake's kind, before any other came: OpenSSL keeps the tickets in it.
  // False when they are malformed.
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
  std::shared_ptr<SessionSlot> sessions_;  // before ssl_: outlives it
  Ssl ssl_;
  Role role_;
  core::Bytes arrived_;  // not yet read by OpenSSL
  std::size_t arrived_begin_ = 0;
  bool is_over_ = false;
  TrafficSecrets secrets_;
  std::uint64_t tickets_sent_ = 0;  // records under our traffic secret
};

}  // namespace sallyport::tls
