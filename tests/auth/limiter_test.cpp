#include "auth/limiter.hpp"

#include <atomic>
#include <thread>

#include "tests/auth/samples.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::auth;
using namespace sallyport::auth::test;
using core::Duration;
using core::Reason;
using core::TimePoint;

namespace {

const TimePoint start = TimePoint(1000h);

struct Desk {
  Limiter limiter;
  Standings standings;

  core::Result<Admission> admit(const Principal& who, std::uint64_t tokens = 0, Duration after = {}) {
    return limiter.admit(who, tokens, start + after, standings);
  }
  Reason reason(const Principal& who, std::uint64_t tokens = 0, Duration after = {}) {
    const auto result = admit(who, tokens, after);
    return result.has_value() ? Reason::none : result.error().reason;
  }
};

}  // namespace

TEST_CASE("as many requests a minute as allowed are admitted and not one more") {
  const Principal who = principal_with({.requests_per_minute = 3, .tokens_per_minute = 0, .concurrent_requests = 0});
  Desk desk;
  for (int i = 0; i < 3; ++i) CHECK(desk.reason(who) == Reason::none);
  CHECK(desk.reason(who) == Reason::requests_limited);
  CHECK(desk.standings.retry_after == 20s);
  CHECK(desk.reason(who, 0, 20s - 1us) == Reason::requests_limited);
  CHECK(desk.reason(who, 0, 20s) == Reason::none);
}

TEST_CASE("tokens are reserved by estimate before the call") {
  const Principal who = principal_with({.requests_per_minute = 0, .tokens_per_minute = 1000, .concurrent_requests = 0});
  Desk desk;
  const auto first = desk.admit(who, 600);
  REQUIRE(first.has_value());
  CHECK(desk.reason(who, 401) == Reason::tokens_limited);
  CHECK(desk.standings.retry_after == 60ms);
  CHECK(desk.reason(who, 400) == Reason::none);
}

TEST_CASE("tokens that were not used are there again at once") {
  const Principal who = principal_with({.requests_per_minute = 0, .tokens_per_minute = 1000, .concurrent_requests = 0});
  Desk desk;
  auto first = desk.admit(who, 1000);
  first->settle(100);
  CHECK(desk.reason(who, 901) == Reason::tokens_limited);
  CHECK(desk.reason(who, 900) == Reason::none);
}

TEST_CASE("tokens used beyond the estimate are charged and may leave a debt") {
  const Principal who = principal_with({.requests_per_minute = 0, .tokens_per_minute = 1000, .concurrent_requests = 0});
  Desk desk;
  desk.admit(who, 100)->settle(2000);
  CHECK(desk.reason(who, 1) == Reason::tokens_limited);
  CHECK(desk.standings.tokens->remaining == 0);
  CHECK(desk.standings.retry_after == 60060ms);
  CHECK(desk.reason(who, 1, 60060ms) == Reason::none);
}

TEST_CASE("one absurd usage figure locks nobody out for long") {
  const Principal who = principal_with({.requests_per_minute = 0, .tokens_per_minute = 1000, .concurrent_requests = 0});
  Desk desk;
  desk.admit(who, 1)->settle(UINT64_MAX);
  CHECK(desk.reason(who, 1) == Reason::tokens_limited);
  CHECK(desk.reason(who, 1, 5min + 60ms) == Reason::none);
}

TEST_CASE("an admission is settled once, and unsettled costs what was asked") {
  const Principal who = principal_with({.requests_per_minute = 0, .tokens_per_minute = 1000, .concurrent_requests = 0});
  Desk desk;
  {
    auto admission = desk.admit(who, 500);
    admission->settle(400);
    admission->settle(0);
  }
  { const auto unsettled = desk.admit(who, 100); }
  CHECK(desk.reason(who, 501) == Reason::tokens_limited);
  CHECK(desk.reason(who, 500) == Reason::none);
}

TEST_CASE("an estimate above the whole allowance waits for a full bucket and is then paid off") {
  const Principal who = principal_with({.requests_per_minute = 0, .tokens_per_minute = 1000, .concurrent_requests = 0});
  Desk desk;
  CHECK(desk.reason(who, 3000) == Reason::none);
  CHECK(desk.reason(who, 1) == Reason::tokens_limited);
  CHECK(desk.standings.retry_after == 2min + 60ms);
  CHECK(desk.reason(who, 3000, 3min - 1us) == Reason::tokens_limited);
  CHECK(desk.reason(who, 3000, 3min) == Reason::none);
}

TEST_CASE("an estimate beyond the deepest debt gives back no more than it took") {
  const Principal who = principal_with({.requests_per_minute = 0, .tokens_per_minute = 1000, .concurrent_requests = 0});
  Desk desk;
  desk.admit(who, UINT64_MAX)->settle(1000);
  CHECK(desk.reason(who, 1) == Reason::tokens_limited);
  CHECK(desk.standings.tokens->reset == 1min);
}

TEST_CASE("a call that spends no tokens is not held back by spent ones") {
  const Principal who = principal_with({.requests_per_minute = 0, .tokens_per_minute = 10, .concurrent_requests = 0});
  Desk desk;
  CHECK(desk.reason(who, 10) == Reason::none);
  CHECK(desk.reason(who, 1) == Reason::tokens_limited);
  CHECK(desk.reason(who, 0) == Reason::none);
}

TEST_CASE("as many requests at once as allowed, and the next when one has ended") {
  const Principal who = principal_with({.requests_per_minute = 0, .tokens_per_minute = 0, .concurrent_requests = 2});
  Desk desk;
  auto first = desk.admit(who);
  auto second = desk.admit(who);
  CHECK(desk.reason(who) == Reason::concurrency_limited);
  CHECK(desk.standings.retry_after > Duration::zero());
  { const Admission ended = std::move(*first); }
  CHECK(desk.reason(who) == Reason::none);
  const auto third = desk.admit(who);
  CHECK(third.has_value());
  CHECK(desk.reason(who) == Reason::concurrency_limited);
}

TEST_CASE("an admission that is moved over another ends the other") {
  const Principal who = principal_with({.requests_per_minute = 0, .tokens_per_minute = 0, .concurrent_requests = 2});
  Desk desk;
  Admission first = std::move(desk.admit(who).value());
  Admission second = std::move(desk.admit(who).value());
  first = std::move(second);
  CHECK(desk.reason(who) == Reason::none);
  auto& same = first;
  first = std::move(same);
  const auto third = desk.admit(who);
  CHECK(desk.reason(who) == Reason::concurrency_limited);
}

TEST_CASE("a refusal spends nothing of any limit") {
  const Principal who = principal_with({.requests_per_minute = 2, .tokens_per_minute = 100, .concurrent_requests = 1});
  Desk desk;
  auto first = desk.admit(who, 40);
  for (int i = 0; i < 10; ++i) CHECK(desk.reason(who, 40) == Reason::concurrency_limited);
  for (int i = 0; i < 10; ++i) CHECK(desk.reason(who, 61) == Reason::tokens_limited);
  CHECK(desk.standings.requests->remaining == 1);
  CHECK(desk.standings.tokens->remaining == 60);
  { const Admission ended = std::move(*first); }
  CHECK(desk.reason(who, 60) == Reason::none);
}

TEST_CASE("the wait that is told is long enough for requests and tokens alike") {
  const Principal who = principal_with({.requests_per_minute = 60, .tokens_per_minute = 60, .concurrent_requests = 0});
  Desk desk;
  for (int i = 0; i < 60; ++i) CHECK(desk.reason(who, 1) == Reason::none);
  CHECK(desk.reason(who, 30) == Reason::requests_limited);
  CHECK(desk.standings.retry_after == 30s);
  CHECK(desk.reason(who, 30, 30s) == Reason::none);
}

TEST_CASE("standings speak of the limits there are, with this exchange counted") {
  const Principal who = principal_with({.requests_per_minute = 10, .tokens_per_minute = 600, .concurrent_requests = 0});
  Desk desk;
  const auto admission = desk.admit(who, 60);
  const Standings& standings = desk.standings;
  REQUIRE((standings.requests && standings.tokens));
  CHECK(standings.requests->limit == 10);
  CHECK(standings.requests->remaining == 9);
  CHECK(standings.requests->reset == 6s);
  CHECK(standings.tokens->limit == 600);
  CHECK(standings.tokens->remaining == 540);
  CHECK(standings.tokens->reset == 6s);
  CHECK(standings.retry_after == Duration::zero());
  CHECK(desk.reason(principal_with({}, "cert:free"), UINT64_MAX) == Reason::none);
  CHECK_FALSE(desk.standings.requests);
  CHECK_FALSE(desk.standings.tokens);
}

TEST_CASE("principals do not spend each other's allowance") {
  const Allowance one{.requests_per_minute = 1, .tokens_per_minute = 0, .concurrent_requests = 0};
  Desk desk;
  CHECK(desk.reason(principal_with(one, "cert:a")) == Reason::none);
  CHECK(desk.reason(principal_with(one, "cert:a")) == Reason::requests_limited);
  CHECK(desk.reason(principal_with(one, "cert:b")) == Reason::none);
}

TEST_CASE("an allowance that a reload changed counts at once and refills nobody") {
  const auto allowed = [](std::uint64_t requests, std::uint32_t at_once = 0) {
    return principal_with({.requests_per_minute = requests, .tokens_per_minute = 0, .concurrent_requests = at_once});
  };
  Desk desk;
  for (int i = 0; i < 10; ++i) CHECK(desk.reason(allowed(10)) == Reason::none);
  CHECK(desk.reason(allowed(10)) == Reason::requests_limited);
  CHECK(desk.reason(allowed(11)) == Reason::none);
  CHECK(desk.reason(allowed(11)) == Reason::requests_limited);
  CHECK(desk.reason(allowed(5)) == Reason::requests_limited);
  CHECK(desk.reason(allowed(0)) == Reason::none);
  const auto running = desk.admit(allowed(0));
  CHECK(desk.reason(allowed(0, 1)) == Reason::concurrency_limited);
}

TEST_CASE("an admission may outlive its limiter") {
  auto desk = std::make_unique<Desk>();
  auto admission =
      desk->admit(principal_with({.requests_per_minute = 1, .tokens_per_minute = 10, .concurrent_requests = 1}), 5);
  desk.reset();
  CHECK_NOTHROW(admission->settle(3));
}

TEST_CASE("accounts with nothing in use and nothing spent are forgotten past the bound") {
  constexpr std::size_t bound = Limiter::shard_count * Limiter::accounts_before_sweep;
  Desk desk;
  const Allowance ten{.requests_per_minute = 10, .tokens_per_minute = 0, .concurrent_requests = 0};
  const auto running = desk.admit(principal_with({}, "cert:running"));
  for (std::size_t i = 0; i < 2 * bound; ++i) {
    // A minute apart, so that each is whole again when the next comes.
    const auto who = principal_with(ten, "cert:" + std::to_string(i));
    REQUIRE(desk.reason(who, 0, std::chrono::minutes(i)) == Reason::none);
  }
  CHECK(desk.limiter.account_count() <= bound + Limiter::shard_count);
  CHECK(desk.limiter.account_count() >= 1);
}

TEST_CASE("accounts with something spent are kept past the bound") {
  constexpr std::size_t count = 2 * Limiter::shard_count * Limiter::accounts_before_sweep;
  const Allowance one{.requests_per_minute = 1, .tokens_per_minute = 0, .concurrent_requests = 0};
  Desk desk;
  for (std::size_t i = 0; i < count; ++i) desk.reason(principal_with(one, "cert:" + std::to_string(i)));
  CHECK(desk.limiter.account_count() == count);
  CHECK(desk.reason(principal_with(one, "cert:0")) == Reason::requests_limited);
}

TEST_CASE("threads together are admitted exactly as often as allowed") {
  constexpr int threads = 4;
  constexpr std::uint64_t allowed = 5'000;
  const Principal who =
      principal_with({.requests_per_minute = allowed, .tokens_per_minute = 10 * allowed, .concurrent_requests = 0});
  Limiter limiter;
  std::atomic<std::uint64_t> admitted{0};
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&] {
      for (std::uint64_t i = 0; i < allowed; ++i) {
        Standings standings;
        auto admission = limiter.admit(who, 10, start, standings);
        if (!admission) continue;
        ++admitted;
        if (i % 2 == 0) admission->settle(10);
      }
    });
  }
  for (auto& worker : workers) worker.join();
  CHECK(admitted == allowed);
}

TEST_CASE("threads never run more at once than allowed, while accounts come and go") {
  constexpr int threads = 4;
  const Principal shared =
      principal_with({.requests_per_minute = 0, .tokens_per_minute = 1000, .concurrent_requests = 2});
  Limiter limiter;
  std::atomic<int> running{0}, most{0}, served{0};
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      for (int i = 0; i < 2'000; ++i) {
        Standings standings;
        const auto other = principal_with({}, "cert:" + std::to_string(t) + "-" + std::to_string(i));
        const auto passing = limiter.admit(other, 0, start + std::chrono::minutes(i), standings);
        auto admission = limiter.admit(shared, 1, start + std::chrono::minutes(i), standings);
        if (!admission) continue;
        const int now_running = ++running;
        for (int seen = most; now_running > seen && !most.compare_exchange_weak(seen, now_running);) {
        }
        ++served;
        admission->settle(2);
        --running;
      }
    });
  }
  for (auto& worker : workers) worker.join();
  CHECK(most <= 2);
  CHECK(served > 0);
}

namespace {

// Two gateways and what they count together, told as it happens.
struct Together {
  Limiter one{Counting::together}, two{Counting::together};
  Standings standings;

  core::Result<Admission> admit(Limiter& at, const Principal& who, std::uint64_t tokens = 0, Duration after = {}) {
    return at.admit(who, tokens, start + after, standings);
  }
  // Both are told `owed` of everyone they speak of.
  static void adopt(Limiter& at, const Owed& owed, Duration after = {}) {
    for (const Spent& spent : at.collect(start)) at.adopt(spent, owed, start + after);
  }
};

const Allowance three_a_minute{.requests_per_minute = 3, .tokens_per_minute = 0, .concurrent_requests = 0};
const Allowance thousand_tokens{.requests_per_minute = 0, .tokens_per_minute = 1000, .concurrent_requests = 0};

}  // namespace

TEST_CASE("what was spent is collected once, with what was given back taken off") {
  const Principal who = principal_with({.requests_per_minute = 3, .tokens_per_minute = 1000, .concurrent_requests = 0});
  Together gateways;
  gateways.admit(gateways.one, who, 400)->settle(100);
  (void)gateways.admit(gateways.one, who, 50);
  const auto spent = gateways.one.collect(start);
  REQUIRE(spent.size() == 1);
  CHECK(spent[0].principal == who.id());
  CHECK(spent[0].requests_per_minute == 3);
  CHECK(spent[0].tokens_per_minute == 1000);
  CHECK(spent[0].requests == 2);
  CHECK(spent[0].tokens == 150);
  CHECK(gateways.one.collect(start).empty());
}

TEST_CASE("a gateway that counts alone, and a caller without limits by time, give nothing to collect") {
  const Principal who = principal_with(three_a_minute);
  const Principal free = principal_with({.requests_per_minute = 0, .tokens_per_minute = 0, .concurrent_requests = 5});
  Together gateways;
  Limiter alone;
  const auto first = gateways.admit(alone, who);
  const auto second = gateways.admit(gateways.one, free);
  CHECK(alone.collect(start).empty());
  CHECK(gateways.one.collect(start).empty());
}

TEST_CASE("a caller with a call running is asked about each time, so that a late settlement is told too") {
  const Principal who = principal_with(thousand_tokens);
  Together gateways;
  auto running = gateways.admit(gateways.one, who, 600);
  CHECK(gateways.one.collect(start).at(0).tokens == 600);
  CHECK(gateways.one.collect(start).at(0).tokens == 0);
  running->settle(10);
  running = core::Error(Reason::none);  // ends
  CHECK(gateways.one.collect(start).at(0).tokens == -590);
  CHECK(gateways.one.collect(start).empty());
}

TEST_CASE("the common count replaces a gateway's own, up and down") {
  const Principal who = principal_with(three_a_minute);
  Together gateways;
  REQUIRE(gateways.admit(gateways.one, who).has_value());
  SECTION("others spent the rest") {
    gateways.adopt(gateways.one, {.requests = 3000});
    CHECK(gateways.admit(gateways.one, who).error().reason == Reason::requests_limited);
    CHECK(gateways.standings.retry_after == 20s);
    CHECK(gateways.admit(gateways.one, who, 0, 20s).has_value());
  }
  SECTION("others spent too much, which is a debt of all") {
    gateways.adopt(gateways.one, {.requests = 5000});
    CHECK(gateways.admit(gateways.one, who, 0, 60s - 1us).error().reason == Reason::requests_limited);
    CHECK(gateways.admit(gateways.one, who, 0, 60s).has_value());
  }
  SECTION("parts of a request count") {
    gateways.adopt(gateways.one, {.requests = 2001});
    CHECK(gateways.admit(gateways.one, who).error().reason == Reason::requests_limited);
    CHECK(gateways.standings.retry_after == 20ms);
  }
  SECTION("a caller who was refused learns that there is room again") {
    gateways.adopt(gateways.one, {.requests = 3000});
    REQUIRE_FALSE(gateways.admit(gateways.one, who).has_value());
    gateways.adopt(gateways.one, {.requests = 0});
    CHECK(gateways.admit(gateways.one, who).has_value());
  }
}

TEST_CASE("what a gateway knew besides is told too, less what time has brought back") {
  const Principal who = principal_with({.requests_per_minute = 3, .tokens_per_minute = 1000, .concurrent_requests = 0});
  Together gateways;
  const auto first = gateways.admit(gateways.one, who, 100);
  CHECK(gateways.one.collect(start).at(0).before.requests == 0);
  const auto running = gateways.admit(gateways.one, who, 200);
  gateways.adopt(gateways.one, {.requests = 2500, .tokens = 900'000});
  const auto second = gateways.admit(gateways.one, who, 50, 10s);
  const Spent spent = gateways.one.collect(start + 15s).at(0);
  CHECK(spent.requests == 1);
  CHECK(spent.tokens == 50);
  CHECK(spent.before.requests == 1750);
  CHECK(spent.before.tokens == 650'000);
}

TEST_CASE("what was spent while the others were asked counts on top of their answer") {
  const Principal who = principal_with(three_a_minute);
  Together gateways;
  REQUIRE(gateways.admit(gateways.one, who).has_value());
  const auto spent = gateways.one.collect(start);
  REQUIRE(gateways.admit(gateways.one, who).has_value());
  gateways.one.adopt(spent.at(0), {.requests = 2000}, start);
  CHECK(gateways.admit(gateways.one, who).error().reason == Reason::requests_limited);
  CHECK(gateways.one.collect(start).at(0).requests == 1);
}

TEST_CASE("an answer that no gateway would give leaves a bucket between whole and its deepest debt") {
  const Principal who = principal_with(three_a_minute);
  Together gateways;
  REQUIRE(gateways.admit(gateways.one, who).has_value());
  SECTION("less than nothing is owed") {
    gateways.adopt(gateways.one, {.requests = INT64_MIN / 2});
    CHECK(gateways.admit(gateways.one, who).has_value());
    CHECK(gateways.standings.requests->remaining == 2);
  }
  SECTION("more than the deepest debt") {
    gateways.adopt(gateways.one, {.requests = INT64_MAX / 2});
    CHECK_FALSE(gateways.admit(gateways.one, who).has_value());
    CHECK(gateways.standings.requests->reset == 6min);
  }
}

TEST_CASE("what nobody heard of is told again, unless time has brought it back") {
  const Principal who = principal_with({.requests_per_minute = 3, .tokens_per_minute = 1000, .concurrent_requests = 0});
  Together gateways;
  auto admission = gateways.admit(gateways.one, who, 500);
  const Spent spent = gateways.one.collect(start).at(0);
  SECTION("soon") {
    gateways.one.put_back(spent, start);
    const Spent again = gateways.one.collect(start).at(0);
    CHECK(again.requests == 1);
    CHECK(again.tokens == 500);
  }
  SECTION("with what came meanwhile") {
    admission->settle(200);
    gateways.one.put_back(spent, start);
    CHECK(gateways.one.collect(start).at(0).tokens == 200);
  }
  SECTION("when half of it has come back") {
    gateways.one.put_back(spent, start + 15s);
    CHECK(gateways.one.collect(start).at(0).tokens == 250);
  }
  SECTION("when all of it has come back") {
    gateways.one.put_back(spent, start + 1min);
    const Spent again = gateways.one.collect(start).at(0);
    CHECK(again.requests == 0);
    CHECK(again.tokens == 0);
  }
}

TEST_CASE("a return of tokens that nobody heard of is left to time") {
  const Principal who = principal_with(thousand_tokens);
  Together gateways;
  auto admission = gateways.admit(gateways.one, who, 500);
  (void)gateways.one.collect(start);
  admission->settle(0);
  const Spent returned = gateways.one.collect(start).at(0);
  REQUIRE(returned.tokens == -500);
  gateways.one.put_back(returned, start);
  CHECK(gateways.one.collect(start).at(0).tokens == 0);
}

TEST_CASE("accounts that are still to be collected are not forgotten") {
  constexpr std::size_t count = 2 * Limiter::shard_count * Limiter::accounts_before_sweep;
  Together gateways;
  for (std::size_t i = 0; i < count; ++i) {
    const auto who = principal_with(three_a_minute, "cert:" + std::to_string(i));
    REQUIRE(gateways.admit(gateways.one, who, 0, std::chrono::minutes(i)).has_value());
  }
  CHECK(gateways.one.collect(start).size() == count);
}

TEST_CASE("nothing that threads spend is lost on the way to the others, or told twice") {
  constexpr int threads = 4;
  constexpr std::uint64_t calls = 2'000;
  const Principal who = principal_with(
      {.requests_per_minute = 2 * threads * calls, .tokens_per_minute = 1'000'000, .concurrent_requests = 0});
  Limiter limiter(Counting::together);
  std::atomic<int> working{threads};
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&] {
      for (std::uint64_t i = 0; i < calls; ++i) {
        Standings standings;
        limiter.admit(who, 10, start, standings)->settle(i % 2 == 0 ? 3 : 12);
      }
      --working;
    });
  }
  std::int64_t requests = 0, tokens = 0;
  const auto collect = [&] {
    for (const Spent& spent : limiter.collect(start)) {
      requests += spent.requests;
      tokens += spent.tokens;
      limiter.adopt(spent, {.requests = requests * 1000, .tokens = tokens * 1000}, start);
    }
  };
  while (working > 0) collect();
  for (auto& worker : workers) worker.join();
  collect();
  CHECK(requests == threads * calls);
  CHECK(tokens == threads * calls * 15 / 2);
}
