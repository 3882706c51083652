// Connections to the model servers, kept by one worker for itself. Route → UpstreamLease, through an injected Dial, so
// that this folder never sees TLS.
//
// Idle connections are watched: one on which anything arrives, or that ends, is dropped at once and never taken.
// The most recently used is taken first; the tail expires.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/byte_stream.hpp"
#include "core/timer_wheel.hpp"
#include "routing/route_table.hpp"

namespace sallyport::routing {

// Opens one connection, handshake included. Errors: the upstream_* reasons of connecting.
using Dial = std::function<core::Task<core::Result<std::unique_ptr<core::ByteStream>>>(
    const Upstream& upstream, const Endpoint& endpoint, core::TimePoint deadline)>;

class UpstreamPool;

// One connection for one exchange. Dropped (closed) when destroyed, unless release() said the exchange ended cleanly.
class UpstreamLease {
 public:
  UpstreamLease(UpstreamLease&&) noexcept;
  UpstreamLease& operator=(UpstreamLease&&) noexcept;
  ~UpstreamLease();
  core::ByteStream& stream() noexcept;
  const Endpoint& endpoint() const noexcept;
  bool reused() const noexcept;  // came from the pool: the server may have closed it a moment ago
  void release() noexcept;       // the answer ended where it should and the peer keeps the connection

 private:
  friend class UpstreamPool;
  struct Connection;
  UpstreamLease(UpstreamPool& pool, std::unique_ptr<Connection> connection) noexcept;
  UpstreamPool* pool_ = nullptr;
  std::unique_ptr<Connection> connection_;
};

class UpstreamPool {
 public:
  UpstreamPool(Dial dial, core::TimerWheel& wheel);
  ~UpstreamPool();

  // A pooled connection, or a new one within the upstream's connect timeout; endpoints in turn, the next one tried when
  // one cannot be reached. fresh: never a pooled one. `upstream` must live until the lease ends.
  // Errors: upstream_busy (limit reached), or the last endpoint's.
  core::Task<core::Result<UpstreamLease>> take(const Upstream& upstream, bool fresh = false);

  void close_idle() noexcept;  // drain, and reload: connections of an old configuration are not reused
  std::size_t idle_count() const noexcept;
  std::size_t open_count() const noexcept;

 private:
  friend class UpstreamLease;
  struct Endpoints;
  struct Shelf;
  Dial dial_;
  core::TimerWheel& wheel_;
  std::unique_ptr<Endpoints> endpoints_;
};

}  // namespace sallyport::routing
