// TlsStream: the ByteStream over TLS 1.3, a handshake and then records over a Transport. Private to this folder:
// accept() and connect() make one.
#pragma once

#include <memory>
#include <optional>

#include "core/byte_stream.hpp"
#include "tls/alert.hpp"
#include "tls/handshake.hpp"
#include "tls/message_reader.hpp"
#include "tls/piece_cursor.hpp"
#include "tls/record_protection.hpp"
#include "tls/transport.hpp"

namespace sallyport::tls {

class TlsStream final : public core::ByteStream {
 public:
  // The loop must outlive it. sessions: keeps a client's tickets; may be null.
  TlsStream(Socket socket, Loop& loop, SSL_CTX* context, Role role, std::shared_ptr<SessionSlot> sessions = nullptr);
  ~TlsStream() override;  // wipes what was opened and never read

  SSL* ssl() noexcept { return handshake_->ssl(); }  // only before handshake() completes
  Transport& transport() noexcept { return transport_; }

  // Must succeed before anything is read or written. Gives and fails as Handshake::run().
  core::Task<core::Result<core::PeerIdentity>> handshake();

  core::Task<core::Result<void>> wait_readable() override;
  core::Task<core::Result<std::size_t>> read_some(core::MutableBytes into) override;
  using core::ByteStream::write_all;
  core::Task<core::Result<void>> write_all(std::span<const core::ConstBytes> pieces) override;
  void set_deadline(core::TimePoint deadline) noexcept override { transport_.set_deadline(deadline); }
  void watch(std::function<void()> left) override;
  bool has_unread() const noexcept override { return may_give() || !kept_.empty() || transport_.has_unread(); }
  std::uint64_t bytes_sent() const noexcept override { return transport_.bytes_sent(); }
  void cancel() noexcept override { transport_.cancel(); }
  void close() noexcept override;
  void abort() noexcept override { transport_.reset(); }

 private:
  bool is_broken() const noexcept { return broken_.reason != core::Reason::none; }
  bool may_give() const noexcept;
  bool peek();
  void check_for_end();
  void peek_all();

  template <class Work>
  auto or_break(Work work);
  std::size_t read_now(core::MutableBytes into);
  std::size_t read_records(core::MutableBytes into);
  std::size_t take_content(core::MutableBytes into);
  core::MutableBytes receive();
  std::size_t open_records(core::MutableBytes arrived, std::size_t& used, core::MutableBytes into);
  std::size_t next_record(core::ConstBytes arrived);
  std::size_t open_record(core::MutableBytes record, core::MutableBytes into);
  void take_messages(core::ConstBytes content, core::ConstBytes sealed);
  void take_alert(core::ConstBytes content);
  void update_keys(bool peer_asks_for_ours);

  void renew_key();
  void refuse(Alert alert);
  template <class AppendContent>
  void put_record(ContentType type, AppendContent append_content);
  void put_record(ContentType type, std::initializer_list<std::uint8_t> content);
  void put_burst(PieceCursor& cursor);
  void send_alert(std::uint8_t level, Alert alert);

  Transport transport_;
  Role role_;
  std::unique_ptr<Handshake> handshake_;  // a client keeps it for the tickets that come before the first content
  std::optional<RecordProtection> reading_, writing_;
  std::size_t content_limit_ = record_content_limit;  // bytes a record, both ways
  MessageReader messages_;
  core::Bytes kept_;            // received and still to be opened: records, or a part of one
  bool kept_is_whole_ = false;  // kept_ begins with a whole record
  core::Bytes content_;         // opened and still to be read, from content_begin_
  std::size_t content_begin_ = 0;
  core::Error broken_{core::Reason::none};  // why the stream failed; none while it works
  bool ended_ = false;                      // close_notify came
  bool owes_key_update_ = false;            // the peer asked for an update of our key
  unsigned empty_records_ = 0;              // in a row
  unsigned key_updates_ = 0;                // since key_updates_since_
  core::TimePoint key_updates_since_{};
  std::function<void()> on_peer_left_;
};

}  // namespace sallyport::tls
