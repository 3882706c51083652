// Worker: one thread with its own event loop, accept sockets, upstream connections and buffers. A connection never
// changes worker, so nothing here is locked.
#pragma once

#include <boost/asio/io_context.hpp>

#include <list>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "core/event.hpp"
#include "core/timer_wheel.hpp"
#include "gateway/buffer_pool.hpp"
#include "gateway/request_ids.hpp"
#include "gateway/services.hpp"
#include "gateway/snapshot.hpp"
#include "logging/log_lane.hpp"
#include "routing/upstream_pool.hpp"
#include "tls/connect.hpp"
#include "tls/loop.hpp"
#include "tls/transport.hpp"

namespace sallyport::gateway {

// One worker's view of one snapshot: its own upstream connections under that snapshot's identities. Dropped with the
// last exchange that started under it.
struct WorkerSnapshot {
  std::shared_ptr<const Snapshot> shared;
  std::shared_ptr<const Callers> callers;
  std::shared_ptr<routing::UpstreamPool> pool;
};

// What the drain needs to know of a connection: whether it is between requests, and how to end it.
struct LiveConnection {
  bool idle = true;
  std::function<void()> stop;  // ends what it waits for
};

class Worker {
 public:
  Worker(unsigned index, Services& services, std::shared_ptr<const Snapshot> snapshot,
         std::shared_ptr<const Callers> callers);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Binds this worker's accept sockets. Throws std::runtime_error naming the address.
  void listen();
  void start();  // the thread; listen() came before
  void join();

  // From any thread. Both kinds of adopt() are for requests that start from now on.
  void adopt(std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const Callers> callers);
  void adopt(std::shared_ptr<const Callers> callers);
  void drain();  // no new connections; idle ones end, busy ones after their answer
  void stop();   // whatever is still busy is cut
  bool drained() const noexcept { return drained_.load(std::memory_order_acquire); }  // after drain(): all has ended
  std::size_t connections() const noexcept { return open_connections_.load(std::memory_order_relaxed); }

  // For the coroutines of this worker.
  Services& services() noexcept { return services_; }
  tls::Loop& loop() noexcept { return loop_; }
  BufferPool& buffers() noexcept { return buffers_; }
  RequestIds& ids() noexcept { return ids_; }
  WorkerMetrics& metrics() noexcept { return metrics_; }
  std::shared_ptr<WorkerSnapshot> snapshot() const noexcept { return snapshot_; }
  logging::LogLane* log() noexcept { return log_ ? &*log_ : nullptr; }  // null where the configuration says `log: off`
  core::TimePoint now() const noexcept { return services_.clock.now(); }
  bool draining() const noexcept { return draining_; }
  bool stopping() const noexcept { return stopping_; }

 private:
  void run();
  void tick(core::TimePoint now);
  std::shared_ptr<WorkerSnapshot> own(std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const Callers> callers);
  bool is_full() const noexcept;
  // One listening socket, and where its loop waits: for a client, or for a connection to end when this worker has all
  // that it may have.
  struct Entrance final : tls::ReadySet::Watcher {
    explicit Entrance(core::Descriptor listening) : socket(std::move(listening)) {}
    void ready(std::uint32_t) override { arrived.wake(); }
    core::Descriptor socket;
    core::Event arrived, slot_free;
  };
  core::Task<void> accept_loop(std::size_t listener, Entrance& entrance);
  core::Task<core::Result<void>> accept_clients(std::size_t listener, Entrance& entrance);
  core::Task<void> serve(tls::Socket socket, std::size_t listener, AddressSlots::Slot slot);
  std::optional<AddressSlots::Slot> take_slot(const tls::Socket& socket);
  void finish_if_drained();
  void wake_accept_loops();

  Services& services_;
  std::optional<logging::LogLane> log_;  // before the loop, whose last exchanges still speak to it
  boost::asio::io_context io_{1};
  core::TimerWheel wheel_;
  tls::Loop loop_;
  BufferPool buffers_;
  RequestIds ids_;
  WorkerMetrics& metrics_;
  std::shared_ptr<WorkerSnapshot> snapshot_;
  std::vector<std::unique_ptr<Entrance>> entrances_;
  std::list<LiveConnection> live_;
  std::size_t accept_loops_ = 0;
  core::TimePoint log_look_due_{};
  std::atomic<std::size_t> open_connections_{0};
  bool draining_ = false;
  bool finished_ = false;  // drained, but for the last turn
  bool stopping_ = false;
  std::atomic<bool> drained_{false};
  std::thread thread_;
};

}  // namespace sallyport::gateway
