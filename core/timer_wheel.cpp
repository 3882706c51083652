#include "core/timer_wheel.hpp"

#include <algorithm>

namespace sallyport::core {

namespace {

std::uint64_t tick_of(TimePoint when) noexcept {
  return static_cast<std::uint64_t>(when.time_since_epoch() / TimerWheel::tick);
}

}  // namespace

TimerWheel::Timer::~Timer() {
  unlink();
  if (wheel_->running_ == this) wheel_->running_ = nullptr;
}

void TimerWheel::Timer::set(TimePoint deadline) noexcept {
  deadline_ = deadline;
  if (deadline == never || (head_ != nullptr && deadline >= linked_for_)) return;
  unlink();
  wheel_->link(*this, deadline);
}

void TimerWheel::Timer::unlink() noexcept {
  if (head_ == nullptr) return;
  (previous_ != nullptr ? previous_->next_ : *head_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  previous_ = next_ = nullptr;
  head_ = nullptr;
  --wheel_->linked_;
}

TimerWheel::Timer** TimerWheel::slot_for(TimePoint deadline) noexcept {
  return &slots_[tick_of(deadline) % slot_count];
}

void TimerWheel::link(Timer& timer, TimePoint when) noexcept {
  // A deadline in the past goes into the slot that the next advance() visits first.
  timer.linked_for_ = std::max(when, now_);
  timer.head_ = slot_for(timer.linked_for_);
  timer.next_ = *timer.head_;
  if (timer.next_ != nullptr) timer.next_->previous_ = &timer;
  *timer.head_ = &timer;
  ++linked_;
}

void TimerWheel::advance(TimePoint now) {
  if (now < now_) return;
  const std::uint64_t last = tick_of(now);
  // The slot of the previous advance() is visited again: it may hold timers that are due later within its tick.
  const std::uint64_t first = std::max(tick_of(now_), last < slot_count ? 0 : last - slot_count + 1);
  now_ = now;
  for (std::uint64_t tick_number = first; tick_number <= last && linked_ != 0; ++tick_number) {
    if (Timer*& head = slots_[tick_number % slot_count]; head != nullptr) fire(head, now);
  }
}

// The list is detached from its slot first, so that a timer which a callback sets again waits for the next visit.
void TimerWheel::fire(Timer*& head, TimePoint now) {
  Timer* visited = std::exchange(head, nullptr);
  for (Timer* timer = visited; timer != nullptr; timer = timer->next_) timer->head_ = &visited;
  while (visited != nullptr) {
    Timer& timer = *visited;
    timer.unlink();
    if (timer.deadline_ <= now) {
      run(timer);
    } else if (timer.deadline_ != never) {
      link(timer, timer.deadline_);
    }
  }
}

// The callback may destroy its own timer, so it is moved out of the timer and moved back only if the timer still lives.
void TimerWheel::run(Timer& timer) {
  timer.deadline_ = never;
  auto expired = std::move(timer.expired_);
  running_ = &timer;
  expired();
  if (std::exchange(running_, nullptr) == &timer) timer.expired_ = std::move(expired);
}

}  // namespace sallyport::core
