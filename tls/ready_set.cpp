#include "tls/ready_set.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace sallyport::tls {

namespace {

void require(bool done, const char* what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

struct ReadySet::Outer {
  Outer(boost::asio::io_context& io, int descriptor) : set(io, descriptor) {}
  boost::asio::posix::stream_descriptor set;
};

ReadySet::ReadySet() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  require(epoll_.is_open() && wakeup_.is_open() && add(wakeup_.number(), wakeup_watcher_),
          "cannot make an event loop (epoll)");
}

ReadySet::~ReadySet() = default;

core::Result<void> ReadySet::add(int descriptor, Watcher& watcher) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &watcher;
  if (::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor, &event) == 0) return {};
  return core::Error(core::Reason::io_failed, errno);
}

// Removed from epoll too, although the descriptor will be closed: a program that is being started may hold a copy,
// which would keep it in the set.
void ReadySet::remove(int descriptor, Watcher& watcher) noexcept {
  ::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, descriptor, nullptr);
  for (std::size_t i = 0; i < found_count_; ++i) {
    if (found_[i].data.ptr == &watcher) found_[i].data.ptr = nullptr;
  }
  watcher.told_later_.unlink();
}

void ReadySet::tell_later(Watcher& watcher) noexcept {
  if (watcher.told_later_.is_linked()) return;
  later_.push_back(watcher);
  if (outer_) ::eventfd_write(wakeup_.number(), 1);  // an io_context calls wait() only when there is an event
}

void ReadySet::wait(core::Duration most) {
  const auto patience = later_.empty() ? std::chrono::ceil<std::chrono::milliseconds>(most).count() : 0;
  const int found = ::epoll_wait(epoll_.number(), found_.data(), found_.size(), static_cast<int>(patience));
  found_count_ = found > 0 ? static_cast<std::size_t>(found) : 0;
  told_now_.swap(later_);
  for (std::size_t i = 0; i < found_count_; ++i) {
    if (auto* watcher = static_cast<Watcher*>(found_[i].data.ptr)) watcher->ready(found_[i].events);
  }
  found_count_ = 0;
  while (!told_now_.empty()) {
    Watcher& watcher = told_now_.front();
    told_now_.pop_front();
    watcher.ready(0);
  }
}

// The eventfd is never read: it is edge-triggered, so each write is reported once.
void ReadySet::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
    if (std::exchange(is_waking_, true)) return;
  }
  ::eventfd_write(wakeup_.number(), 1);
}

void ReadySet::run_posted() {
  std::vector<std::function<void()>> posted;
  {
    const std::lock_guard lock(mutex_);
    posted.swap(posted_);
    is_waking_ = false;
  }
  for (const auto& task : posted) task();
}

void ReadySet::be_run_by(boost::asio::io_context& io) {
  const int copy = ::fcntl(epoll_.number(), F_DUPFD_CLOEXEC, 0);
  require(copy >= 0, "cannot nest an event loop (epoll)");
  outer_ = std::make_unique<Outer>(io, copy);
  wait_in_turn();
}

void ReadySet::wait_in_turn() {
  outer_->set.async_wait(boost::asio::posix::descriptor_base::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (error) return;
                           wait(core::Duration(0));
                           wait_in_turn();
                         });
}

}  // namespace sallyport::tls
