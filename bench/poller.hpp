// epoll, level-triggered, with a pointer for each descriptor.
#pragma once

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>
#include <system_error>

namespace sallyport::bench {

class Poller {
 public:
  Poller() : descriptor_(::epoll_create1(EPOLL_CLOEXEC)) { check(descriptor_); }
  ~Poller() { ::close(descriptor_); }
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void add(int descriptor, std::uint32_t events, void* owner) { control(EPOLL_CTL_ADD, descriptor, events, owner); }
  void change(int descriptor, std::uint32_t events, void* owner) { control(EPOLL_CTL_MOD, descriptor, events, owner); }
  void remove(int descriptor) { control(EPOLL_CTL_DEL, descriptor, 0, nullptr); }

  // Waits at most so long; -1: for ever. Valid until the next call.
  std::span<const epoll_event> wait(int milliseconds) {
    const int count = ::epoll_wait(descriptor_, ready_.data(), static_cast<int>(ready_.size()), milliseconds);
    if (count < 0 && errno != EINTR) check(count);
    return {ready_.data(), static_cast<std::size_t>(count < 0 ? 0 : count)};
  }

 private:
  static void check(int result) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), "epoll");
  }
  void control(int operation, int descriptor, std::uint32_t events, void* owner) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = owner;
    check(::epoll_ctl(descriptor_, operation, descriptor, &event));
  }

  int descriptor_;
  std::array<epoll_event, 256> ready_{};
};

}  // namespace sallyport::bench
