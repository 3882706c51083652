// Transport: a TCP socket, as TcpStream and TlsStream use it. It reads into and sends from the caller's buffers at
// once, and waits only when the kernel has nothing to read or takes nothing more. One deadline holds for both
// directions.
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
  // The loop must outlive it. If the socket cannot be watched, the transport has ended with io_failed.
  Transport(Socket socket, Loop& loop);
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  ~Transport();

  // Completes when take() may give bytes, or the peer has ended. Errors: timeout, cancelled. Bytes that arrived before
  // the deadline can be taken after it: a process that was suspended finds the bytes and the deadline at the same time.
  core::Task<core::Result<void>> fill();

  // Takes what has arrived, without waiting; 0 when nothing has, the peer has ended (see ended()), or turn_bytes were
  // taken in this turn of the loop.
  std::size_t take(core::MutableBytes out) noexcept;

  // Once ended(): success after the peer's FIN, else io_failed.
  core::Result<void> ending() const noexcept;

  bool may_give() const noexcept { return (readable_ && !yielded_ && !cancelled_) || ended_; }
  bool has_unread() const noexcept { return readable_ || ended_; }
  bool ended() const noexcept { return ended_; }  // FIN, or a failure: nothing more will come
  // The same, but true as soon as the kernel says so, when bytes may still be left to take.
  bool peer_closed() const noexcept { return peer_closed_; }

  // Sends now what the kernel takes and keeps a copy of the rest for flush(). Never waits. Errors: io_failed,
  // cancelled. Throws std::bad_alloc: a part may have been sent, so nothing may be sent after it.
  core::Result<void> send(core::ConstBytes bytes);
  core::Result<void> send_outbox();  // send() of the worker's outbox, which is then empty, whatever the result
  // Completes when the kernel has taken everything that was kept. Errors: timeout, cancelled, io_failed.
  core::Task<core::Result<void>> flush();
  bool has_unsent() const noexcept { return unsent_begin_ != unsent_.size(); }

  std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }

  // While nobody waits in fill(), the event loop calls `arrived` whenever bytes or the end have come. If they have come
  // already, or the caller holds some (has_arrived), the next turn calls it. `arrived` may destroy this transport. An
  // empty function ends the watch.
  void watch(std::function<void()> arrived, bool has_arrived = false);

  void set_deadline(core::TimePoint deadline) noexcept;  // of fill() and flush(); TimerWheel::never: none
  void cancel() noexcept;     // fill(), flush() and send() end with Reason::cancelled, now and later
  void shut_down() noexcept;  // sends FIN
  void reset() noexcept;      // closes the socket with RST, and cancels

  Loop& loop() noexcept { return loop_; }

 private:
  static constexpr std::size_t turn_bytes = 256 * 1024;  // then the other connections of the loop have their turn

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
  int failure_ = 0;                          // errno of what ended it, or will end it; 0 for FIN
  bool readable_ = false, writable_ = true;  // what the kernel said last
  bool yielded_ = false;                     // turn_bytes were taken in this turn
  bool calls_watcher_anyway_ = false;        // once, whatever may_give() says (has_arrived)
  bool peer_closed_ = false;
  bool ended_ = false;
  bool expired_ = false;
  bool cancelled_ = false;
};

}  // namespace sallyport::tls
