#include "routing/upstream_pool.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <tuple>
#include <utility>

namespace sallyport::routing {
namespace {

using core::Reason;

constexpr core::Duration first_cool_down = std::chrono::seconds(1);
constexpr core::Duration longest_cool_down = std::chrono::seconds(30);

}  // namespace

// Counted in its shelf's `open` from before it is dialled until it is destroyed.
struct UpstreamLease::Connection {
  explicit Connection(std::shared_ptr<UpstreamPool::Shelf> home);
  ~Connection();

  const std::shared_ptr<UpstreamPool::Shelf> shelf;
  void judge(core::Error outcome);

  const std::uint64_t epoch;  // of the shelf, when this connection was dialled
  core::TimePoint opened{};
  bool reused = false, proven = false;
  std::unique_ptr<core::ByteStream> stream;
  std::string key_exchange;
  std::function<void(core::Error)> verdict;
  std::optional<core::TimerWheel::Timer> expiry;  // while idle
};

// The connections of one endpoint. The pool and the connections share it, so that either may be destroyed first. An
// idle connection and its shelf own each other until the connection is taken or discarded, at the latest when the pool
// is destroyed; a connection that is released later is closed.
struct UpstreamPool::Shelf {
  Shelf(const Endpoint& where, core::TimerWheel& time) : endpoint(where), wheel(time) {}

  std::unique_ptr<Connection> take_idle();
  void keep(std::unique_ptr<Connection> connection);
  void discard(const Connection& connection);
  void discard_oldest() { discard(*idle.front()); }
  void close_idle();
  bool make_room();
  void failed(core::TimePoint now);
  std::size_t in_use() const noexcept { return open - idle.size(); }  // leased or being opened

  const Endpoint endpoint;
  PoolLimits limits;
  core::TimerWheel& wheel;
  std::uint64_t epoch = 0;                        // raised by close_idle: connections dialled before are not kept
  std::vector<std::unique_ptr<Connection>> idle;  // the most recently used last
  std::size_t open = 0;                           // leased, being opened and idle
  std::uint32_t failures = 0;                     // since the last success
  core::TimePoint cool_until = core::TimePoint::min();
};

UpstreamLease::Connection::Connection(std::shared_ptr<UpstreamPool::Shelf> home)
    : shelf(std::move(home)), epoch(shelf->epoch) {
  ++shelf->open;
}
UpstreamLease::Connection::~Connection() {
  judge(Reason::cancelled);
  --shelf->open;
}

void UpstreamLease::Connection::judge(core::Error outcome) {
  if (const auto tell = std::exchange(verdict, {})) tell(outcome);
}

std::unique_ptr<UpstreamLease::Connection> UpstreamPool::Shelf::take_idle() {
  while (!idle.empty()) {
    auto connection = std::move(idle.back());
    idle.pop_back();
    if (connection->stream->has_unread()) continue;
    connection->stream->watch({});
    connection->expiry.reset();
    connection->reused = true;
    return connection;
  }
  return nullptr;
}

void UpstreamPool::Shelf::keep(std::unique_ptr<Connection> connection) {
  core::ByteStream& stream = *connection->stream;
  if (connection->epoch != epoch || limits.idle == 0 || stream.has_unread()) return stream.close();
  const core::TimePoint expires = std::min(wheel.now() + limits.idle_expiry, connection->opened + limits.lifetime);
  if (expires <= wheel.now()) return stream.close();
  if (idle.size() >= limits.idle) discard_oldest();
  const auto discard_it = [this, self = connection.get()] { discard(*self); };
  connection->expiry.emplace(wheel, discard_it).set(expires);
  idle.push_back(std::move(connection));
  stream.set_deadline(core::TimerWheel::never);  // the deadline was for the exchange that has ended
  stream.watch(discard_it);
}

void UpstreamPool::Shelf::discard(const Connection& connection) {
  const auto found =
      std::find_if(idle.begin(), idle.end(), [&](const auto& each) { return each.get() == &connection; });
  if (found == idle.end()) return;
  const auto gone = std::move(*found);
  idle.erase(found);
  gone->stream->close();
}

void UpstreamPool::Shelf::close_idle() {
  ++epoch;
  while (!idle.empty()) discard_oldest();
}

// Whether one more connection may be opened. Closes an idle one for it if needed: where there is one, the caller wants
// a fresh connection instead.
bool UpstreamPool::Shelf::make_room() {
  if (open >= limits.connections && !idle.empty()) discard_oldest();
  return open < limits.connections;
}

void UpstreamPool::Shelf::failed(core::TimePoint now) {
  const auto doublings = std::min(failures++, 5u);  // 1 s, 2 s … 32 s
  cool_until = now + std::min(first_cool_down * (1 << doublings), longest_cool_down);
}

struct UpstreamPool::Group {
  Group(const Upstream& upstream, core::TimerWheel& wheel) : name(upstream.name) {
    for (const auto& endpoint : upstream.endpoints) shelves.push_back(std::make_shared<Shelf>(endpoint, wheel));
  }

  bool is_for(const Upstream& upstream) const {
    const auto same = [](const auto& shelf, const Endpoint& endpoint) { return shelf->endpoint == endpoint; };
    return name == upstream.name &&
           std::equal(shelves.begin(), shelves.end(), upstream.endpoints.begin(), upstream.endpoints.end(), same);
  }

  bool in_use() const {
    return std::any_of(shelves.begin(), shelves.end(), [](const auto& shelf) { return shelf->open > 0; });
  }

  // Each shelf once, beginning with the one whose turn it is.
  const std::shared_ptr<Shelf>& in_turn(std::size_t i) const { return shelves[(turn + i) % shelves.size()]; }

  const std::string name;
  std::vector<std::shared_ptr<Shelf>> shelves;
  std::size_t turn = 0;
};

UpstreamPool::UpstreamPool(Dial dial, core::TimerWheel& wheel) : dial_(std::move(dial)), wheel_(wheel) {}
UpstreamPool::~UpstreamPool() { close_idle(); }

// A linear search: upstreams are few, and making a key for a map would cost more.
UpstreamPool::Group& UpstreamPool::group_of(const Upstream& upstream) {
  for (const auto& group : groups_) {
    if (group->is_for(upstream)) return *group;
  }
  return *groups_.emplace_back(std::make_unique<Group>(upstream, wheel_));
}

UpstreamSearch UpstreamPool::search(std::span<const Destination> destinations) {
  UpstreamSearch search(*this);
  auto& order = search.candidates_;
  for (std::size_t number = 0; number < destinations.size(); ++number) {
    const Upstream* const upstream = destinations[number].upstream;
    const auto same = [upstream](const auto& earlier) { return earlier.upstream == upstream; };
    if (std::any_of(order.begin(), order.end(), same)) continue;
    const Group& group = group_of(*upstream);
    for (std::size_t i = 0; i < group.shelves.size(); ++i) order.push_back({upstream, number, group.in_turn(i)});
  }
  if (order.size() == 1) return search;
  const auto rank = [now = wheel_.now()](const auto& one) {
    return std::tuple(one.shelf->cool_until > now, one.destination, one.shelf->in_use());
  };
  std::stable_sort(order.begin(), order.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  ++group_of(*order.front().upstream).turn;  // the others' turn is yet to come
  return search;
}

core::Task<core::Result<UpstreamLease>> UpstreamSearch::next(bool fresh) {
  for (; at_ < candidates_.size(); ++at_) {
    const auto& [upstream, destination, shelf] = candidates_[at_];
    shelf->limits = upstream->pool;
    if (!fresh) {
      if (auto idle = shelf->take_idle()) co_return UpstreamLease(std::move(idle));
    }
    if (!shelf->make_room()) continue;
    auto connection = std::make_unique<UpstreamLease::Connection>(shelf);
    const core::TimePoint deadline = pool_.wheel_.now() + upstream->timeouts.connect;
    // After a failure, this call finds out whether the endpoint is back; until then the others prefer other endpoints.
    if (shelf->failures > 0) shelf->cool_until = deadline;
    auto dialled = co_await pool_.dial_(*upstream, shelf->endpoint, deadline);
    if (dialled) {
      shelf->cool_until = core::TimePoint::min();
      connection->opened = pool_.wheel_.now();
      connection->stream = std::move(dialled->stream);
      connection->key_exchange = std::move(dialled->key_exchange);
      connection->verdict = std::move(dialled->verdict);
      co_return UpstreamLease(std::move(connection));
    }
    error_ = dialled.error();
    if (error_.reason == Reason::cancelled) break;
    shelf->failed(pool_.wheel_.now());
  }
  co_return error_;
}

void UpstreamSearch::refused(UpstreamLease& lease, core::Error why) {
  error_ = why;
  ++at_;
  lease.connection_->shelf->failed(pool_.wheel_.now());
  lease.connection_->judge(why);
}

std::size_t UpstreamSearch::destination() const noexcept {
  return candidates_[std::min(at_, candidates_.size() - 1)].destination;
}

void UpstreamPool::close_idle() noexcept {
  for (const auto& group : groups_) {
    for (const auto& shelf : group->shelves) shelf->close_idle();
  }
  std::erase_if(groups_, [](const auto& group) { return !group->in_use(); });
}

std::size_t UpstreamPool::idle_count() const noexcept {
  std::size_t count = 0;
  for (const auto& group : groups_) {
    for (const auto& shelf : group->shelves) count += shelf->idle.size();
  }
  return count;
}

std::size_t UpstreamPool::open_count() const noexcept {
  std::size_t count = 0;
  for (const auto& group : groups_) {
    for (const auto& shelf : group->shelves) count += shelf->open;
  }
  return count;
}

UpstreamLease::UpstreamLease(std::unique_ptr<Connection> connection) noexcept : connection_(std::move(connection)) {}
UpstreamLease::UpstreamLease(UpstreamLease&&) noexcept = default;
UpstreamLease& UpstreamLease::operator=(UpstreamLease&&) noexcept = default;
UpstreamLease::~UpstreamLease() = default;

core::ByteStream& UpstreamLease::stream() noexcept { return *connection_->stream; }
const Endpoint& UpstreamLease::endpoint() const noexcept { return connection_->shelf->endpoint; }
const std::string& UpstreamLease::key_exchange() const noexcept { return connection_->key_exchange; }
bool UpstreamLease::reused() const noexcept { return connection_->reused; }
bool UpstreamLease::proven() const noexcept { return connection_->proven; }
void UpstreamLease::prove() {
  if (std::exchange(connection_->proven, true)) return;
  connection_->shelf->failures = 0;
  connection_->judge(Reason::none);
}
void UpstreamLease::drop() noexcept { connection_.reset(); }
void UpstreamLease::release() noexcept {
  if (!connection_) return;
  const auto shelf = connection_->shelf;
  shelf->keep(std::move(connection_));
}

}  // namespace sallyport::routing
