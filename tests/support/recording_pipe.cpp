#include "tests/support/recording_pipe.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/loopback.hpp"

namespace sallyport::tests {

RecordingPipe::RecordingPipe(std::uint16_t to, Family listens, Family dials)
    : to_(to), dials_(dials), stop_(::eventfd(0, EFD_CLOEXEC)) {
  const Loopback any(listens);
  listener_ = ::socket(any.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listener_, any.address(), any.size()) != 0 || ::listen(listener_, 128) != 0) {
    throw WireError("the recording pipe cannot listen");
  }
  port_ = port_of(listener_);
  acceptor_ = std::jthread([this] { accept_all(); });
}

RecordingPipe::~RecordingPipe() {
  ::eventfd_write(stop_, 1);
  acceptor_.join();
  carriers_.clear();
  ::close(listener_);
  ::close(stop_);
}

std::string RecordingPipe::passed() const {
  const std::lock_guard lock(mutex_);
  return passed_;
}

void RecordingPipe::accept_all() {
  const Loopback target(dials_, to_);
  for (;;) {
    pollfd waiting[2] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
    ::poll(waiting, 2, -1);
    if (waiting[1].revents != 0) return;
    const int one = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int other = ::socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(other, target.address(), target.size()) == 0) {
      carriers_.emplace_back([this, one, other] { carry(one, other); });
    } else {
      ::close(one);
      ::close(other);
    }
  }
}

void RecordingPipe::carry(int one, int other) {
  for (bool open = true; open;) {
    pollfd waiting[3] = {{one, POLLIN, 0}, {other, POLLIN, 0}, {stop_, POLLIN, 0}};
    ::poll(waiting, 3, -1);
    open = waiting[2].revents == 0;
    if (open && waiting[0].revents != 0) open = carry_some(one, other);
    if (open && waiting[1].revents != 0) open = carry_some(other, one);
  }
  ::close(one);
  ::close(other);
}

// False: one of them has ended.
bool RecordingPipe::carry_some(int from, int to) {
  char piece[16384];
  const ssize_t count = ::recv(from, piece, sizeof piece, 0);
  if (count <= 0) return false;
  {
    const std::lock_guard lock(mutex_);
    passed_.append(piece, static_cast<std::size_t>(count));
  }
  return ::send(to, piece, static_cast<std::size_t>(count), MSG_NOSIGNAL) == count;
}

}  // namespace sallyport::tests
