// UpstreamPool: one worker's connections to the model servers. A call's UpstreamSearch gives it a connection as an
// UpstreamLease. The pool opens connections through an injected Dial, so that this folder never sees TLS. All on the
// worker's thread.
//
// The pool watches idle connections: it closes one at once when the peer ends it, and never reuses one on which bytes
// have arrived. It reuses the most recently used connection first, and closes those that stay idle for idle_expiry.
// A call goes to the endpoint with the fewest calls of this worker under way; equal ones take turns. An endpoint that
// could not be reached comes last for a while (1 s, doubled with each failure up to 30 s). After that, one call tries
// it again; for the other calls it stays last until that attempt succeeds. In TLS 1.3 a server may refuse the gateway's
// certificate after the handshake has ended here (RFC 8446 §4.4.2.4, §6.2): a new connection is proven only by what
// comes on it, and such a refusal counts as a failure to reach the endpoint.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/byte_stream.hpp"
#include "core/timer_wheel.hpp"
#include "routing/route_table.hpp"

namespace sallyport::routing {

// A new connection, and what the record says about it.
struct Dialled {
  std::unique_ptr<core::ByteStream> stream;
  std::string key_exchange;  // the handshake's group; empty: plain
  // Told once what the connection turned out to be: none when it is proven, why the server refused it, or cancelled
  // when it was given up before either. May be empty; must not throw then.
  std::function<void(core::Error)> verdict{};
};

// Opens one connection, handshake included, before `deadline`. Errors: the upstream_* reasons of connecting; cancelled,
// after which no further endpoint is tried. The upstream and the endpoint live until completion.
using Dial = std::function<core::Task<core::Result<Dialled>>(const Upstream& upstream, const Endpoint& endpoint,
                                                             core::TimePoint deadline)>;

class UpstreamPool;
class UpstreamSearch;

// One connection for one exchange. The destructor closes it, unless release() has given it back to the pool.
class UpstreamLease {
 public:
  UpstreamLease(UpstreamLease&&) noexcept;
  UpstreamLease& operator=(UpstreamLease&&) noexcept;
  ~UpstreamLease();
  core::ByteStream& stream() noexcept;  // until release() or drop()
  const Endpoint& endpoint() const noexcept;
  const std::string& key_exchange() const noexcept;  // of the connection's handshake; empty: plain
  bool reused() const noexcept;                      // from the pool: the server may have closed it a moment ago
  bool proven() const noexcept;
  void prove();  // the server has answered, or had the time to
  // Gives the connection back to the pool, after which the lease is empty. Call it only when the answer was complete
  // and the peer keeps the connection open.
  void release() noexcept;
  void drop() noexcept;  // closes the connection now, as the destructor does

 private:
  friend class UpstreamPool;
  friend class UpstreamSearch;
  struct Connection;
  explicit UpstreamLease(std::unique_ptr<Connection> connection) noexcept;
  std::unique_ptr<Connection> connection_;
};

class UpstreamPool {
 public:
  // A worker has one pool for each configuration. The pool takes its time from the wheel, which must outlive the pool.
  // No search may resume after the pool is destroyed. A lease may outlive the pool, and its release() closes the
  // connection then; a coroutine that waits in a search may be destroyed later than the pool.
  UpstreamPool(Dial dial, core::TimerWheel& wheel);
  ~UpstreamPool();

  // For one call: the endpoints of all its destinations, those of the first before those of the next, but those that
  // cool down after all others. The destinations' upstreams must outlive the search.
  UpstreamSearch search(std::span<const Destination> destinations);

  // For the drain and the end of a configuration. Closes the idle connections now; those that are leased or being
  // opened are closed when they are released.
  void close_idle() noexcept;
  std::size_t idle_count() const noexcept;
  std::size_t open_count() const noexcept;  // idle, leased and being opened

 private:
  friend class UpstreamLease;
  friend class UpstreamSearch;
  using Connection = UpstreamLease::Connection;
  struct Shelf;  // the connections of one endpoint
  struct Group;  // the shelves of one upstream
  Group& group_of(const Upstream& upstream);

  Dial dial_;
  core::TimerWheel& wheel_;
  std::vector<std::unique_ptr<Group>> groups_;
};

// One call's way through the endpoints: each is dialled once at most.
class UpstreamSearch {
 public:
  // Gives a pooled connection that was opened for an upstream of this name and endpoints, or a new one. It tries the
  // endpoints in turn until one can be reached, each with its upstream's connect timeout. fresh: never a pooled one;
  // this begins with the endpoint whose pooled connection was of no use. Errors: upstream_busy when every endpoint has
  // its limit of connections; else that of the endpoint that failed last.
  core::Task<core::Result<UpstreamLease>> next(bool fresh = false);

  // The server refused this connection, which was given last and is not proven: the endpoint has failed.
  void refused(UpstreamLease& lease, core::Error why);

  bool at_last() const noexcept { return at_ + 1 >= candidates_.size(); }  // there is no endpoint behind this one
  std::size_t destination() const noexcept;                                // which of them was tried last

 private:
  friend class UpstreamPool;
  explicit UpstreamSearch(UpstreamPool& pool) : pool_(pool) {}
  struct Candidate {
    const Upstream* upstream;
    std::size_t destination;
    std::shared_ptr<UpstreamPool::Shelf> shelf;
  };

  UpstreamPool& pool_;
  std::vector<Candidate> candidates_;
  std::size_t at_ = 0;
  core::Error error_ = core::Reason::upstream_busy;
};

}  // namespace sallyport::routing
