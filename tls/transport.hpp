// Transport: a socket as tcp_stream and tls_stream use it. Reads and sends at once, in the caller's buffers, and waits
// only when the kernel has nothing or is full; one deadline; a watch.
//
// Why not asio::ssl::stream: a BIO pair and two 17 KB buffers a connection, and two more copies of every byte
// (docs/adr/0002-own-bio.md).
#pragma once

#include <functional>

#include "core/bytes.hpp"
#include "core/descriptor.hpp"
#include "core/event.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "tls/loop.hpp"

namespace sallyport::tls {

using Socket = core::Descriptor;  // of a TCP connection

class Transport final : ReadySet::Watcher {
 public:
  Transport(Socket socket, Loop& loop);
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  ~Transport();

  // Waits until take() may give something, or the peer ended. Errors: timeout, cancelled. What has come by the deadline
  // is still to be taken: a process that stood still finds both at once.
  core::Task<core::Result<void>> fill();

  // Takes what has arrived, without waiting; 0 when nothing has (or the peer ended: see ended()).
  std::size_t take(core::MutableBytes out) noexcept;

  // Nothing for the peer's FIN, else what ended the connection.
  core::Result<void> ending() const noexcept;

  bool may_give() const noexcept { return (readable_ && !yielded_ && !cancelled_) || ended_; }
  bool has_unread() const noexcept { return readable_ || ended_; }
  bool ended() const noexcept { return ended_; }  // FIN, or a failure: nothing more will come
  // The same, known before what was sent first has been taken.
  bool peer_closed() const noexcept { return peer_closed_; }

  // Sends now what the kernel takes and keeps the rest for flush(). Never waits. Errors: io_failed, cancelled. Throws
  // std::bad_alloc: part of it may have been sent, and nothing may follow.
  core::Result<void> send(core::ConstBytes bytes);
  core::Result<void> send_outbox();  // what is in the worker's outbox, which is empty then
  // Waits until everything kept is with the kernel. Errors: timeout, cancelled, io_failed.
  core::Task<core::Result<void>> flush();
  bool has_unsent() const noexcept { return unsent_begin_ != unsent_.size(); }

  std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }

  // While nobody waits in fill(): `arrived` is called from the event loop whenever something has come, or the end; soon
  // also when it has already, here or (has_arrived) at the caller's. An empty function stops the calls.
  void watch(std::function<void()> arrived, bool has_arrived = false);

  void set_deadline(core::TimePoint deadline) noexcept;
  void cancel() noexcept;
  void shut_down() noexcept;  // FIN
  void reset() noexcept;      // RST

  Loop& loop() noexcept { return loop_; }

 private:
  static constexpr std::size_t turn_bytes = 256 * 1024;  // then the event loop has its turn, for everybody else

  void ready(std::uint32_t events) override;
  bool is_over() const noexcept { return cancelled_ || expired_; }
  core::Error why_over() const noexcept { return cancelled_ ? core::Reason::cancelled : core::Reason::timeout; }
  bool send_some(core::ConstBytes& bytes) noexcept;
  void close() noexcept;

  Socket socket_;
  Loop& loop_;
  core::Event arrived_, sendable_;
  std::function<void()> watcher_;
  core::TimerWheel::Timer timer_;
  core::Bytes unsent_;
  std::size_t unsent_begin_ = 0;
  std::size_t taken_this_turn_ = 0;
  std::uint64_t bytes_sent_ = 0;
  int failure_ = 0;                          // errno that ended it, or will; 0 for FIN
  bool readable_ = false, writable_ = true;  // as far as the kernel has said
  bool yielded_ = false;                     // until the next turn: it has had its share
  bool tells_anyway_ = false;                // the watcher: it has something already
  bool peer_closed_ = false;
  bool ended_ = false;
  bool expired_ = false;
  bool cancelled_ = false;
};

}  // namespace sallyport::tls
