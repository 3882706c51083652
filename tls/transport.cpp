#include "tls/transport.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace sallyport::tls {

using core::Error;
using core::Reason;
using core::Result;
using core::Task;

Transport::Transport(Socket socket, Loop& loop)
    : socket_(std::move(socket)), loop_(loop), timer_(loop.wheel, [this] {
        expired_ = true;
        loop_.ready.tell_later(*this);
      }) {
  const int on = 1;
  ::setsockopt(socket_.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto watched = loop_.ready.add(socket_.number(), *this);
  if (watched) return;
  ended_ = peer_closed_ = true;  // a transport that gets no events is of no use
  failure_ = watched.error().os_code;
}

Transport::~Transport() { close(); }

void Transport::close() noexcept {
  loop_.ready.remove(socket_.number(), *this);
  socket_.close();
}

Result<void> Transport::ending() const noexcept {
  if (failure_ == 0) return {};
  return Error(Reason::io_failed, failure_);
}

// Each of the three calls below may destroy this transport, so each is the last thing done. If that leaves out a reader
// or a watcher, tell_later() has this function called again in the next turn.
void Transport::ready(std::uint32_t events) {
  constexpr std::uint32_t broken = EPOLLHUP | EPOLLERR;
  taken_this_turn_ = 0;
  yielded_ = false;
  peer_closed_ = peer_closed_ || (events & (broken | EPOLLRDHUP)) != 0;
  readable_ = readable_ || (events & (broken | EPOLLRDHUP | EPOLLIN)) != 0;
  writable_ = writable_ || (events & (broken | EPOLLOUT)) != 0;
  if (sendable_.waited_for() && (writable_ || is_over())) {
    if (arrived_.waited_for() || watcher_) loop_.ready.tell_later(*this);
    return sendable_.set();
  }
  if (arrived_.waited_for()) {
    if (may_give() || is_over()) arrived_.set();
    return;
  }
  if (!watcher_ || !(may_give() || calls_watcher_anyway_)) return;
  calls_watcher_anyway_ = false;
  const auto watcher = watcher_;  // a copy: the call may replace it, or destroy this transport
  watcher();
}

Task<Result<void>> Transport::fill() {
  while (!may_give() && !is_over()) co_await arrived_.wait();
  if (!may_give()) co_return why_over();
  co_return Result<void>();
}

std::size_t Transport::take(core::MutableBytes out) noexcept {
  if (!may_give() || ended_ || out.empty()) return 0;
  if (taken_this_turn_ >= turn_bytes) {
    yielded_ = true;
    loop_.ready.tell_later(*this);
    return 0;
  }
  const ssize_t got = ::recv(socket_.number(), out.data(), out.size(), MSG_DONTWAIT);
  if (got > 0) {
    // A read that does not fill the buffer has emptied the socket, and epoll will report what comes next (epoll(7)).
    // But it reports the end only once, so a socket whose peer has closed stays readable.
    readable_ = static_cast<std::size_t>(got) == out.size() || peer_closed_;
    taken_this_turn_ += static_cast<std::size_t>(got);
    return static_cast<std::size_t>(got);
  }
  if (got < 0 && errno == EINTR) return 0;
  readable_ = false;
  if (got == 0 || errno != EAGAIN) {
    ended_ = peer_closed_ = true;
    if (got < 0) failure_ = errno;
  }
  return 0;
}

// False when the kernel takes no more: for now if errno is EAGAIN, else for ever.
bool Transport::send_some(core::ConstBytes& bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      // The kernel reports a reset once; later reads find an end as after FIN. EPIPE: the FIN came before the reset.
      if (errno != EAGAIN && errno != EPIPE) failure_ = errno;
      return false;
    }
    bytes_sent_ += static_cast<std::uint64_t>(sent);
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

Result<void> Transport::send(core::ConstBytes bytes) {
  if (cancelled_) return Error(Reason::cancelled);
  if (!has_unsent() && !send_some(bytes)) {
    if (errno != EAGAIN) return Error(Reason::io_failed, errno);
    writable_ = false;
  }
  unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
  return {};
}

Result<void> Transport::send_outbox() try {
  const auto sent = send(loop_.outbox);
  loop_.outbox.clear();
  return sent;
} catch (...) {
  loop_.outbox.clear();  // another stream would send what is left there
  throw;
}

Task<Result<void>> Transport::flush() {
  while (has_unsent()) {
    if (cancelled_ || (expired_ && !writable_)) co_return why_over();
    if (!writable_) {
      co_await sendable_.wait();
      continue;
    }
    core::ConstBytes rest = core::ConstBytes(unsent_).subspan(unsent_begin_);
    const bool done = send_some(rest);
    const int error = errno;
    unsent_begin_ = unsent_.size() - rest.size();
    if (!done && error != EAGAIN) co_return Error(Reason::io_failed, error);
    writable_ = done;
  }
  unsent_ = {};  // gives the memory back
  unsent_begin_ = 0;
  co_return Result<void>();
}

void Transport::watch(std::function<void()> arrived, bool has_arrived) {
  watcher_ = std::move(arrived);
  calls_watcher_anyway_ = has_arrived;
  if (watcher_ && (may_give() || has_arrived)) loop_.ready.tell_later(*this);
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
  loop_.ready.tell_later(*this);
}

void Transport::shut_down() noexcept { ::shutdown(socket_.number(), SHUT_WR); }

void Transport::reset() noexcept {
  const linger at_once{1, 0};
  ::setsockopt(socket_.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
  ended_ = true;
  failure_ = ECONNABORTED;
  cancel();
}

}  // namespace sallyport::tls
