// ReadySet: the epoll set of one worker. It tells watchers which sockets can be read or written, and runs the tasks
// that other threads post.
//
// A socket is added once, edge-triggered (epoll(7)). Its owner reads when it is told, into a buffer that it needs only
// then. Asio's reactor needs a buffer for every read that waits, and follows each read with one that finds nothing
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
    // Called by wait() only, never from inside another function of the set. `events` are those of epoll_event; 0 after
    // tell_later(). May remove and destroy any watcher, also this one.
    virtual void ready(std::uint32_t events) = 0;

   private:
    friend class ReadySet;
    boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> told_later_;
  };

  ReadySet();  // Throws std::system_error: out of descriptors.
  ~ReadySet();
  ReadySet(const ReadySet&) = delete;
  ReadySet& operator=(const ReadySet&) = delete;

  // From now until remove() the watcher is told of each change of the descriptor. Errors: io_failed (out of memory, or
  // of watches).
  core::Result<void> add(int descriptor, Watcher& watcher) noexcept;
  // Must be called before the descriptor is closed or the watcher destroyed. The watcher is told nothing more, not even
  // of events that wait() has already found.
  void remove(int descriptor, Watcher& watcher) noexcept;
  // The next wait() does not block, and calls watcher.ready(0): once, however often this was called.
  void tell_later(Watcher& watcher) noexcept;

  // One turn: blocks at most `most` until there is an event, then tells the watchers concerned and runs the posted
  // tasks.
  void wait(core::Duration most);

  // May be called from any thread. The thread that calls wait() wakes up and runs `task`.
  void post(std::function<void()> task);

  // From now on `io` calls wait() when there are events. For a loop that has little to do: a turn costs two system
  // calls more than a call of wait(). The set must outlive the running of `io`. Throws std::system_error.
  void be_run_by(boost::asio::io_context& io);

 private:
  struct WakeupWatcher final : Watcher {
    explicit WakeupWatcher(ReadySet& owner) : set(owner) {}
    void ready(std::uint32_t) override { set.run_posted(); }
    ReadySet& set;
  };
  void run_posted();
  void wait_in_turn();

  // Intrusive: tell_later() allocates nothing, so it works when memory is out.
  using WatcherList = boost::intrusive::list<
      Watcher, boost::intrusive::member_hook<Watcher, decltype(Watcher::told_later_), &Watcher::told_later_>,
      boost::intrusive::constant_time_size<false>>;
  static constexpr std::size_t found_at_once = 128;

  core::Descriptor epoll_;
  core::Descriptor wakeup_;  // an eventfd
  WakeupWatcher wakeup_watcher_{*this};
  std::array<epoll_event, found_at_once> found_{};
  std::size_t found_count_ = 0;
  WatcherList later_, told_now_;
  struct Outer;  // epoll_ as a descriptor of an io_context
  std::unique_ptr<Outer> outer_;

  std::mutex mutex_;  // guards what follows
  std::vector<std::function<void()>> posted_;
  bool is_waking_ = false;  // wakeup_ was written to, and posted_ not yet run
};

}  // namespace sallyport::tls
