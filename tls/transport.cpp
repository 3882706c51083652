#include "tls/transport.hpp"

#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sallyport::tls {

using core::Error;
using core::Reason;
using core::Result;
using core::Task;

Transport::Transport(Socket socket, Loop& loop)
    : socket_(std::move(socket)), loop_(loop), inbox_(new Inbox), timer_(loop.wheel, [this] {
        expired_ = true;
        boost::system::error_code ignored;
        socket_.cancel(ignored);
      }) {
  inbox_->owner = this;
  boost::system::error_code ignored;
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
}

Transport::~Transport() {
  inbox_->owner = nullptr;
  boost::system::error_code ignored;
  socket_.close(ignored);
}

Error Transport::failure() const noexcept {
  if (cancelled_) return Reason::cancelled;
  if (expired_) return Reason::timeout;
  return Error(Reason::io_failed, inbox_->failure);
}

Result<void> Transport::ending() const noexcept {
  if (inbox_->failure == 0) return {};
  return Error(Reason::io_failed, inbox_->failure);
}

Task<Result<void>> Transport::fill() {
  if (cancelled_ || expired_) co_return failure();
  while (!may_give()) {
    if (cancelled_ || expired_) co_return failure();
    if (!inbox_->reading) start_read();
    co_await arrived_.wait();
  }
  co_return Result<void>();
}

// Behind what is in the inbox. While the read is under way it alone takes from the kernel and the bytes before it may
// be taken, but nothing moves.
void Transport::start_read() {
  Inbox& inbox = *inbox_;
  std::memmove(inbox.bytes.data(), inbox.bytes.data() + inbox.begin, inbox.end - inbox.begin);
  inbox.end = static_cast<std::uint16_t>(inbox.end - inbox.begin);
  inbox.begin = 0;
  inbox.reading = true;
  inbox.kernel_may_have_more = false;
  socket_.async_read_some(boost::asio::buffer(inbox.bytes.data() + inbox.end, inbox_size - inbox.end),
                          [inbox = inbox_](const boost::system::error_code& error, std::size_t size) {
                            if (inbox->owner != nullptr) inbox->owner->read_done(error, size);
                          });
}

void Transport::read_done(const boost::system::error_code& error, std::size_t size) {
  Inbox& inbox = *inbox_;
  inbox.reading = false;
  taken_this_turn_ = 0;
  inbox.end = static_cast<std::uint16_t>(inbox.end + size);
  inbox.kernel_may_have_more = inbox.end == inbox_size;
  const bool stopped = error == boost::asio::error::operation_aborted;
  if (error && !stopped && !inbox.ended) {
    inbox.ended = true;
    inbox.failure = error == boost::asio::error::eof ? 0 : error.value();
  }
  if (arrived_.waited_for()) {
    arrived_.set();
  } else if (watcher_ && !stopped) {
    const auto watcher = watcher_;  // a copy: the call may replace it, or destroy this transport
    watcher();
  }
}

std::size_t Transport::take(core::MutableBytes out) noexcept {
  Inbox& inbox = *inbox_;
  if (inbox.begin != inbox.end) {
    const std::size_t size = std::min<std::size_t>(out.size(), inbox.end - inbox.begin);
    std::memcpy(out.data(), inbox.bytes.data() + inbox.begin, size);
    inbox.begin = static_cast<std::uint16_t>(inbox.begin + size);
    return size;
  }
  if (!inbox.kernel_may_have_more || inbox.ended) return 0;  // never while a read is under way
  const ssize_t got = ::recv(socket_.native_handle(), out.data(), out.size(), 0);
  taken_this_turn_ += got > 0 ? static_cast<std::size_t>(got) : 0;
  inbox.kernel_may_have_more = got == static_cast<ssize_t>(out.size()) && taken_this_turn_ < turn_bytes;
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    inbox.ended = true;
    inbox.failure = got == 0 ? 0 : errno;
  }
  return 0;
}

Result<void> Transport::send(core::ConstBytes bytes) noexcept {
  if (cancelled_) return Error(Reason::cancelled);
  if (!has_unsent()) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno == EAGAIN) break;
      if (sent < 0) return Error(Reason::io_failed, errno);
      bytes_sent_ += static_cast<std::uint64_t>(sent);
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    unsent_.clear();
    unsent_begin_ = 0;
  }
  // A write under way reads from unsent_, which must not move then.
  core::Bytes& kept = flushing_ ? later_ : unsent_;
  kept.insert(kept.end(), bytes.begin(), bytes.end());
  return {};
}

Task<Result<void>> Transport::flush() {
  flushing_ = true;
  auto flushed = co_await flush_unsent();
  flushing_ = false;
  co_return flushed;
}

Task<Result<void>> Transport::flush_unsent() {
  while (has_unsent()) {
    if (cancelled_ || expired_) co_return failure();
    const core::ConstBytes rest = core::ConstBytes(unsent_).subspan(unsent_begin_);
    boost::system::error_code error;
    const std::size_t sent = co_await socket_.async_write_some(boost::asio::buffer(rest.data(), rest.size()),
                                                               boost::asio::redirect_error(core::use_task, error));
    unsent_begin_ += sent;
    bytes_sent_ += sent;
    if (error == boost::asio::error::operation_aborted) co_return failure();
    if (error) co_return Error(Reason::io_failed, error.value());
    if (has_unsent()) continue;
    unsent_ = std::exchange(later_, {});  // nothing is kept for a client that has caught up
    unsent_begin_ = 0;
  }
  co_return Result<void>();
}

void Transport::watch(std::function<void()> arrived) {
  watcher_ = std::move(arrived);
  if (watcher_ && !inbox_->reading && has_room()) start_read();
}

void Transport::set_deadline(core::TimePoint deadline) noexcept {
  expired_ = false;
  if (deadline == core::TimerWheel::never) {
    timer_.clear();
  } else {
    timer_.set(deadline);
  }
}

void Transport::cancel() noexcept {
  cancelled_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Transport::shut_down() noexcept {
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Transport::reset() noexcept {
  boost::system::error_code ignored;
  socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
  cancelled_ = true;
  socket_.close(ignored);
}

}  // namespace sallyport::tls
