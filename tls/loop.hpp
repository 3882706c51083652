// What every stream of one worker shares: its event loop, its timer wheel, its resolver, and buffers that are empty
// whenever a coroutine is suspended, so that an idle connection owns none.
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

// Not touched before it is used.
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
  core::Bytes outbox{};  // records made in one burst, sent before anything suspends
  Inbox inbox{};         // records as one read of a socket brought them
  ReadySet ready{};      // its sockets, and what other threads have for it
  Resolver resolver{ready, wheel};
  std::list<std::function<void()>> dials{};  // how to end each that is under way
  bool dials_no_more = false;

  core::Executor executor() { return io.get_executor(); }

  // Does what there is to do, waits at most `most` for something to come, and does what comes of it.
  void turn(core::Duration most) {
    // As one of the io_context's own functions, so that what is dispatched meanwhile runs at once.
    boost::asio::post(io, [this, most] { ready.wait(most); });
    if (io.stopped()) io.restart();
    io.poll();
  }

  // Every connect() that is under way, and all that follow, end with Reason::cancelled.
  void stop_dialling() {
    dials_no_more = true;
    for (const auto& end : dials) end();
    resolver.cancel();
  }
};

}  // namespace sallyport::tls
