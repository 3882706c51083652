// Loop: what all streams of one worker share: the event loop, the timer wheel, the resolver and two buffers. Nothing is
// left in the buffers when a coroutine suspends, so an idle connection holds none. Used on one thread, except
// ready.post().
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <list>
#include <memory>

#include "core/bytes.hpp"
#include "core/task.hpp"
#include "core/timer_wheel.hpp"
#include "tls/ready_set.hpp"
#include "tls/record_protection.hpp"
#include "tls/resolver.hpp"

namespace sallyport::tls {

// A receive buffer for one record of the largest size. Not initialized, so it costs no memory before it is used.
class Inbox {
 public:
  static constexpr std::size_t size = record_limit;
  core::MutableBytes bytes() noexcept { return {bytes_.get(), size}; }

 private:
  std::unique_ptr<std::byte[]> bytes_ = std::make_unique_for_overwrite<std::byte[]>(size);
};

struct Loop {
  boost::asio::io_context& io;
  core::TimerWheel& wheel;
  core::Bytes outbox{};  // the records of one burst; sent before anything suspends
  Inbox inbox{};         // the records that one read of a socket brought
  ReadySet ready{};      // the worker's sockets, and the tasks that other threads post
  Resolver resolver{ready, wheel};
  std::list<std::function<void()>> dials{};  // ends each connect() under way
  bool dials_no_more = false;

  core::Executor executor() { return io.get_executor(); }

  // One turn of the loop: runs the handlers that are due, waits at most `most` for events, and runs what they cause.
  void turn(core::Duration most) {
    // In a handler of the io_context, so that handlers that are dispatched meanwhile run at once.
    boost::asio::post(io, [this, most] { ready.wait(most); });
    if (io.stopped()) io.restart();
    io.poll();
  }

  // Every connect() under way, and every later one, ends with Reason::cancelled.
  void stop_dialling() {
    dials_no_more = true;
    for (const auto& end : dials) end();
    resolver.cancel();
  }
};

}  // namespace sallyport::tls
