#include "gateway/worker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include "core/pause.hpp"
#include "gateway/config/config_text.hpp"
#include "gateway/operator_log.hpp"
#include "gateway/session.hpp"
#include "tls/listen.hpp"

namespace sallyport::gateway {

using core::Task;

namespace {

constexpr unsigned accepted_at_once = 16;  // by one listener, before everybody else has a turn
constexpr core::Duration pause_after_failure = std::chrono::milliseconds(100);

// Session tickets are one worker's own and belong to one identity and one endpoint, so they live beside the pool.
routing::Dial make_dial(tls::Loop& loop, std::shared_ptr<const Snapshot> snapshot, WorkerMetrics& metrics,
                        UpstreamWatch& watch) {
  auto sessions = std::make_shared<std::unordered_map<std::string, std::shared_ptr<tls::SessionSlot>>>();
  return [&loop, snapshot, sessions, &metrics, &watch](
             const routing::Upstream& upstream, const routing::Endpoint& endpoint,
             core::TimePoint deadline) -> Task<core::Result<routing::Dialled>> {
    const tls::ClientIdentity* identity = nullptr;
    std::shared_ptr<tls::SessionSlot> slot;
    if (!endpoint.plaintext) {
      identity = snapshot->upstreams[upstream.number].get();
      auto& kept = (*sessions)[upstream.name + ' ' + endpoint.text()];
      if (!kept) kept = tls::make_session_slot();
      slot = kept;
    }
    auto peer = co_await tls::connect(loop, endpoint.host, endpoint.port, identity, std::move(slot), deadline);
    if (!peer) {
      metrics.upstream_connected(peer.error().reason);
      watch.dialled(upstream, endpoint, peer.error(), loop.wheel.now());
      co_return peer.error();
    }
    // Counted once it is known: the server may still refuse our certificate. Who leaves before takes nothing from a
    // connection that was made, but tells nothing of the server either.
    auto verdict = [&loop, &metrics, &watch, snapshot, &upstream, &endpoint,
                    group = peer->identity.key_exchange](core::Error outcome) {
      const bool made = outcome.reason == core::Reason::none || outcome.reason == core::Reason::cancelled;
      metrics.upstream_connected(made ? core::Reason::none : outcome.reason,
                                 made ? std::string_view(group) : std::string_view());
      if (outcome.reason != core::Reason::cancelled) watch.dialled(upstream, endpoint, outcome, loop.wheel.now());
    };
    co_return routing::Dialled{std::move(peer->stream), std::move(peer->identity.key_exchange), std::move(verdict)};
  };
}

}  // namespace

Worker::Worker(unsigned index, Services& services, std::shared_ptr<const Snapshot> snapshot,
               std::shared_ptr<const Callers> callers)
    : services_(services),
      wheel_(services.clock.now()),
      loop_{io_, wheel_, {}, {}},
      metrics_(services.metrics.worker(index)),
      snapshot_(own(std::move(snapshot), std::move(callers))) {
  if (services_.log == nullptr) return;
  log_.emplace(
      *services_.log, [this](std::function<void()> then) { boost::asio::post(io_, std::move(then)); },
      [this](std::function<void()> then) { loop_.ready.post(std::move(then)); });
}

Worker::~Worker() {
  join();
  if (log_) log_->close();
}

std::shared_ptr<WorkerSnapshot> Worker::own(std::shared_ptr<const Snapshot> snapshot,
                                            std::shared_ptr<const Callers> callers) {
  metrics_.callers_adopted(callers->tokens_hash);
  auto mine = std::make_shared<WorkerSnapshot>();
  mine->pool =
      std::make_shared<routing::UpstreamPool>(make_dial(loop_, snapshot, metrics_, services_.upstream_watch), wheel_);
  mine->shared = std::move(snapshot);
  mine->callers = std::move(callers);
  return mine;
}

void Worker::listen() {
  for (const auto& listener : snapshot_->shared->config.listeners) {
    entrances_.push_back(std::make_unique<Entrance>(tls::listen(listener.address.host, listener.address.port)));
    const auto watched = loop_.ready.add(entrances_.back()->socket.number(), *entrances_.back());
    if (!watched) {
      throw std::runtime_error("cannot wait for clients on " + text_of(listener.address) + ": " +
                               std::strerror(watched.error().os_code));
    }
  }
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::run() {
  for (std::size_t i = 0; i < entrances_.size(); ++i) {
    ++accept_loops_;
    boost::asio::co_spawn(io_.get_executor(), accept_loop(i, *entrances_[i]), [this](std::exception_ptr failure) {
      if (failure) services_.operator_log.error("accept_failed", {{"error", "a worker takes no more clients"}});
      --accept_loops_;
      finish_if_drained();
    });
  }
  core::TimePoint due = services_.clock.now();
  while (!finished_) {
    const core::TimePoint now = services_.clock.now();
    if (now >= due) {
      tick(now);
      due = now + core::TimerWheel::tick;
    }
    loop_.turn(due - now);
  }
  io_.poll();  // those that have ended are still to be freed, and the log to be told
  if (log_) log_->close();
  drained_.store(true, std::memory_order_release);
}

void Worker::tick(core::TimePoint now) {
  wheel_.advance(now);
  metrics_.upstream_connections(snapshot_->pool->idle_count(), snapshot_->pool->open_count());
  if (log_ && now >= log_look_due_) {
    log_->look();
    log_look_due_ = now + logging::LogLane::look_interval;
  }
}

std::optional<AddressSlots::Slot> Worker::take_slot(const tls::Socket& socket) {
  return services_.address_slots.take(tls::address_of(socket),
                                      snapshot_->shared->config.limits.connections_per_address);
}

bool Worker::is_full() const noexcept {
  const std::size_t workers = services_.metrics.workers();
  const std::size_t most = std::min(snapshot_->shared->config.limits.connections, services_.connections);
  return live_.size() >= (most + workers - 1) / workers;
}

// Mostly out of descriptors or memory: the pending connection would be offered again at once, so wait for one to end.
Task<void> Worker::accept_loop(std::size_t listener, Entrance& entrance) {
  while (!draining_) {
    try {
      const auto ended = co_await accept_clients(listener, entrance);
      if (!ended) services_.operator_log.warning("accept_failed", {{"error", std::strerror(ended.error().os_code)}});
    } catch (const std::exception& problem) {
      services_.operator_log.warning("accept_failed", {{"error", problem.what()}});
    }
    if (!draining_) co_await core::pause(wheel_, pause_after_failure);
  }
}

// Until the drain, or something fails. At the limit each listener holds one socket that it does not touch; all others
// wait in the kernel's queue.
Task<core::Result<void>> Worker::accept_clients(std::size_t listener, Entrance& entrance) {
  for (unsigned in_turn = 0; !draining_;) {
    if (in_turn == accepted_at_once) {
      loop_.ready.tell_later(entrance);
      co_await entrance.arrived.wait();
      in_turn = 0;
      continue;
    }
    auto taken = tls::take_client(entrance.socket);
    if (!taken) co_return taken.error();
    if (!taken->is_open()) {
      co_await entrance.arrived.wait();
      in_turn = 0;
      continue;
    }
    ++in_turn;
    tls::Socket socket = std::move(*taken);
    if (is_full()) metrics_.connection_waited();
    while (is_full() && !draining_) co_await entrance.slot_free.wait();
    if (draining_) break;
    auto slot = take_slot(socket);
    if (!slot) {
      metrics_.connection_refused();
      continue;
    }
    boost::asio::co_spawn(io_.get_executor(), serve(std::move(socket), listener, std::move(*slot)),
                          [this](std::exception_ptr failure) {
                            if (failure) services_.operator_log.error("connection_failed", {});
                            finish_if_drained();
                          });
  }
  co_return core::Result<void>();
}

Task<void> Worker::serve(tls::Socket socket, std::size_t listener, AddressSlots::Slot slot) {
  const auto place = live_.emplace(live_.end());
  open_connections_.fetch_add(1, std::memory_order_relaxed);
  metrics_.connection_opened();
  try {
    const auto held = std::move(slot);  // given back before the accept loops are woken
    co_await serve_connection(*this, *place, std::move(socket), listener);
  } catch (const std::exception& problem) {
    services_.operator_log.error("connection_failed", {{"error", problem.what()}});
  }
  metrics_.connection_closed();
  open_connections_.fetch_sub(1, std::memory_order_relaxed);
  live_.erase(place);
  wake_accept_loops();
}

void Worker::adopt(std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const Callers> callers) {
  loop_.ready.post([this, snapshot = std::move(snapshot), callers = std::move(callers)] {
    snapshot_->pool->close_idle();
    snapshot_ = own(snapshot, callers);
    wake_accept_loops();  // there may be room for more now
  });
}

void Worker::adopt(std::shared_ptr<const Callers> callers) {
  loop_.ready.post([this, callers = std::move(callers)] {
    auto next = std::make_shared<WorkerSnapshot>(*snapshot_);
    next->callers = callers;
    snapshot_ = std::move(next);
    metrics_.callers_adopted(callers->tokens_hash);
  });
}

void Worker::drain() {
  loop_.ready.post([this] {
    draining_ = true;
    for (auto& entrance : entrances_) {
      loop_.ready.remove(entrance->socket.number(), *entrance);
      entrance->socket.close();
      entrance->arrived.wake();
    }
    wake_accept_loops();
    for (auto& connection : live_) {
      if (connection.idle && connection.stop) connection.stop();
    }
    finish_if_drained();
  });
}

void Worker::stop() {
  loop_.ready.post([this] {
    stopping_ = true;
    for (auto& connection : live_) {
      if (connection.stop) connection.stop();
    }
    loop_.stop_dialling();
    finish_if_drained();
  });
}

void Worker::wake_accept_loops() {
  for (auto& entrance : entrances_) {
    entrance->slot_free.wake();
  }
}

void Worker::finish_if_drained() {
  if (!draining_ || !live_.empty() || accept_loops_ > 0) return;
  snapshot_->pool->close_idle();
  finished_ = true;
}

}  // namespace sallyport::gateway
