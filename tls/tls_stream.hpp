// The TLS ByteStream: a handshake, then records over a Transport. Private to this folder; accept and connect make one.
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
  // sessions: where a client's tickets are kept; may be null.
  TlsStream(Socket socket, Loop& loop, SSL_CTX* context, Role role, std::shared_ptr<SessionSlot> sessions = nullptr);

  SSL* ssl() noexcept { return handshake_->ssl(); }  // until the handshake has been made
  Transport& transport() noexcept { return transport_; }

  // Before anything else. Gives and fails as Handshake::run does.
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
  void look();
  void look_again();

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
  template <class Lay>
  void put_record(ContentType type, Lay lay);
  void put_record(ContentType type, std::initializer_list<std::uint8_t> content);
  void put_burst(PieceCursor& cursor);
  void say(std::uint8_t level, Alert alert);

  Transport transport_;
  Role role_;
  std::unique_ptr<Handshake> handshake_;  // as a client also while a ticket may come
  std::optional<RecordProtection> reading_, writing_;
  std::size_t content_limit_ = record_content_limit;  // of a record, either way
  MessageReader messages_;
  core::Bytes kept_;            // records, or a part of one, that are still to be opened
  bool kept_is_whole_ = false;  // it begins with all of a record
  core::Bytes content_;         // what a record held beyond what was asked for
  std::size_t content_begin_ = 0;
  core::Error broken_{core::Reason::none};  // what reading met
  bool ended_ = false;                      // close_notify came
  bool owes_key_update_ = false;            // the peer asked for ours
  unsigned empty_records_ = 0;              // in a row
  unsigned key_updates_ = 0;
  core::TimePoint key_updates_since_{};
  std::function<void()> left_;
};

}  // namespace sallyport::tls
