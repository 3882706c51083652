// Event: lets one coroutine wait for something another part of the same worker does. Not thread-safe.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/assert.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "core/task.hpp"

namespace sallyport::core {

class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { drop(); }  // a waiter that is never woken is destroyed with its frames

  // Wakes the waiter, inside this call; or lets the next wait() pass at once.
  void set() {
    if (resume_ == nullptr) {
      set_ = true;
      return;
    }
    std::exchange(resume_, nullptr)(storage_, true);
  }

  // As set(), but nothing is kept for a wait() that is still to come.
  void wake() {
    if (waited_for()) set();
  }

  bool waited_for() const noexcept { return resume_ != nullptr; }

  // Completes when set() is called, or was called since the last wait. One waiter at a time.
  // No coroutine of its own: an event of a stream waits here, and each frame costs.
  Task<void> wait() {
    if (std::exchange(set_, false)) return at_once();
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
        [this](auto handler) { keep(std::move(handler)); }, use_task);
  }

 private:
  // The handler is kept in place: waiting allocates nothing.
  template <class Handler>
  void keep(Handler handler) {
    BOOST_ASSERT(resume_ == nullptr);
    static_assert(sizeof(Handler) <= sizeof(storage_) && alignof(Handler) <= alignof(std::max_align_t));
    new (storage_) Handler(std::move(handler));
    resume_ = [](std::byte* storage, bool call) {
      auto* kept = std::launder(reinterpret_cast<Handler*>(storage));
      Handler taken(std::move(*kept));
      kept->~Handler();
      if (call) std::move(taken)();  // may wait again, or destroy this Event
    };
  }
  void drop() {
    if (resume_ != nullptr) std::exchange(resume_, nullptr)(storage_, false);
  }

  alignas(std::max_align_t) std::byte storage_[4 * sizeof(void*)];
  void (*resume_)(std::byte*, bool) = nullptr;
  bool set_ = false;
};

}  // namespace sallyport::core
