// What every stream of one worker shares: its event loop, its timer wheel, its resolver, and buffers that are empty
// whenever a coroutine is suspended, so that an idle connection owns none.
#pragma once

#include <boost/asio/io_context.hpp>

#include "core/bytes.hpp"
#include "core/task.hpp"
#include "core/timer_wheel.hpp"
#include "tls/resolver.hpp"

namespace sallyport::tls {

struct Loop {
  boost::asio::io_context& io;
  core::TimerWheel& wheel;
  core::Bytes outbox;   // ciphertext made by one burst of SSL_write, sent before anything suspends
  core::Bytes packing;  // small pieces laid side by side to become one record
  Resolver resolver{io, wheel};

  core::Executor executor() { return io.get_executor(); }
};

}  // namespace sallyport::tls
