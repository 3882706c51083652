// One worker's way into the log: together once a turn, and back on its own thread.
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "logging/log_lane.hpp"
#include "tests/logging/failing_storage.hpp"
#include "tests/logging/log_fixture.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/waiting.hpp"

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
    REQUIRE(changed_.wait_for(lock, patience, [this] { return !posted_.empty(); }));
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

logging::LogSettings small_queue(const path& directory) {
  logging::LogSettings settings = log_settings(directory);
  settings.queue_bytes = 1024 * 1024;
  return settings;
}

struct Desk {
  TemporaryDirectory directory;
  FakeClock clock;
  Disk disk;
  SealedLog log{small_queue(directory.where()),
                {reader_key().recipient()},
                clock,
                std::make_unique<MoodyStorage>(disk, directory.where())};
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

  // An exchange that has brought so much that it is to wait for the disk, which hangs.
  logging::LogEntry much() {
    disk.hang(true);
    auto entry = lane.open_entry(true);
    REQUIRE(entry.has_value());
    for (int pieces = 0; !entry->should_wait(); ++pieces) {
      REQUIRE(pieces < 8);
      REQUIRE(keep_request(*entry, std::string(logging::max_content_piece, 'x')).has_value());
    }
    return std::move(*entry);
  }

  void wait_in_turn(logging::LogEntry& entry, const std::string& id) {
    entry.wait_for_room([this, id] { told.push_back(id); });
  }
};

// Whether the record is sealed, once the loop has turned for it.
bool finish_in(Desk& desk, logging::LogEntry entry, const std::string& id) {
  entry.finish(record_named(id), [&desk, id](core::Result<void> result) {
    if (result) desk.told.push_back(id);
  });
  while (desk.told.empty()) desk.loop.turn();
  return desk.told == std::vector<std::string>{id};
}

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
  REQUIRE(eventually([&] { return desk.loop.posted() > 0; }));  // the writer's answer waits
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
  CHECK(eventually([&] { return desk.log.counters().frames >= 4; }));  // while the loop has not turned
  entry->finish(record_named("long"), nullptr);
  desk.lane.close();
}

TEST_CASE("who waits for room in the log is told in turn, when the writer is behind no more") {
  Desk desk;
  auto first = desk.much();
  auto second = *desk.lane.open_entry(true), third = *desk.lane.open_entry(true);
  CHECK(second.should_wait());
  desk.wait_in_turn(second, "second");
  desk.wait_in_turn(first, "first");
  desk.wait_in_turn(third, "third");
  const std::size_t posted = desk.loop.posted();
  SECTION("because the disk works again") { desk.disk.hang(false); }
  SECTION("or fails, so that waiting does not help") {
    desk.disk.mood = Disk::Mood::full;
    desk.disk.hang(false);
  }
  REQUIRE(eventually([&] { return desk.loop.posted() > posted; }));
  CHECK(desk.told.empty());
  while (desk.told.size() < 3) desk.loop.turn();
  CHECK(desk.told == std::vector<std::string>{"second", "first", "third"});
  desk.disk.mood = Disk::Mood::working;
  desk.lane.close();
}

TEST_CASE("who waits for room where there is some is told in the next turn") {
  Desk desk;
  auto entry = *desk.lane.open_entry(true);
  CHECK_FALSE(entry.should_wait());
  desk.wait_in_turn(entry, "one");
  CHECK(desk.told.empty());
  desk.loop.turn();
  CHECK(desk.told.size() == 1);
  desk.lane.close();
}

TEST_CASE("of those who wait each is told for a piece that has been written, and one when nothing is queued") {
  logging::LogQueue queue(16 * 4 * logging::max_content_piece, true);  // behind from four pieces on
  logging::LogItem piece;
  piece.cost = logging::max_content_piece;
  const auto push = [&] {
    logging::LogItem item;
    item.cost = piece.cost;
    REQUIRE(queue.reserve(item.cost));
    queue.push(std::move(item));
  };
  for (int i = 0; i < 6; ++i) push();
  std::vector<int> told;
  for (int i = 0; i < 7; ++i) queue.wait_for_room({[&told, i](const core::Result<void>&) { told.push_back(i); }});
  const auto serve = [&] {
    for (auto& waiter : queue.take_waiters()) (void)waiter.give({});
    return told.size();
  };
  const auto settle = [&](int items) {
    for (; items > 0; --items) queue.settled(piece);
    return serve();
  };
  CHECK(settle(2) == 0);  // it is behind no more, but a piece would bring it there again
  CHECK(settle(1) == 1);
  push();  // his
  CHECK(settle(1) == 2);
  CHECK(settle(2) == 4);  // the second has not brought his yet
  CHECK(settle(1) == 5);
  CHECK(told == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(serve() == 6);  // nothing is queued, and nothing will be settled
}

TEST_CASE("who waits for room in a queue that is smaller than a piece is told while small ones pass") {
  logging::LogQueue queue(64 * 1024, true);
  const auto push = [&](std::size_t cost) {
    logging::LogItem item;
    item.cost = cost;
    queue.push(std::move(item));
  };
  push(16 * 1024);
  bool told = false;
  queue.wait_for_room({[&told](const core::Result<void>&) { told = true; }});
  push(1024);  // a call that came meanwhile
  logging::LogItem settled;
  settled.cost = 16 * 1024;
  queue.settled(settled);
  for (auto& waiter : queue.take_waiters()) (void)waiter.give({});
  CHECK(told);
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

TEST_CASE("an exchange that is still open at the second look is in the log, with what has passed of it") {
  Desk desk;
  auto entry = desk.lane.open_entry(true);
  REQUIRE(entry.has_value());
  REQUIRE(keep_request(*entry, "the question").has_value());
  REQUIRE(entry->response_body(core::bytes_of("the first half")).has_value());
  desk.lane.look();
  CHECK(desk.loop.posted() == 0);  // a short one costs one frame
  desk.lane.look();
  REQUIRE(desk.loop.posted() == 1);
  desk.loop.turn();
  REQUIRE(eventually([&] { return desk.log.counters().frames == 3; }));  // begin, and a piece of each body
  {
    const ReadLog killed_now = read_log(desk.directory.where());
    CHECK(killed_now.exchanges.empty());
    CHECK(killed_now.unfinished.size() == 1);
  }
  desk.lane.look();
  CHECK(desk.loop.posted() == 0);  // nothing has passed since
  REQUIRE(entry->response_body(core::bytes_of(", the second half")).has_value());
  CHECK(finish_in(desk, std::move(*entry), "whole"));
  const ReadLog read = read_log(desk.directory.where());
  REQUIRE(read.has("whole"));
  CHECK(read.find("whole")->request == "the question");
  CHECK(read.find("whole")->response == "the first half, the second half");
  CHECK(read.unfinished.empty());
  CHECK(read.troubles.empty());
}

TEST_CASE("without content the second look still leaves that there was an exchange") {
  Desk desk;
  auto entry = desk.lane.open_entry(false);
  REQUIRE(entry.has_value());
  desk.lane.look();
  desk.lane.look();
  REQUIRE(desk.loop.posted() == 1);
  desk.loop.turn();
  REQUIRE(eventually([&] { return desk.log.counters().frames == 1; }));
  CHECK(read_log(desk.directory.where()).unfinished.size() == 1);
  CHECK(finish_in(desk, std::move(*entry), "whole"));
}

}  // namespace sallyport::tests
