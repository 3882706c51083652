// One worker's way into the log: together once a turn, and back on its own thread.
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "logging/log_lane.hpp"
#include "tests/logging/log_fixture.hpp"
#include "tests/support/catch.hpp"

namespace sallyport::tests {

using logging::LogLane;
using logging::SealedLog;

namespace {

// A worker's loop that turns when the test says so.
class Loop {
 public:
  LogLane::Post post() {
    return [this](std::function<void()> function) {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(function));
      changed_.notify_all();
    };
  }

  std::size_t posted() {
    const std::lock_guard lock(mutex_);
    return posted_.size();
  }

  // Runs the function posted first, waiting for it.
  void turn() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !posted_.empty(); });
    const auto function = std::move(posted_.front());
    posted_.pop_front();
    lock.unlock();
    function();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> posted_;
};

struct Desk {
  TemporaryDirectory directory;
  FakeClock clock;
  SealedLog log{log_settings(directory.where()), {reader_key().recipient()}, clock};
  Loop loop;
  LogLane lane{log, loop.post(), loop.post()};
  std::vector<std::string> told;

  void seal(const std::string& id, std::string_view content = {}) {
    auto entry = lane.open_entry(true);
    REQUIRE(entry.has_value());
    REQUIRE(keep_request(*entry, content).has_value());
    entry->finish(record_named(id), [this, id](core::Result<void> result) {
      CHECK(result.has_value());
      told.push_back(id);
    });
  }
};

}  // namespace

TEST_CASE("what a worker says in one turn is handed over once, and its answers come back in order") {
  Desk desk;
  for (const char* id : {"one", "two", "three"}) desk.seal(id);
  CHECK(desk.loop.posted() == 1);
  CHECK(desk.log.counters().records == 0);  // the writer has not heard of them
  desk.loop.turn();                         // hands over
  while (desk.told.size() < 3) desk.loop.turn();
  CHECK(desk.told == std::vector<std::string>{"one", "two", "three"});
  CHECK(desk.log.counters().records == 3);
  desk.seal("four");
  CHECK(desk.loop.posted() == 1);  // the next turn is asked for again
}

TEST_CASE("the writer's answer is heard on the worker's thread alone") {
  Desk desk;
  desk.seal("one");
  desk.loop.turn();
  while (desk.loop.posted() == 0) std::this_thread::yield();  // the writer's answer waits
  CHECK(desk.told.empty());
  desk.loop.turn();
  CHECK(desk.told.size() == 1);
}

TEST_CASE("much content does not wait for the turn's end") {
  Desk desk;
  auto entry = desk.lane.open_entry(true);
  REQUIRE(entry.has_value());
  const std::string piece(64 * 1024, 'x');
  for (int i = 0; i < 8; ++i) REQUIRE(keep_request(*entry, piece).has_value());
  while (desk.log.counters().frames < 4) std::this_thread::yield();  // while the loop has not turned
  entry->finish(record_named("long"), nullptr);
  desk.lane.close();
}

TEST_CASE("a lane that closes hands over what waits, and its loop hears no more") {
  Desk desk;
  desk.seal("one");
  const std::size_t posted = desk.loop.posted();
  desk.lane.close();
  while (desk.log.counters().records < 1) std::this_thread::yield();
  desk.seal("two");  // an exchange that ends after the loop
  while (desk.log.counters().records < 2) std::this_thread::yield();
  CHECK(desk.loop.posted() == posted);
  CHECK(desk.told.empty());
}

}  // namespace sallyport::tests
