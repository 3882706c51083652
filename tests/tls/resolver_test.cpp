// Names to addresses with a lookup that answers when the test says so, time turned by hand.
#include "tls/resolver.hpp"

#include <boost/asio/co_spawn.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "tests/support/catch.hpp"
#include "tests/support/waiting.hpp"

using namespace sallyport;
using namespace std::chrono_literals;
using boost::asio::ip::make_address;
using core::Reason;
using core::Result;
using core::Task;
using Addresses = tls::Resolver::Addresses;

namespace {

// What the network would say. Shared with lookups' threads, which may outlive the test.
class Names {
 public:
  void say(const std::string& host, std::optional<Addresses> answer) {
    const std::lock_guard lock(mutex_);
    answers_[host] = std::move(answer);
  }
  void hold(const std::string& host) {
    const std::lock_guard lock(mutex_);
    held_.insert(host);
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    held_.clear();
    changed_.notify_all();
  }
  int lookups(const std::string& host) const {
    const std::lock_guard lock(mutex_);
    const auto found = lookups_.find(host);
    return found == lookups_.end() ? 0 : found->second;
  }
  std::optional<Addresses> look_up(const std::string& host) {
    std::unique_lock lock(mutex_);
    ++lookups_[host];
    changed_.wait(lock, [&] { return !held_.contains(host); });
    return answers_[host];
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::optional<Addresses>> answers_;
  std::map<std::string, int> lookups_;
  std::set<std::string> held_;
};

const Addresses first{make_address("192.0.2.1"), make_address("2001:db8::1")}, second{make_address("192.0.2.2")};

struct Bench {
  std::shared_ptr<Names> names = std::make_shared<Names>();
  boost::asio::io_context io{1};
  core::TimePoint now = core::TimePoint{} + 1h;
  core::TimerWheel wheel{now};
  tls::ReadySet ready;
  std::optional<tls::Resolver> resolver{std::in_place, ready, wheel,
                                        [names = names](const std::string& host) { return names->look_up(host); }};

  Bench() { names->say("a", first); }
  ~Bench() { names->let_go(); }

  struct Asked {
    std::string host;
    std::optional<Result<Addresses>> found;
    Reason reason() const { return *found ? Reason::none : found->error().reason; }
  };
  std::unique_ptr<Asked> ask(const std::string& host, core::Duration patience = 10s) {
    auto asked = std::make_unique<Asked>(Asked{host, {}});
    const auto resolve = [](tls::Resolver& by, Asked& out, core::TimePoint deadline) -> Task<void> {
      out.found = co_await by.resolve(out.host, deadline);
    };
    boost::asio::co_spawn(io.get_executor(), resolve(*resolver, *asked, now + patience), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    io.restart();
    io.poll();
    ready.wait(0s);
    return asked;
  }
  void wait_for(const Asked& asked) {
    const auto begun = std::chrono::steady_clock::now();
    while (!asked.found) {
      ready.wait(100ms);
      REQUIRE(std::chrono::steady_clock::now() - begun < 10s);
    }
  }
  Addresses answer(const std::string& host) {
    const auto asked = ask(host);
    wait_for(*asked);
    return asked->found->has_value() ? **asked->found : Addresses();
  }
  void pass(core::Duration time) { wheel.advance(now += time); }
};

}  // namespace

TEST_CASE("whoever asks for a name while it is looked up shares that lookup", "[resolver]") {
  Bench bench;
  bench.names->hold("a");
  const auto one = bench.ask("a"), two = bench.ask("a"), three = bench.ask("a");
  bench.names->let_go();
  for (const auto* asked : {&one, &two, &three}) {
    bench.wait_for(**asked);
    CHECK((*asked)->found->value() == first);
  }
  CHECK(bench.names->lookups("a") == 1);
}

TEST_CASE("a name that is slow to look up keeps no other name waiting", "[resolver]") {
  Bench bench;
  bench.names->hold("slow");
  const auto slow = bench.ask("slow", 3s);
  CHECK(bench.answer("a") == first);
  bench.pass(4s);
  CHECK(slow->reason() == Reason::upstream_connect_timeout);
}

TEST_CASE("each waits until its own deadline, and a late answer is there for the next", "[resolver]") {
  Bench bench;
  bench.names->hold("a");
  const auto hasty = bench.ask("a", 1s), patient = bench.ask("a", 60s);
  bench.pass(2s);
  REQUIRE(hasty->found.has_value());
  CHECK(hasty->reason() == Reason::upstream_connect_timeout);
  CHECK_FALSE(patient->found.has_value());
  bench.names->let_go();
  bench.wait_for(*patient);
  CHECK(patient->found->value() == first);
  CHECK(bench.ask("a")->found.has_value());
  CHECK(bench.names->lookups("a") == 1);
}

TEST_CASE("an answer is used for some seconds without another lookup", "[resolver]") {
  Bench bench;
  CHECK(bench.answer("a") == first);
  bench.names->say("a", second);
  bench.pass(tls::Resolver::fresh - 1s);
  CHECK(bench.answer("a") == first);
  CHECK(bench.names->lookups("a") == 1);
  bench.pass(2s);
  CHECK(bench.answer("a") == second);
  CHECK(bench.names->lookups("a") == 2);
}

TEST_CASE("when a newer lookup does not answer soon, the last known addresses are used", "[resolver]") {
  Bench bench;
  CHECK(bench.answer("a") == first);
  bench.pass(tls::Resolver::fresh + 1s);
  bench.names->say("a", second);
  bench.names->hold("a");
  const auto waits = bench.ask("a");
  CHECK_FALSE(waits->found.has_value());
  bench.pass(tls::Resolver::patience + 100ms);
  REQUIRE(waits->found.has_value());
  CHECK(waits->found->value() == first);
  const auto at_once = bench.ask("a");  // that lookup has had its time
  REQUIRE(at_once->found.has_value());
  CHECK(at_once->found->value() == first);
  CHECK(tests::eventually([&] { return bench.names->lookups("a") == 2; }));
  SECTION("and its late answer is taken") {
    bench.names->let_go();
    CHECK(tests::eventually([&] { return bench.ask("a")->found->value() == second; }));
  }
  SECTION("but not for ever") {
    bench.pass(tls::Resolver::stale);
    const auto late = bench.ask("a", 3s);
    bench.pass(4s);
    CHECK(late->reason() == Reason::upstream_connect_timeout);
  }
}

TEST_CASE("a name that does not exist is unresolved, even if it did before", "[resolver]") {
  Bench bench;
  bench.names->say("nobody", Addresses());
  const auto nobody = bench.ask("nobody");
  bench.wait_for(*nobody);
  CHECK(nobody->reason() == Reason::upstream_unresolved);
  CHECK(bench.answer("a") == first);
  bench.pass(tls::Resolver::fresh + 1s);
  SECTION("it is gone") {
    bench.names->say("a", Addresses());
    CHECK(bench.answer("a").empty());
  }
  SECTION("nobody can say now") {
    bench.names->say("a", std::nullopt);
    CHECK(bench.answer("a") == first);
  }
}

TEST_CASE("a cancelled resolver lets everybody go at once", "[resolver]") {
  Bench bench;
  bench.names->hold("a");
  bench.names->hold("b");
  const auto one = bench.ask("a"), two = bench.ask("a"), other = bench.ask("b");
  bench.resolver->cancel();
  for (const auto* asked : {&one, &two, &other}) {
    REQUIRE((*asked)->found.has_value());
    CHECK((*asked)->reason() == Reason::cancelled);
  }
  CHECK(bench.ask("c")->reason() == Reason::cancelled);
}

TEST_CASE("a resolver may end while others wait and a lookup is under way", "[resolver]") {
  const auto names = [] {
    Bench bench;
    bench.names->hold("a");
    const auto one = bench.ask("a"), two = bench.ask("a");
    bench.resolver.reset();
    CHECK_FALSE(one->found.has_value());
    return bench.names;
  }();
  CHECK(names->lookups("a") <= 1);
}

TEST_CASE("the system's resolver knows this machine, and no name that cannot be", "[resolver]") {
  const auto local = tls::Resolver::ask_system("localhost");
  REQUIRE(local.has_value());
  REQUIRE_FALSE(local->empty());
  CHECK(local->front().is_loopback());
  const auto none =
      tls::Resolver::ask_system(std::string(64, 'x') + ".invalid");  // a label too long, so that no server is asked
  CHECK((!none.has_value() || none->empty()));
}
