// Runs one coroutine to its end on an io_context that nobody else runs, and gives what it gave.
#pragma once

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <optional>
#include <stdexcept>

#include "core/task.hpp"

namespace sallyport::tests {

// Throws what the coroutine threw; std::runtime_error when it waits for something that cannot come any more.
template <class T>
T run(boost::asio::io_context& context, core::Task<T> task) {
  std::optional<T> value;
  std::exception_ptr failure;
  bool ended = false;
  const auto keep = [](core::Task<T> inner, std::optional<T>& kept) -> core::Task<void> {
    kept.emplace(co_await std::move(inner));
  };
  boost::asio::co_spawn(context.get_executor(), keep(std::move(task), value), [&](std::exception_ptr thrown) {
    failure = thrown;
    ended = true;
  });
  context.restart();
  while (!ended && context.run_one() != 0) {
  }
  if (failure) std::rethrow_exception(failure);
  if (!ended) throw std::runtime_error("the coroutine waits for ever");
  return std::move(*value);
}

}  // namespace sallyport::tests
