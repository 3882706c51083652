#include "routing/upstream_pool.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <map>

#include "tests/support/catch.hpp"
#include "tests/support/memory_stream.hpp"
#include "tests/support/run_task.hpp"

using namespace sallyport;
using namespace std::chrono_literals;
using core::Reason;
using routing::UpstreamLease;
using routing::UpstreamPool;
using routing::UpstreamSearch;
using tests::MemoryPeer;

namespace {

// A pool whose servers are scripted, with time turned by hand.
struct Place {
  boost::asio::io_context context;
  core::TimePoint now{1h};
  core::TimerWheel wheel{now};
  std::map<std::string, core::Error> down;           // host → the error of dialling it
  std::vector<std::string> dialled;                  // hosts, in order
  std::vector<core::Duration> allowed;               // deadline of each dial, from its start
  std::vector<MemoryPeer> peers;                     // the other ends of what was opened, in order
  std::vector<std::string> verdicts;                 // "HOST REASON", as they were told
  std::optional<boost::asio::steady_timer> holding;  // dials wait for it when set
  UpstreamPool pool{[this](const auto&, const auto& endpoint, auto deadline) { return dial(endpoint, deadline); },
                    wheel};

  core::Task<core::Result<routing::Dialled>> dial(const routing::Endpoint& endpoint, core::TimePoint deadline) {
    dialled.push_back(endpoint.host);
    allowed.push_back(deadline - now);
    boost::system::error_code woken;
    if (holding) co_await holding->async_wait(boost::asio::redirect_error(core::use_task, woken));
    if (const auto found = down.find(endpoint.host); found != down.end()) co_return found->second;
    auto pair = tests::memory_pair(context.get_executor());
    peers.push_back(pair.peer);
    auto verdict = [this, host = endpoint.host](core::Error outcome) {
      verdicts.push_back(host + ' ' + std::string(name(outcome.reason)));
    };
    co_return routing::Dialled{std::move(pair.stream), "group-" + std::to_string(peers.size()), std::move(verdict)};
  }

  core::Result<UpstreamLease> next(UpstreamSearch& search, bool fresh = false) {
    return tests::run(context, search.next(fresh));
  }
  core::Result<UpstreamLease> take(const routing::Upstream& upstream, bool fresh = false) {
    auto search = search_for(upstream);
    return next(search, fresh);
  }
  UpstreamSearch search_for(const routing::Upstream& upstream) {
    const routing::Destination only{&upstream, ""};
    return pool.search({&only, 1});
  }
  // An exchange that begins as it should.
  bool reach(const routing::Upstream& upstream, bool fresh = false) {
    auto lease = take(upstream, fresh);
    if (lease) lease->prove();
    return lease.has_value();
  }
  // And one that ends so.
  bool use(const routing::Upstream& upstream) {
    auto lease = take(upstream);
    if (!lease) return false;
    lease->prove();
    lease->release();
    return true;
  }
  void pass(core::Duration time) {
    now += time;
    wheel.advance(now);
  }
  void settle() {
    context.restart();
    context.poll();
  }
  MemoryPeer& peer(std::size_t index) { return peers.at(index); }
};

routing::Upstream upstream(std::vector<std::string> hosts, std::string name = "llama") {
  routing::Upstream made;
  made.name = std::move(name);
  for (auto& host : hosts) made.endpoints.push_back({std::move(host), 8000, false});
  return made;
}

Reason refusal(const core::Result<UpstreamLease>& result) { return result ? Reason::none : result.error().reason; }
using Hosts = std::vector<std::string>;

}  // namespace

TEST_CASE("A released connection is taken again, a dropped one is gone") {
  Place place;
  const auto to = upstream({"a"});
  {
    auto lease = place.take(to);
    REQUIRE(lease.has_value());
    CHECK_FALSE(lease->reused());
    CHECK(lease->endpoint().host == "a");
    CHECK(place.pool.open_count() == 1);
    CHECK(place.pool.idle_count() == 0);
    lease->release();
    CHECK(place.pool.idle_count() == 1);
    CHECK(place.peer(0).watched());
  }
  {
    auto lease = place.take(to);
    CHECK(lease->reused());
    CHECK(lease->key_exchange() == "group-1");
    CHECK_FALSE(place.peer(0).watched());
    CHECK(place.peers.size() == 1);
  }
  CHECK(place.peer(0).destroyed());
  CHECK(place.pool.open_count() == 0);
  CHECK_FALSE(place.take(to)->reused());
  CHECK(place.peers.size() == 2);
}

TEST_CASE("The most recently used connection is taken first") {
  Place place;
  const auto to = upstream({"a"});
  auto first = place.take(to), second = place.take(to), third = place.take(to);
  second->release();
  third->release();
  first->release();
  place.peer(0).send("x");  // seen through the first one only
  auto lease = place.take(to);
  CHECK(place.peer(0).destroyed());
  REQUIRE(tests::run(place.context, lease->stream().write_all(core::bytes_of("to third"))).has_value());
  CHECK(place.peer(2).received() == "to third");
  CHECK(place.pool.idle_count() == 1);
}

TEST_CASE("A fresh connection is never a pooled one") {
  Place place;
  const auto to = upstream({"a"});
  CHECK(place.use(to));
  const auto lease = place.take(to, true);
  CHECK_FALSE(lease->reused());
  CHECK(place.pool.idle_count() == 1);
  CHECK(place.pool.open_count() == 2);
}

TEST_CASE("An idle connection that its server closes is dropped at once") {
  Place place;
  const auto to = upstream({"a"});
  for (const core::Error ending : {core::Error(Reason::none), core::Error(Reason::truncated)}) {
    CHECK(place.use(to));
    auto& peer = place.peers.back();
    peer.fail(ending);
    place.settle();
    CHECK(peer.destroyed());
    CHECK(place.pool.open_count() == 0);
  }
}

TEST_CASE("An idle connection is not taken when its server has closed it but the event loop has not said so yet") {
  Place place;
  const auto to = upstream({"a"});
  CHECK(place.use(to));
  place.peer(0).end();
  CHECK_FALSE(place.take(to)->reused());
  place.settle();
  CHECK(place.peers.size() == 2);
}

TEST_CASE("A connection on which something is left unread is not kept, and one on which something came is not taken") {
  Place place;
  const auto to = upstream({"a"});
  auto lease = place.take(to);
  place.peer(0).send("HTTP/1.1 200 too much");
  lease->release();
  CHECK(place.pool.open_count() == 0);
  CHECK(place.peer(0).closed());

  CHECK(place.use(to));
  place.peer(1).send("HTTP/1.1 408 Request Timeout");
  CHECK_FALSE(place.take(to)->reused());
}

TEST_CASE("An idle connection goes at its expiry, not before, and politely") {
  Place place;
  auto to = upstream({"a"});
  to.pool.idle_expiry = 10s;
  CHECK(place.use(to));
  place.pass(9s);
  CHECK(place.use(to));  // used again: the time starts anew
  CHECK(place.peers.size() == 1);
  place.pass(10s - 100ms);
  CHECK(place.pool.idle_count() == 1);
  place.pass(100ms);
  CHECK(place.pool.idle_count() == 0);
  CHECK(place.pool.open_count() == 0);
  CHECK(place.peer(0).closed());
  CHECK(place.peer(0).destroyed());
}

TEST_CASE("A connection that is in use does not expire") {
  Place place;
  auto to = upstream({"a"});
  to.pool.idle_expiry = 10s;
  CHECK(place.use(to));
  auto lease = place.take(to);
  place.pass(1min);
  CHECK_FALSE(place.peer(0).destroyed());
  lease->release();
  CHECK(place.pool.idle_count() == 1);
}

TEST_CASE("A connection is kept no longer than its lifetime, however busy") {
  Place place;
  auto to = upstream({"a"});
  to.pool.idle_expiry = 10s;
  to.pool.lifetime = 15s;
  for (int i = 0; i < 3; ++i) {
    CHECK(place.use(to));
    place.pass(5s - 100ms);
  }
  CHECK(place.peers.size() == 1);
  CHECK(place.pool.idle_count() == 1);
  place.pass(300ms);
  CHECK(place.pool.idle_count() == 0);
  auto lease = place.take(to);
  place.pass(15s);
  lease->release();
  CHECK(place.pool.open_count() == 0);
}

TEST_CASE("Connections are opened up to the limit and refused past it") {
  Place place;
  auto to = upstream({"a"});
  to.pool.connections = 2;
  auto first = place.take(to), second = place.take(to);
  CHECK(refusal(place.take(to)) == Reason::upstream_busy);
  first->release();
  CHECK(place.take(to).has_value());
  CHECK(place.take(to).has_value());  // the one before was dropped, which made room
  second->release();
  CHECK(place.pool.idle_count() == 1);
}

TEST_CASE("Past the limit of one endpoint the next is used, and an idle connection gives way to a fresh one") {
  Place place;
  auto two = upstream({"a", "b"});
  two.pool.connections = 1;
  auto first = place.take(two), second = place.take(two);
  CHECK(place.dialled == Hosts{"a", "b"});
  CHECK(refusal(place.take(two)) == Reason::upstream_busy);

  auto one = upstream({"c"}, "other");
  one.pool.connections = 1;
  CHECK(place.use(one));
  CHECK_FALSE(place.take(one, true)->reused());
  CHECK(place.peer(2).closed());
}

TEST_CASE("A connection that is being opened counts") {
  Place place;
  auto to = upstream({"a"});
  to.pool.connections = 1;
  place.holding.emplace(place.context, boost::asio::steady_timer::time_point::max());
  std::optional<core::Result<UpstreamLease>> first;
  auto search = place.search_for(to);
  const auto keep = [&]() -> core::Task<void> { first.emplace(co_await search.next()); };
  boost::asio::co_spawn(place.context, keep(), boost::asio::detached);
  place.settle();
  CHECK(place.pool.open_count() == 1);
  CHECK(refusal(place.take(to)) == Reason::upstream_busy);
  place.pool.close_idle();  // leaves what is under way alone
  place.holding->cancel();
  place.settle();
  REQUIRE(first.has_value());
  CHECK(first->has_value());
  (*first)->release();
  CHECK(place.pool.open_count() == 0);  // of the time before close_idle
}

TEST_CASE("No more than the limit is kept idle, the oldest gives way") {
  Place place;
  auto to = upstream({"a"});
  to.pool.idle = 2;
  {
    auto first = place.take(to), second = place.take(to), third = place.take(to);
    first->release();
    second->release();
    CHECK_FALSE(place.peer(0).destroyed());
    third->release();
  }
  CHECK(place.pool.idle_count() == 2);
  CHECK(place.peer(0).closed());
  CHECK(place.peer(0).destroyed());

  auto none = upstream({"b"});
  none.pool.idle = 0;
  CHECK(place.use(none));
  CHECK(place.pool.idle_count() == 2);
  CHECK(place.peers.back().closed());
}

TEST_CASE("The endpoint with the fewest calls under way is taken, whose turn it may be") {
  Place place;
  const auto to = upstream({"a", "b", "c"});
  std::vector<core::Result<UpstreamLease>> leases;
  for (int i = 0; i < 6; ++i) leases.push_back(place.take(to));
  REQUIRE(leases[1]->endpoint().host == "b");
  REQUIRE(leases[4]->endpoint().host == "b");
  leases[4]->release();
  leases[1]->release();
  for (int i = 0; i < 2; ++i) {
    leases.push_back(place.take(to));
    CHECK(leases.back()->endpoint().host == "b");
  }
  CHECK(place.dialled == Hosts{"a", "b", "c", "a", "b", "c"});
}

TEST_CASE("An endpoint that is being dialled counts as one with a call under way") {
  Place place;
  const auto to = upstream({"a", "b"});
  place.holding.emplace(place.context, boost::asio::steady_timer::time_point::max());
  auto search = place.search_for(to);
  const auto dial = [&]() -> core::Task<void> { co_await search.next(); };
  boost::asio::co_spawn(place.context, dial(), boost::asio::detached);
  place.settle();
  const auto held = std::exchange(place.holding, std::nullopt);
  for (int i = 0; i < 3; ++i) CHECK(place.use(to));
  CHECK(place.dialled == Hosts{"a", "b"});
}

TEST_CASE("An endpoint that cools down comes last, however few calls it has") {
  Place place;
  place.down = {{"a", Reason::upstream_unreachable}};
  const auto to = upstream({"a", "b"});
  std::vector<core::Result<UpstreamLease>> leases;
  for (int i = 0; i < 3; ++i) {
    leases.push_back(place.take(to));
    CHECK(leases.back()->endpoint().host == "b");
  }
  CHECK(place.dialled == Hosts{"a", "b", "b", "b"});
}

TEST_CASE("Endpoints with as many calls under way come in turn") {
  Place place;
  const auto to = upstream({"a", "b", "c"});
  for (int i = 0; i < 6; ++i) CHECK(place.use(to));
  CHECK(place.dialled == Hosts{"a", "b", "c"});
  CHECK(place.pool.idle_count() == 3);
}

TEST_CASE("When an endpoint cannot be reached the next one is, each with the whole connect timeout") {
  for (const auto reason : {Reason::upstream_unresolved, Reason::upstream_unreachable, Reason::upstream_connect_timeout,
                            Reason::upstream_tls_failed, Reason::upstream_certificate_expired}) {
    Place place;
    place.down = {{"a", reason}};
    auto to = upstream({"a", "b"});
    to.timeouts.connect = 2s;
    const auto lease = place.take(to);
    REQUIRE(lease.has_value());
    CHECK(lease->endpoint().host == "b");
    CHECK(place.dialled == Hosts{"a", "b"});
    CHECK(place.allowed == std::vector<core::Duration>{2s, 2s});
    CHECK(place.pool.open_count() == 1);
  }
}

TEST_CASE("When no endpoint can be reached the last one's error is given and nothing stays open") {
  Place place;
  place.down = {{"a", Reason::upstream_unreachable}, {"b", Reason::upstream_certificate_name}};
  const auto to = upstream({"a", "b"});
  CHECK(refusal(place.take(to)) == Reason::upstream_certificate_name);
  CHECK(place.pool.open_count() == 0);
}

TEST_CASE("A caller that gives up is no fault of the endpoint's, and no other is tried") {
  Place place;
  place.down = {{"a", Reason::cancelled}};
  const auto to = upstream({"a", "b"});
  CHECK(refusal(place.take(to)) == Reason::cancelled);
  CHECK(place.dialled == Hosts{"a"});
  place.down.clear();
  CHECK(place.use(to));
  CHECK(place.take(to, true)->endpoint().host == "a");
}

TEST_CASE("An endpoint that failed is left alone for 1 s, doubled to 30 s, and comes back after a success") {
  Place place;
  place.down = {{"a", Reason::upstream_unreachable}};
  const auto to = upstream({"a", "b"});
  const auto tries_of_a = [&] {
    place.dialled.clear();
    for (int i = 0; i < 4; ++i) CHECK(place.reach(to, true));
    return std::count(place.dialled.begin(), place.dialled.end(), "a");
  };
  CHECK(tries_of_a() == 1);
  for (const core::Duration pause : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    place.pass(pause - 100ms);
    CHECK(tries_of_a() == 0);
    place.pass(100ms);
    CHECK(tries_of_a() == 1);
  }
  place.pass(30s);
  place.down.clear();
  CHECK(tries_of_a() == 2);
  place.down = {{"a", Reason::upstream_unreachable}};
  CHECK(tries_of_a() == 1);
  place.pass(1s);
  CHECK(tries_of_a() == 1);
}

TEST_CASE("Endpoints that all failed are still tried") {
  Place place;
  place.down = {{"a", Reason::upstream_unreachable}, {"b", Reason::upstream_unreachable}};
  const auto to = upstream({"a", "b"});
  CHECK_FALSE(place.use(to));
  CHECK_FALSE(place.use(to));
  CHECK(place.dialled.size() == 4);
  place.down.clear();
  CHECK(place.use(to));
}

TEST_CASE("After a pause one call tries the endpoint that failed, the others go elsewhere meanwhile") {
  Place place;
  place.down = {{"a", Reason::upstream_unreachable}};
  const auto to = upstream({"a", "b"});
  CHECK(place.reach(to, true));
  place.pass(1s);
  place.dialled.clear();
  place.holding.emplace(place.context, boost::asio::steady_timer::time_point::max());
  const auto call = [&]() -> core::Task<void> {
    auto search = place.search_for(to);
    (void)co_await search.next(true);
  };
  for (int i = 0; i < 4; ++i) boost::asio::co_spawn(place.context, call(), boost::asio::detached);
  place.settle();
  CHECK(place.dialled.size() == 4);
  CHECK(std::count(place.dialled.begin(), place.dialled.end(), "a") == 1);
  place.holding->cancel();
  place.settle();
}

TEST_CASE("A server that refuses a new connection counts as one that cannot be reached, longer each time") {
  Place place;
  const auto to = upstream({"a", "b"});
  const auto refusals_of_a = [&] {
    place.dialled.clear();
    for (int i = 0; i < 4; ++i) {
      auto search = place.search_for(to);
      auto lease = place.next(search);
      if (lease->endpoint().host == "a") {
        search.refused(*lease, Reason::upstream_rejected_certificate);
        lease = place.next(search);
      }
      CHECK(lease->endpoint().host == "b");
      lease->prove();
    }
    return std::count(place.dialled.begin(), place.dialled.end(), "a");
  };
  CHECK(refusals_of_a() == 1);
  for (const core::Duration pause : {1s, 2s, 4s}) {
    place.pass(pause - 100ms);
    CHECK(refusals_of_a() == 0);
    place.pass(100ms);
    CHECK(refusals_of_a() == 1);
  }
  place.pass(8s);
  CHECK(place.reach(to, true));
  CHECK(place.reach(to, true));  // both work: the count begins anew
  CHECK(refusals_of_a() == 1);
  place.pass(1s);
  CHECK(refusals_of_a() == 1);
  CHECK(place.pool.open_count() == 0);
}

TEST_CASE("What a new connection turned out to be is told once") {
  Place place;
  const auto to = upstream({"a"});
  const auto told = [&] { return std::exchange(place.verdicts, {}); };
  {
    auto lease = place.take(to);
    CHECK_FALSE(lease->proven());
    CHECK(told().empty());
    lease->prove();
    CHECK(lease->proven());
    CHECK(told() == Hosts{"a none"});
    lease->prove();
    lease->release();
  }
  CHECK(place.take(to)->proven());
  CHECK(told().empty());

  (void)place.take(to);
  CHECK(told() == Hosts{"a cancelled"});
  {
    auto search = place.search_for(to);
    auto lease = place.next(search);
    search.refused(*lease, Reason::upstream_rejected_certificate);
  }
  CHECK(told() == Hosts{"a upstream_rejected_certificate"});

  place.take(to)->release();  // unused, and kept
  CHECK_FALSE(place.take(to)->proven());
  CHECK(told() == Hosts{"a cancelled"});
}

TEST_CASE("A search dials each endpoint once, and a fresh connection begins with the endpoint of the stale one") {
  Place place;
  const auto to = upstream({"a", "b"});
  CHECK(place.use(to));
  auto first = place.search_for(to);
  CHECK(place.next(first)->endpoint().host == "b");
  auto second = place.search_for(to);
  {
    auto stale = place.next(second);
    CHECK(stale->reused());
    CHECK_FALSE(second.at_last());
  }
  auto fresh = place.next(second, true);
  CHECK(fresh->endpoint().host == "a");
  CHECK_FALSE(fresh->reused());
  second.refused(*fresh, Reason::upstream_rejected_certificate);
  CHECK(second.at_last());
  auto other = place.next(second);
  CHECK(other->endpoint().host == "b");
  second.refused(*other, Reason::upstream_rejected_certificate);
  CHECK(refusal(place.next(second)) == Reason::upstream_rejected_certificate);
  CHECK(place.dialled == Hosts{"a", "b", "a", "b"});
}

TEST_CASE("A search goes through one destination after the other, and to those that cool down at the end") {
  Place place;
  const auto one = upstream({"a", "b"}, "one"), two = upstream({"c", "d"}, "two");
  const routing::Destination both[] = {{&one, "x"}, {&two, "y"}, {&one, "z"}};  // the third leads to the same servers
  place.down = {{"a", Reason::upstream_unreachable}, {"b", Reason::upstream_unreachable}};
  const auto tried = [&] {
    place.dialled.clear();
    auto search = place.pool.search(both);
    const auto lease = place.next(search, true);
    CHECK(search.destination() == (lease ? 1 : 0));
    return place.dialled;
  };
  CHECK(tried() == Hosts{"a", "b", "c"});
  CHECK(tried() == Hosts{"c"});  // where the first call was only led on to: its turn was not used up
  CHECK(tried() == Hosts{"d"});
  CHECK(tried() == Hosts{"c"});
  place.pass(1s);
  CHECK(tried() == Hosts{"b", "a", "d"});
  place.pass(1s);
  place.down["c"] = place.down["d"] = Reason::upstream_unreachable;
  CHECK(tried() == Hosts{"d", "c", "a", "b"});
}

TEST_CASE("A search goes on where a destination has no room") {
  Place place;
  auto one = upstream({"a"}, "one");
  const auto two = upstream({"b"}, "two");
  one.pool.connections = 1;
  const routing::Destination both[] = {{&one, "x"}, {&two, "y"}};
  auto first = place.pool.search(both), second = place.pool.search(both);
  const auto held = place.next(first);
  CHECK(held->endpoint().host == "a");
  CHECK(place.next(second)->endpoint().host == "b");
  CHECK(second.destination() == 1);
}

TEST_CASE("Connections of one upstream are not given to another, nor those of one port") {
  Place place;
  auto one = upstream({"a"}, "one");
  const auto two = upstream({"a"}, "two");
  CHECK(place.use(one));
  CHECK_FALSE(place.take(two)->reused());
  auto moved = one;
  moved.endpoints[0].port = 9000;
  CHECK_FALSE(place.take(moved)->reused());
  CHECK(place.take(one)->reused());
}

TEST_CASE("close_idle closes what is idle at once and what is leased when it is released") {
  Place place;
  const auto to = upstream({"a"});
  auto leased = place.take(to);
  CHECK(place.use(to));
  CHECK(place.pool.open_count() == 2);
  place.pool.close_idle();
  CHECK(place.pool.idle_count() == 0);
  CHECK(place.pool.open_count() == 1);
  CHECK(place.peer(1).closed());
  leased->release();
  CHECK(place.pool.open_count() == 0);
  CHECK(place.peer(0).closed());
  CHECK(place.use(to));
  CHECK(place.pool.idle_count() == 1);
}

TEST_CASE("A lease can be moved, and what it held before is dropped") {
  Place place;
  const auto to = upstream({"a"});
  auto first = place.take(to), second = place.take(to);
  *first = std::move(*second);
  CHECK(place.peer(0).destroyed());
  second->release();  // empty: nothing
  CHECK(place.pool.open_count() == 1);
  first->release();
  CHECK(place.pool.idle_count() == 1);
}

TEST_CASE("A pool that ends closes what is idle, and what is leased can be released or dropped after it") {
  boost::asio::io_context context;
  core::TimerWheel wheel{core::TimePoint{1h}};
  std::vector<MemoryPeer> peers;
  const auto to = upstream({"a"});
  const auto dial = [&](const auto&, const auto&, auto) -> core::Task<core::Result<routing::Dialled>> {
    auto pair = tests::memory_pair(context.get_executor());
    peers.push_back(pair.peer);
    co_return routing::Dialled{std::move(pair.stream), ""};
  };
  auto pool = std::make_unique<UpstreamPool>(dial, wheel);
  const auto take = [&] {
    const routing::Destination only{&to, ""};
    auto search = pool->search({&only, 1});
    return tests::run(context, search.next());
  };
  auto released = take(), dropped = take();
  take()->release();
  pool.reset();
  CHECK(peers[2].closed());
  CHECK(peers[2].destroyed());
  CHECK_FALSE(peers[0].destroyed());
  released->release();
  CHECK(peers[0].closed());
  CHECK(peers[0].destroyed());
}

TEST_CASE("A coroutine that is destroyed while it dials leaves nothing behind") {
  auto place = std::make_unique<Place>();
  const auto to = upstream({"a"});
  place->holding.emplace(place->context, boost::asio::steady_timer::time_point::max());
  const auto call = [&]() -> core::Task<void> {
    auto search = place->search_for(to);
    (void)co_await search.next();
  };
  boost::asio::co_spawn(place->context, call(), boost::asio::detached);
  place->settle();
  CHECK(place->pool.open_count() == 1);
  place.reset();  // the pool first, then the event loop with what waits in it
}
