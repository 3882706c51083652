// Task<T>: the coroutine type of the data path. One io_context per worker thread; a Task never changes thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sallyport::core {

// The concrete executor: any_io_executor would cost an indirection on every operation.
using Executor = boost::asio::io_context::executor_type;

template <class T>
using Task = boost::asio::awaitable<T, Executor>;

inline constexpr boost::asio::use_awaitable_t<Executor> use_task{};

// What a function gives that waits only sometimes, when it need not: so it is no coroutine itself, and what waits has
// one frame less.
inline Task<void> at_once() { co_return; }
template <class T>
Task<T> at_once(T value) {
  co_return value;
}

}  // namespace sallyport::core
