#include "core/timer_wheel.hpp"

#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "tests/support/catch.hpp"

using namespace sallyport::core;
using namespace std::chrono_literals;
using Timer = TimerWheel::Timer;

namespace {

// Somewhere within a tick, as a real clock would be.
constexpr TimePoint start{1234567890123ns};

struct Counted {
  int fired = 0;
  Timer timer;
  explicit Counted(TimerWheel& wheel) : timer(wheel, [this] { ++fired; }) {}
};

}  // namespace

TEST_CASE("a timer fires once, at the first advance at or after its deadline") {
  TimerWheel wheel(start);
  Counted one(wheel);
  one.timer.set(start + 120ms);
  wheel.advance(start + 119ms);
  CHECK(one.fired == 0);
  wheel.advance(start + 120ms);
  CHECK(one.fired == 1);
  CHECK(one.timer.deadline() == TimerWheel::never);
  wheel.advance(start + 10s);
  CHECK(one.fired == 1);
  CHECK(wheel.empty());
}

TEST_CASE("a deadline within the tick of an advance is not passed over") {
  TimerWheel wheel(start);
  Counted one(wheel);
  one.timer.set(start + 3ms);
  for (int step = 1; step <= 2; ++step) wheel.advance(start + step * 1ms);
  CHECK(one.fired == 0);
  wheel.advance(start + 3ms);
  CHECK(one.fired == 1);
}

TEST_CASE("a deadline already past fires at the next advance, even one that brings no time") {
  TimerWheel wheel(start);
  Counted one(wheel);
  one.timer.set(start - 1h);
  CHECK(one.fired == 0);
  wheel.advance(start);
  CHECK(one.fired == 1);
}

TEST_CASE("a deadline moved later, again and again, fires once and at its last value") {
  TimerWheel wheel(start);
  Counted one(wheel);
  TimePoint now = start;
  for (int i = 0; i < 5000; ++i) {
    one.timer.set(now + 100ms);
    now += 10ms;
    wheel.advance(now);
  }
  CHECK(one.fired == 0);
  wheel.advance(now + 89ms);
  CHECK(one.fired == 0);
  wheel.advance(now + 90ms);
  CHECK(one.fired == 1);
}

TEST_CASE("a deadline moved earlier fires at the earlier time") {
  TimerWheel wheel(start);
  Counted one(wheel);
  one.timer.set(start + 10s);
  one.timer.set(start + 1s);
  wheel.advance(start + 1s);
  CHECK(one.fired == 1);
}

TEST_CASE("a deadline moved later and then a little earlier again keeps its last value") {
  TimerWheel wheel(start);
  Counted one(wheel);
  one.timer.set(start + 1s);
  one.timer.set(start + 10s);
  one.timer.set(start + 5s);
  wheel.advance(start + 5s - 1ns);
  CHECK(one.fired == 0);
  wheel.advance(start + 5s);
  CHECK(one.fired == 1);
}

TEST_CASE("a cleared timer does not fire, and can be set again") {
  TimerWheel wheel(start);
  Counted one(wheel);
  one.timer.set(start + 1s);
  one.timer.clear();
  wheel.advance(start + 2s);
  CHECK(one.fired == 0);
  CHECK(wheel.empty());
  one.timer.set(start + 3s);
  one.timer.clear();
  one.timer.set(start + 4s);
  wheel.advance(start + 4s);
  CHECK(one.fired == 1);
  one.timer.set(TimerWheel::never);
  CHECK(wheel.empty());
}

TEST_CASE("deadlines many turns of the wheel away fire at their time") {
  TimerWheel wheel(start);
  Counted far(wheel), farther(wheel);
  far.timer.set(start + 1h);
  farther.timer.set(start + 1h + 50ms);
  TimePoint now = start;
  for (; now < start + 1h - 50ms; now += 50ms) wheel.advance(now);
  CHECK(far.fired == 0);
  wheel.advance(start + 1h - 1ns);
  CHECK(far.fired == 0);
  wheel.advance(start + 1h);
  CHECK(far.fired == 1);
  CHECK(farther.fired == 0);
  wheel.advance(start + 1h + 50ms);
  CHECK(farther.fired == 1);
}

TEST_CASE("a long gap, of whole turns or nearly so, passes no timer over and fires none before its time") {
  for (const Duration gap : std::vector<Duration>{49ms, 50ms, 51ms, 51s, 1023 * 50ms, 1024 * 50ms, 1025 * 50ms, 24h}) {
    TimerWheel wheel(start);
    std::vector<std::unique_ptr<Counted>> timers;
    for (int i = 0; i < 2100; ++i) {
      timers.push_back(std::make_unique<Counted>(wheel));
      timers.back()->timer.set(start + i * 50ms);
    }
    wheel.advance(start + gap);
    std::vector<int> wrong;
    for (int i = 0; i < 2100; ++i) {
      if ((timers[i]->fired == 1) != (i * 50ms <= gap)) wrong.push_back(i);
    }
    INFO("after " << gap.count() << " ns");
    CHECK(wrong == std::vector<int>{});
  }
}

TEST_CASE("time that goes back is ignored") {
  TimerWheel wheel(start);
  Counted one(wheel);
  one.timer.set(start + 1s);
  wheel.advance(start + 500ms);
  wheel.advance(start);
  CHECK(wheel.now() == start + 500ms);
  wheel.advance(start + 1s);
  CHECK(one.fired == 1);
}

TEST_CASE("a callback may set its own timer again, at once or for later") {
  TimerWheel wheel(start);
  int fired = 0;
  std::optional<Timer> timer;
  timer.emplace(wheel, [&] {
    ++fired;
    timer->set(wheel.now() + (fired == 2 ? 100ms : 0ms));
  });
  timer->set(start + 50ms);
  wheel.advance(start + 50ms);
  CHECK(fired == 1);
  wheel.advance(start + 51ms);
  CHECK(fired == 2);
  wheel.advance(start + 150ms);
  CHECK(fired == 2);
  wheel.advance(start + 151ms);
  CHECK(fired == 3);
}

TEST_CASE("a timer that sets itself for the past in a long gap does not hold the wheel") {
  TimerWheel wheel(start);
  int fired = 0;
  std::optional<Timer> timer;
  timer.emplace(wheel, [&] {
    ++fired;
    timer->set(start);
  });
  timer->set(start);
  wheel.advance(start + 1h);
  CHECK(fired <= 2);
}

TEST_CASE("a callback may destroy its own timer while its captures are in use") {
  TimerWheel wheel(start);
  auto value = std::make_shared<int>(7);
  std::optional<Timer> timer;
  int seen = 0;
  timer.emplace(wheel, [&timer, &seen, value] {
    timer.reset();
    seen = *value;
  });
  timer->set(start + 1ms);
  wheel.advance(start + 1s);
  CHECK(seen == 7);
  CHECK_FALSE(timer.has_value());
  CHECK(value.use_count() == 1);
  CHECK(wheel.empty());
}

TEST_CASE("a callback may destroy its own timer and make another in its place") {
  TimerWheel wheel(start);
  int first = 0, second = 0;
  std::optional<Timer> timer;
  timer.emplace(wheel, [&] {
    ++first;
    timer.emplace(wheel, [&] { ++second; });
    timer->set(start + 2s);
  });
  timer->set(start + 1s);
  wheel.advance(start + 1s);
  wheel.advance(start + 2s);
  CHECK(first == 1);
  CHECK(second == 1);
}

TEST_CASE("a callback may destroy, clear or move any other timer that is due at the same time") {
  for (const char act : {'d', 'c', 'm'}) {
    TimerWheel wheel(start);
    std::vector<std::unique_ptr<Timer>> timers(8);
    int fired = 0;
    for (auto& slot : timers) {
      slot = std::make_unique<Timer>(wheel, [&, self = &slot] {
        ++fired;
        for (auto& other : timers) {
          if (&other == self || !other) continue;
          if (act == 'd') other.reset();
          if (act == 'c') other->clear();
          if (act == 'm') other->set(start + 10s);
        }
      });
      slot->set(start + 20ms);
    }
    wheel.advance(start + 1s);
    INFO(act);
    CHECK(fired == 1);
  }
}

TEST_CASE("a timer that is destroyed while it waits is forgotten") {
  TimerWheel wheel(start);
  Counted before(wheel);
  auto middle = std::make_unique<Counted>(wheel);
  Counted after(wheel);
  for (Counted* one : {&before, middle.get(), &after}) one->timer.set(start + 30ms);
  middle.reset();
  wheel.advance(start + 30ms);
  CHECK(before.fired == 1);
  CHECK(after.fired == 1);
  CHECK(wheel.empty());
}

TEST_CASE("under random use every timer fires at the first advance at or after its deadline, and only then") {
  std::mt19937 random(42);
  const auto below = [&](unsigned bound) { return static_cast<int>(random() % bound); };
  TimerWheel wheel(start);
  std::vector<std::unique_ptr<Counted>> timers;
  for (int i = 0; i < 200; ++i) timers.push_back(std::make_unique<Counted>(wheel));
  TimePoint now = start;
  for (int round = 0; round < 20000; ++round) {
    for (int i = 0; i < 3; ++i) {
      Counted& one = *timers[static_cast<std::size_t>(below(200))];
      if (below(10) == 0) {
        one.timer.clear();
      } else {
        one.timer.set(now + (below(5) == 0 ? below(200000) : below(2000)) * 1ms);
      }
    }
    now += below(50) == 0 ? below(120000) * 1ms : below(90) * 1ms;
    std::vector<bool> due;
    for (const auto& one : timers) due.push_back(one->timer.deadline() <= now);
    wheel.advance(now);
    std::vector<std::size_t> wrong;
    for (std::size_t i = 0; i < timers.size(); ++i) {
      if (timers[i]->fired != (due[i] ? 1 : 0)) wrong.push_back(i);
      timers[i]->fired = 0;
    }
    INFO("round " << round);
    REQUIRE(wrong == std::vector<std::size_t>{});
  }
}
