// The thread behind a second place: what comes to it, in which order, and what when it refuses or hangs.
#include "logging/second_place.hpp"

#include <mutex>
#include <new>
#include <vector>

#include "logging/checkpoint_places.hpp"
#include "tests/logging/sync_watch.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/waiting.hpp"

namespace sallyport::tests {

using namespace logging;
using Steady = std::chrono::steady_clock;

namespace {

constexpr auto never = std::chrono::hours(1);

// What a place was given, by the numbers in the notes, and whether it takes it.
struct Place {
  // Outlives the place, as its thread may.
  struct Shared {
    std::mutex mutex;
    bool refuses = false, throws = false;
    std::vector<std::vector<int>> kept;
    std::vector<Steady::time_point> tries;
    Signal began, go_on;
  };

  bool operator()(const SignedCheckpoints& checkpoints, std::uint64_t, Steady::time_point) const {
    shared->began.set();
    shared->go_on.wait();
    const std::lock_guard lock(shared->mutex);
    shared->tries.push_back(Steady::now());
    if (shared->throws) throw std::bad_alloc();
    if (shared->refuses) return false;
    auto& batch = shared->kept.emplace_back();
    for (const SignedCheckpoint& one : checkpoints) batch.push_back(std::stoi(one.note));
    return true;
  }
  void refuse(bool now) const {
    const std::lock_guard lock(shared->mutex);
    shared->refuses = now;
  }
  void let_go() const {
    const std::lock_guard lock(shared->mutex);
    shared->throws = false;
  }
  std::vector<Steady::time_point> tries() const {
    const std::lock_guard lock(shared->mutex);
    return shared->tries;
  }
  std::vector<std::vector<int>> kept() const {
    const std::lock_guard lock(shared->mutex);
    return shared->kept;
  }

  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
};

// Three to a segment.
SignedCheckpoint note(int number) {
  return {static_cast<std::uint64_t>(number / 3), std::to_string(number),
          FakeClock::start + std::chrono::seconds(number)};
}

}  // namespace

TEST_CASE("what comes while a second place hangs waits for it, in order, and each segment's together") {
  const Place place;
  SecondPlace second(place, {100, never, never});
  second.offer(note(0));
  place.shared->began.wait();
  for (int number = 1; number <= 7; ++number) second.offer(note(number));
  CHECK(second.state().taken == 0);
  CHECK(second.state().waiting == 8);
  place.shared->go_on.set();
  REQUIRE(eventually([&] { return second.state().taken == 8; }));
  CHECK(second.state().waiting == 0);
  CHECK(place.kept() == std::vector<std::vector<int>>{{0}, {1, 2}, {3, 4, 5}, {6, 7}});
  CHECK(second.state().last == note(7).signed_at);
  CHECK(second.state().errors == 0);
  CHECK(second.state().dropped == 0);
}

TEST_CASE("a second place gets again, in order, what it refused") {
  const Place place;
  place.shared->go_on.set();
  place.refuse(true);
  SecondPlace second(place, {100, never, 5ms});
  for (int number = 0; number < 5; ++number) second.offer(note(number));
  REQUIRE(eventually([&] { return second.state().errors >= 2; }));
  CHECK(second.state().failing);
  CHECK(second.state().taken == 0);
  place.refuse(false);
  REQUIRE(eventually([&] { return second.state().taken == 5; }));
  CHECK_FALSE(second.state().failing);
  CHECK(place.kept() == std::vector<std::vector<int>>{{0, 1, 2}, {3, 4}});
}

TEST_CASE("a file of checkpoints that nobody may write any more holds up the others until the next segment begins") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "0000000000.checkpoints");
  SecondPlace second(keep_in_directory(directory / ".", std::make_shared<LastFault>()), {100, never, 5ms});
  for (int number = 0; number < 3; ++number) second.offer(note(number));
  REQUIRE(eventually([&] { return second.state().errors >= 2; }));
  CHECK(second.state().taken == 0);
  second.offer(note(3));
  REQUIRE(eventually([&] { return second.state().taken == 4; }));
  CHECK(read_file(directory / "0000000001.checkpoints") == "\n\n0\n\n\n1\n\n\n2\n\n\n3\n");
}

TEST_CASE("at the end nothing older goes behind the newest, whose last note is where a verification goes on") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "0000000000.checkpoints");
  {
    SecondPlace second(keep_in_directory(directory / ".", std::make_shared<LastFault>()), {100, never, never});
    second.offer(note(0));
    REQUIRE(eventually([&] { return second.state().errors == 1; }));
    second.offer(note(3));
  }
  CHECK(read_file(directory / "0000000001.checkpoints") == "\n\n3\n");
}

TEST_CASE("at the end one segment's file that refuses keeps no other's from what waits for it") {
  const TemporaryDirectory directory;
  const path place = directory / "not there yet";
  SecondPlace second(keep_in_directory(place, std::make_shared<LastFault>()), {100, never, never});
  second.offer(note(0));
  REQUIRE(eventually([&] { return second.state().errors == 1; }));  // and waits for an hour
  for (const int number : {3, 4, 6}) second.offer(note(number));
  std::filesystem::create_directories(place / "0000000001.checkpoints");
  second.stop();
  second.wait();
  CHECK(read_file(place / "0000000002.checkpoints") == "\n\n6\n");
  CHECK(read_file(place / "0000000000.checkpoints") == "\n\n0\n");
  CHECK(second.state().taken == 2);
  CHECK(second.state().waiting == 2);  // nor are they forgotten
}

TEST_CASE("what stands in a segment's file, though the disk may not keep it, does not go into another's as well") {
  const TemporaryDirectory directory;
  SyncWatch watch;
  watch.cannot_keep = "0000000000.checkpoints";
  const SignedCheckpoints notes{note(0)};
  const auto fault = std::make_shared<LastFault>();
  CHECK_FALSE(keep_in_directory(directory.where(), fault)(notes, 1, Steady::time_point::max()));
  CHECK(std::filesystem::exists(directory / watch.cannot_keep));
  CHECK_FALSE(std::filesystem::exists(directory / "0000000001.checkpoints"));
  CHECK(fault->get().segment == 0);
  CHECK(fault->get().why == core::Error(core::Reason::io_failed, EIO));
}

TEST_CASE("a second place that has no memory for it now gets it again") {
  const Place place;
  place.shared->go_on.set();
  place.shared->throws = true;
  SecondPlace second(place, {100, never, 5ms});
  second.offer(note(0));
  REQUIRE(eventually([&] { return second.state().errors >= 1; }));
  place.let_go();
  REQUIRE(eventually([&] { return second.state().taken == 1; }));
}

TEST_CASE("after each refusal a second place is left alone for longer") {
  const Place place;
  place.shared->go_on.set();
  place.refuse(true);
  SecondPlace second(place, {100, never, 1ms});
  second.offer(note(0));
  REQUIRE(eventually([&] { return second.state().errors >= 5; }));
  const auto tries = place.tries();
  REQUIRE(tries.size() >= 5);
  CHECK(tries[4] - tries[3] >= 8ms);
  place.refuse(false);
  REQUIRE(eventually([&] { return second.state().taken == 1; }));
}

TEST_CASE("of more checkpoints than may wait the oldest go, and are counted") {
  const Place place;
  place.refuse(GENERATE(true, false));
  SecondPlace second(place, {3, never, 5ms});
  second.offer(note(0));
  place.shared->began.wait();
  for (int number = 1; number <= 10; ++number) second.offer(note(number));
  const bool refused = place.shared->refuses;
  CHECK(second.state().dropped == 7);
  place.shared->go_on.set();
  if (refused) {
    REQUIRE(eventually([&] { return second.state().errors > 0; }));
    CHECK(second.state().dropped == 8);  // the one that was refused is older than those that wait
    place.refuse(false);
  }
  const std::uint64_t kept = refused ? 3 : 4;
  REQUIRE(eventually([&] { return second.state().taken == kept; }));
  CHECK(place.kept().back() == std::vector{9, 10});
}

TEST_CASE("a second place that takes longer than its deadline is said to fail while it does, and counts once") {
  const Place place;
  SecondPlace second(place, {3, 1ms, never});
  second.offer(note(0));
  REQUIRE(eventually([&] { return second.state().failing; }));
  CHECK(second.state().errors == 1);
  place.shared->go_on.set();
  REQUIRE(eventually([&] { return second.state().taken == 1; }));
  CHECK_FALSE(second.state().failing);
  CHECK(second.state().errors == 1);
}

TEST_CASE("the end of a second place waits until all is kept, or once more refused, or its deadline is over") {
  const Place place;
  SECTION("kept") {
    {
      SecondPlace second(place, {100, never, never});
      second.offer(note(0));
      place.shared->began.wait();
      for (int number = 3; number < 9; ++number) second.offer(note(number));
      second.stop();
      place.shared->go_on.set();
    }
    CHECK(place.kept() == std::vector<std::vector<int>>{{0}, {6, 7, 8}, {3, 4, 5}});  // the newest vouch for all
  }
  SECTION("refused") {
    place.shared->go_on.set();
    place.refuse(true);
    SecondPlace second(place, {100, never, never});
    second.offer(note(0));
    REQUIRE(eventually([&] { return second.state().errors == 1; }));  // and waits for an hour
    second.stop();
    second.wait();
    CHECK(second.state().errors == 2);
  }
  SECTION("hangs") {
    {
      SecondPlace second(place, {100, 1ms, never});
      second.offer(note(0));
      place.shared->began.wait();
    }
    CHECK(place.kept().empty());
    place.shared->go_on.set();
    CHECK(eventually([&] { return place.shared.use_count() == 1; }));  // the thread that was left behind has gone
  }
}

TEST_CASE("what is to be done within a time is done, fails as it fails, or is left behind") {
  const auto done = std::make_shared<bool>(false);
  CHECK(done_within(patience, [done] { *done = true; }));
  CHECK(*done);
  CHECK_THROWS_AS(done_within(patience, [] { throw std::runtime_error("refused"); }), std::runtime_error);
  const auto go_on = std::make_shared<Signal>(), gone_on = std::make_shared<Signal>();
  CHECK_FALSE(done_within(core::Duration::zero(), [go_on, gone_on] {
    go_on->wait();
    gone_on->set();
  }));
  go_on->set();
  gone_on->wait();
}

}  // namespace sallyport::tests
