// Task<T>: the coroutine type of the data path. One io_context per worker thread; a Task never changes thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sallyport::core {

// A concrete type, because any_io_executor would cost an indirection on every operation.
using Executor = boost::asio::io_context::executor_type;

template <class T>
using Task = boost::asio::awaitable<T, Executor>;

inline constexpr boost::asio::use_awaitable_t<Executor> use_task{};

// A task that is already complete. A function that waits only sometimes returns it when there is nothing to wait for.
// Such a function need not be a coroutine itself, which saves a frame when it does wait.
inline Task<void> at_once() { co_return; }
template <class T>
Task<T> at_once(T value) {
  co_return value;
}

}  // namespace sallyport::core
