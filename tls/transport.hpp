// Transport: a socket as tcp_stream and tls_stream use it. Reads through a small inbox of its own and, when that came
// back full, straight from the kernel; sends at once and waits only when the kernel is full; one deadline; a watch.
//
// Why not asio::ssl::stream: a BIO pair and two 17 KB buffers a connection, and two more copies of every byte
// (docs/adr/0002-own-bio.md).
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <array>
#include <functional>

#include "core/bytes.hpp"
#include "core/event.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "tls/loop.hpp"

namespace sallyport::tls {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, core::Executor>;

class Transport {
 public:
  Transport(Socket socket, Loop& loop);
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  ~Transport();

  // Waits until take() would give something, or the peer ended. Errors: timeout, cancelled, io_failed.
  core::Task<core::Result<void>> fill();

  // Takes what has arrived, without waiting; 0 when nothing has (or the peer ended: see ended()).
  std::size_t take(core::MutableBytes out) noexcept;

  // Nothing for the peer's FIN, else what ended the connection.
  core::Result<void> ending() const noexcept;

  bool has_bytes() const noexcept { return inbox_->begin != inbox_->end; }
  bool may_give() const noexcept { return has_bytes() || inbox_->kernel_may_have_more || inbox_->ended; }
  bool ended() const noexcept { return inbox_->ended; }  // FIN, or a failure: nothing more will come

  // Sends now what the kernel takes and keeps the rest for flush(). Never waits. Errors: io_failed.
  core::Result<void> send(core::ConstBytes bytes) noexcept;
  // Waits until everything kept is with the kernel. Errors: timeout, cancelled, io_failed.
  core::Task<core::Result<void>> flush();
  bool has_unsent() const noexcept { return unsent_begin_ != unsent_.size(); }

  std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }

  // Reads ahead, behind what is in the inbox and until it is full, while nobody waits in fill(). `arrived` is called
  // from the event loop once bytes or the end have come; it may start the watch again. An empty function stops the
  // calls.
  void watch(std::function<void()> arrived);

  void set_deadline(core::TimePoint deadline) noexcept;
  void cancel() noexcept;
  void shut_down() noexcept;  // FIN
  void reset() noexcept;      // RST

  Loop& loop() noexcept { return loop_; }
  Socket& socket() noexcept { return socket_; }

 private:
  static constexpr std::size_t inbox_size = 4096;
  static constexpr std::size_t turn_bytes = 256 * 1024;  // then the event loop has its turn, for everybody else

  // Owned together with the read under way, whose buffer it is: the kernel may complete a read after the transport
  // died.
  struct Inbox : boost::intrusive_ref_counter<Inbox, boost::thread_unsafe_counter> {
    Transport* owner = nullptr;
    bool reading = false;
    bool ended = false;
    bool kernel_may_have_more = false;
    std::uint16_t begin = 0, end = 0;
    int failure = 0;  // errno that ended it, 0 for FIN
    std::array<std::byte, inbox_size> bytes;
  };

  bool has_room() const noexcept { return inbox_->end - inbox_->begin < static_cast<int>(inbox_size); }
  core::Task<core::Result<void>> flush_unsent();
  void start_read();
  void read_done(const boost::system::error_code& error, std::size_t size);
  core::Error failure() const noexcept;

  Socket socket_;
  Loop& loop_;
  boost::intrusive_ptr<Inbox> inbox_;
  core::Event arrived_;
  std::function<void()> watcher_;
  core::TimerWheel::Timer timer_;
  core::Bytes unsent_;
  core::Bytes later_;  // what was sent while unsent_ is being flushed
  std::size_t unsent_begin_ = 0;
  std::size_t taken_this_turn_ = 0;
  std::uint64_t bytes_sent_ = 0;
  bool flushing_ = false;
  bool expired_ = false;
  bool cancelled_ = false;
};

}  // namespace sallyport::tls
