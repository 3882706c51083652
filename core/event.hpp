// Event: one coroutine waits for it, another part of the same worker sets it. Not thread-safe.
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
  ~Event() { drop(); }  // destroys a waiting coroutine, which is then never resumed

  // Resumes the waiter within this call. Without a waiter, the next wait() returns at once.
  void set() {
    if (resume_ == nullptr) {
      set_ = true;
      return;
    }
    std::exchange(resume_, nullptr)(storage_, true);
  }

  // Resumes the waiter as set() does, but has no effect on a later wait().
  void wake() {
    if (waited_for()) set();
  }

  bool waited_for() const noexcept { return resume_ != nullptr; }

  // Completes when set() is called, or at once if set() was called since the last wait. One waiter at a time.
  // Not a coroutine itself: each event of a streamed answer waits here, and a coroutine frame costs.
  Task<void> wait() {
    if (std::exchange(set_, false)) return at_once();
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
        [this](auto handler) { keep(std::move(handler)); }, use_task);
  }

 private:
  // The handler is stored inside the Event, so waiting allocates nothing.
  template <class Handler>
  void keep(Handler handler) {
    BOOST_ASSERT(resume_ == nullptr);
    static_assert(sizeof(Handler) <= sizeof(storage_) && alignof(Handler) <= alignof(std::max_align_t));
    new (storage_) Handler(std::move(handler));
    resume_ = [](std::byte* storage, bool call) {
      auto* kept = std::launder(reinterpret_cast<Handler*>(storage));
      Handler taken(std::move(*kept));
      kept->~Handler();
      if (call) std::move(taken)();  // the waiter may wait again, or destroy this Event
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
