// The TLS ByteStream: OpenSSL over a Transport, through a BIO of our own. Private to this folder; accept and connect
// make one.
#pragma once

#include <memory>

#include "core/byte_stream.hpp"
#include "tls/openssl.hpp"
#include "tls/transport.hpp"

namespace sallyport::tls {

struct SessionSlot;

class TlsStream final : public core::ByteStream {
 public:
  enum class Role { server, client };
  TlsStream(Socket socket, Loop& loop, SSL_CTX* context, Role role);
  ~TlsStream() override;

  // Before anything else. Errors: timeout, truncated, tls_failed; as a client also the upstream_certificate_* reasons.
  core::Task<core::Result<void>> handshake();
  SSL* ssl() noexcept { return ssl_.get(); }
  Transport& transport() noexcept { return transport_; }
  void keep_sessions_in(std::shared_ptr<SessionSlot> slot);
  void forget_session();  // the next connection to this peer makes a whole handshake

  core::Task<core::Result<void>> wait_readable() override;
  core::Task<core::Result<std::size_t>> read_some(core::MutableBytes into) override;
  using core::ByteStream::write_all;
  core::Task<core::Result<void>> write_all(std::span<const core::ConstBytes> pieces) override;
  void set_deadline(core::TimePoint deadline) noexcept override { transport_.set_deadline(deadline); }
  void watch(std::function<void()> left) override;
  bool has_unread() const noexcept override { return may_have_record() || transport_.has_unread(); }
  std::uint64_t bytes_sent() const noexcept override { return transport_.bytes_sent(); }
  void cancel() noexcept override { transport_.cancel(); }
  void close() noexcept override;
  void abort() noexcept override { transport_.reset(); }

 private:
  enum class Peek { nothing, content, end };
  bool is_broken() const noexcept { return broken_.reason != core::Reason::none; }
  bool may_have_record() const noexcept;
  core::Result<std::size_t> read_now(core::MutableBytes into, bool& wait);
  core::Result<void> encrypt(core::ConstBytes record);
  core::Result<void> send_outbox();
  core::Error failure(int code);
  core::Error read_failure(int code);
  Peek peek();
  void look();
  void count_key_update();
  static void on_message(int write, int, int type, const void* data, std::size_t size, SSL*, void* self);

  Transport transport_;
  std::shared_ptr<SessionSlot> sessions_;  // before ssl_: outlives it
  Ssl ssl_;
  Role role_;
  core::Error broken_{core::Reason::none};  // what reading met
  bool ended_ = false;                      // close_notify came
  bool handshaken_ = false;
  bool has_spare_buffers_ = false;  // a message of the handshake's kind made OpenSSL get ready to write
  bool flooded_ = false;            // more KeyUpdates than any honest peer sends
  unsigned key_updates_ = 0;
  core::TimePoint key_updates_since_{};
  std::function<void()> left_;
};

}  // namespace sallyport::tls
