// Connections to the model servers, kept by one worker for itself. Route → UpstreamLease, through an injected Dial, so
// that this folder never sees TLS. All on the worker's thread.
//
// Idle connections are watched: one that the peer ends is dropped at once, one on which anything arrived is never
// taken. The most recently used is taken first; the tail expires. Endpoints come in turn; one that could not be reached
// comes last for a while (1 s, doubled with each failure to 30 s) and is then tried by one call before the others
// follow.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/byte_stream.hpp"
#include "core/timer_wheel.hpp"
#include "routing/route_table.hpp"

namespace sallyport::routing {

// A new connection, and what its record should say of it.
struct Dialled {
  std::unique_ptr<core::ByteStream> stream;
  std::string key_exchange;  // the handshake's group; empty: plain
};

// Opens one connection, handshake included. Errors: the upstream_* reasons of connecting; cancelled. The upstream and
// the endpoint live until completion.
using Dial = std::function<core::Task<core::Result<Dialled>>(const Upstream& upstream, const Endpoint& endpoint,
                                                             core::TimePoint deadline)>;

class UpstreamPool;

// One connection for one exchange. Dropped (closed) when destroyed, unless release() said the exchange ended cleanly.
class UpstreamLease {
 public:
  UpstreamLease(UpstreamLease&&) noexcept;
  UpstreamLease& operator=(UpstreamLease&&) noexcept;
  ~UpstreamLease();
  core::ByteStream& stream() noexcept;  // until release() or drop()
  const Endpoint& endpoint() const noexcept;
  const std::string& key_exchange() const noexcept;  // of the connection's handshake; empty: plain
  bool reused() const noexcept;                      // came from the pool: the server may have closed it a moment ago
  void release() noexcept;  // the answer ended where it should and the peer keeps the connection
  void drop() noexcept;     // closed now, as when destroyed

 private:
  friend class UpstreamPool;
  struct Connection;
  explicit UpstreamLease(std::unique_ptr<Connection> connection) noexcept;
  std::unique_ptr<Connection> connection_;
};

class UpstreamPool {
 public:
  // One for each configuration. Time is the wheel's, which must outlive the pool. A take() under way must not go on
  // after the pool's end; leases, and coroutines that are destroyed where they wait, may be left over: what is released
  // then closes.
  UpstreamPool(Dial dial, core::TimerWheel& wheel);
  ~UpstreamPool();

  // A pooled connection, opened for an upstream of this name and endpoints, or a new one: each endpoint has the
  // upstream's connect timeout, and the next one is tried when one cannot be reached. fresh: never a pooled one.
  // `upstream` must live until the lease ends. Errors: upstream_busy (the limit is reached everywhere), or the last
  // endpoint's.
  core::Task<core::Result<UpstreamLease>> take(const Upstream& upstream, bool fresh = false);

  // Drain, and the end of a configuration: closes what is idle, and what is leased now closes when it is released.
  void close_idle() noexcept;
  std::size_t idle_count() const noexcept;
  std::size_t open_count() const noexcept;  // idle, leased and being opened

 private:
  friend class UpstreamLease;
  using Connection = UpstreamLease::Connection;
  struct Shelf;  // the connections of one endpoint
  struct Group;  // the shelves of one upstream
  Group& group_of(const Upstream& upstream);

  Dial dial_;
  core::TimerWheel& wheel_;
  std::vector<std::unique_ptr<Group>> groups_;
};

}  // namespace sallyport::routing
