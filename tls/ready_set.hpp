// ReadySet: which of one worker's sockets can be read or written now, and what other threads have for it to do.
//
// A socket is announced once, edge-triggered (epoll(7)); whoever owns it reads when told, into a buffer it needs only
// then. Asio's reactor wants a buffer for every read that waits, and follows each read with one that finds nothing
// (docs/adr/0005-ready-set.md).
#pragma once

#include <sys/epoll.h>

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/clock.hpp"
#include "core/descriptor.hpp"
#include "core/result.hpp"

namespace sallyport::tls {

class ReadySet {
 public:
  class Watcher {
   public:
    virtual ~Watcher() = default;
    // Called by wait() alone, never from inside another call. `events` are epoll's; none when tell_later() asked for
    // it.
    virtual void ready(std::uint32_t events) = 0;

   private:
    friend class ReadySet;
    boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> told_later_;
  };

  ReadySet();  // Throws std::system_error: out of descriptors.
  ~ReadySet();
  ReadySet(const ReadySet&) = delete;
  ReadySet& operator=(const ReadySet&) = delete;

  // From now until remove() the watcher is told of each change. Errors: io_failed (out of memory, or of watches).
  core::Result<void> add(int descriptor, Watcher& watcher) noexcept;
  // Before either is gone. The watcher is not told any more, not even of what has been found already.
  void remove(int descriptor, Watcher& watcher) noexcept;
  // Tells it with the next wait(), which then does not wait: once, however often it was asked for.
  void tell_later(Watcher& watcher) noexcept;

  // One turn: waits at most `most` for something to come, then tells all whom it concerns and does what was posted.
  void wait(core::Duration most);

  // From any thread: `what` is done by the thread that waits, which is woken for it.
  void post(std::function<void()> what);

  // Has wait() called by whoever runs `io`, for a loop that has little to do: a turn costs two system calls more than
  // wait() alone. The set must outlive the running.
  void be_run_by(boost::asio::io_context& io);

 private:
  struct Bell final : Watcher {
    explicit Bell(ReadySet& owner) : set(owner) {}
    void ready(std::uint32_t) override { set.do_posted(); }
    ReadySet& set;
  };
  void do_posted();
  void wait_in_turn();

  // In the watchers themselves: whoever is out of memory can still be told so.
  using WatcherList = boost::intrusive::list<
      Watcher, boost::intrusive::member_hook<Watcher, decltype(Watcher::told_later_), &Watcher::told_later_>,
      boost::intrusive::constant_time_size<false>>;
  static constexpr std::size_t found_at_once = 128;

  core::Descriptor epoll_;
  core::Descriptor bell_;
  Bell ringing_{*this};
  std::array<epoll_event, found_at_once> found_{};
  std::size_t found_count_ = 0;
  WatcherList later_, told_now_;
  struct Outer;  // where an io_context sees this set
  std::unique_ptr<Outer> outer_;

  std::mutex mutex_;  // for what follows
  std::vector<std::function<void()>> posted_;
  bool rung_ = false;
};

}  // namespace sallyport::tls
