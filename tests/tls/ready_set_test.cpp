// Who is told of what, over pairs of connected sockets.
#include "tls/ready_set.hpp"

#include <sys/socket.h>

#include <boost/asio/post.hpp>

#include <chrono>
#include <functional>
#include <thread>

#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace std::chrono_literals;

namespace {

struct Told final : tls::ReadySet::Watcher {
  void ready(std::uint32_t seen) override {
    ++times;
    events = seen;
    if (then) then();
  }
  int times = 0;
  std::uint32_t events = 0;
  std::function<void()> then;
};

// Two ends; the set watches `ours`, and what a new socket is told at once has been told.
struct Ends {
  explicit Ends(tls::ReadySet& to) : set(to) {
    int both[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0);
    ours = core::Descriptor(both[0]);
    theirs = core::Descriptor(both[1]);
    set.add(ours.number(), told);
    set.wait(0s);
    told.times = 0;
  }
  ~Ends() { set.remove(ours.number(), told); }
  void send(std::string_view text) const { REQUIRE(::send(theirs.number(), text.data(), text.size(), 0) > 0); }

  tls::ReadySet& set;
  Told told;
  core::Descriptor ours, theirs;
};

}  // namespace

TEST_CASE("each arrival is told once, whether it has been read or not", "[ready]") {
  tls::ReadySet set;
  Ends ends(set);
  ends.send("x");
  set.wait(10s);
  CHECK(ends.told.times == 1);
  CHECK((ends.told.events & EPOLLIN) != 0);
  set.wait(0s);
  CHECK(ends.told.times == 1);
  ends.send("y");
  set.wait(10s);
  CHECK(ends.told.times == 2);
}

TEST_CASE("a peer that has left is told behind what it sent first", "[ready]") {
  tls::ReadySet set;
  Ends ends(set);
  ends.send("unread");
  ends.theirs.close();
  set.wait(10s);
  CHECK((ends.told.events & EPOLLRDHUP) != 0);
}

TEST_CASE("who is removed by another that is told first is not told in the same turn", "[ready]") {
  tls::ReadySet set;
  Ends one(set), other(set);
  one.told.then = [&] { set.remove(other.ours.number(), other.told); };
  other.told.then = [&] { set.remove(one.ours.number(), one.told); };
  SECTION("of what the kernel found") {
    one.send("x");
    other.send("x");
  }
  SECTION("of what was asked for") {
    set.tell_later(one.told);
    set.tell_later(other.told);
  }
  set.wait(10s);
  CHECK(one.told.times + other.told.times == 1);
}

TEST_CASE("what is asked for later does not wait, and is told after this turn", "[ready]") {
  tls::ReadySet set;
  Ends ends(set);
  ends.told.then = [&] {
    if (ends.told.times == 1) set.tell_later(ends.told);
  };
  set.tell_later(ends.told);
  set.wait(10s);
  CHECK(ends.told.times == 1);
  set.wait(10s);
  CHECK(ends.told.times == 2);
}

TEST_CASE("what other threads post is done by the one that waits, in their order", "[ready]") {
  tls::ReadySet set;
  constexpr int each = 1000;
  int done[2] = {0, 0};
  bool in_order = true;
  const auto waiting = std::this_thread::get_id();
  const auto poster = [&](int who) {
    return std::thread([&, who] {
      for (int i = 0; i < each; ++i) {
        set.post([&, who, i] {
          in_order = in_order && std::this_thread::get_id() == waiting && done[who] == i;
          ++done[who];
        });
      }
    });
  };
  std::thread threads[] = {poster(0), poster(1)};
  const auto begun = std::chrono::steady_clock::now();
  while (done[0] + done[1] < 2 * each && std::chrono::steady_clock::now() - begun < 30s) set.wait(1s);
  CHECK(done[0] + done[1] == 2 * each);
  for (auto& thread : threads) thread.join();
  CHECK(in_order);
}

TEST_CASE("an io_context that runs a set has it tell what comes and what is asked for", "[ready]") {
  boost::asio::io_context io{1};
  tls::ReadySet set;
  Ends ends(set);
  set.be_run_by(io);
  SECTION("an arrival") { ends.send("x"); }
  SECTION("a wish") { set.tell_later(ends.told); }
  while (ends.told.times == 0) REQUIRE(io.run_one_for(10s) == 1);
  CHECK(ends.told.times == 1);
}

TEST_CASE("a watcher that asks again each time leaves an io_context its other work", "[ready]") {
  boost::asio::io_context io{1};
  tls::ReadySet set;
  Ends ends(set);
  set.be_run_by(io);
  bool done = false;
  ends.told.then = [&] {
    if (ends.told.times < 1000) set.tell_later(ends.told);
    if (ends.told.times == 3) boost::asio::post(io, [&] { done = true; });
  };
  set.tell_later(ends.told);
  while (!done) REQUIRE(io.run_one_for(10s) == 1);
  CHECK(ends.told.times < 1000);
}
