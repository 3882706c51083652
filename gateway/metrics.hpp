// What the gateway counts, for Prometheus. docs/metrics.md lists every name.
//
// Each worker counts into memory of its own and a scrape adds up, so that counting costs no shared cache line. Labels
// come from configured names only: what a client sent can never become one. Counts survive reloads.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "gateway/config/config.hpp"
#include "gateway/counters.hpp"
#include "gateway/key_exchange.hpp"
#include "logging/record.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::gateway {

class MetricNames;
struct SharedLimitsStatus;
class SeriesTable;

// One worker's counts. Every call from that worker's thread only; cheap enough for each request.
class alignas(64) WorkerMetrics {
 public:
  explicit WorkerMetrics(const MetricNames& names);
  ~WorkerMetrics();
  WorkerMetrics(const WorkerMetrics&) = delete;
  WorkerMetrics& operator=(const WorkerMetrics&) = delete;

  void connection_opened() noexcept { connections_opened_.add(); }
  void connection_closed() noexcept { connections_closed_.add(); }
  void connection_refused() noexcept { connections_refused_.add(); }
  void connection_waited() noexcept { connections_waited_.add(); }

  // Reason::none: it succeeded, with this group (PeerIdentity::key_exchange).
  void handshake_finished(core::Reason outcome, std::string_view key_exchange) noexcept;
  void upstream_connected(core::Reason outcome, std::string_view key_exchange = {}) noexcept;
  // How many connections to upstreams this worker has now.
  void upstream_connections(std::size_t idle, std::size_t open) noexcept;

  // Which tokens the requests that start from now on are judged by (Callers::tokens_hash).
  void callers_adopted(std::uint64_t tokens_hash) noexcept { tokens_hash_.set(tokens_hash); }

  void exchange_started() noexcept { exchanges_started_.add(); }
  void exchange_finished(const logging::Record& record);

 private:
  friend class MetricsPage;

  Counter connections_opened_, connections_closed_, connections_refused_, connections_waited_;
  Counter exchanges_started_, exchanges_finished_;
  Gauge upstream_idle_, upstream_open_, tokens_hash_;
  std::array<Counter, reason_count> handshakes_, upstream_connects_, outcomes_;
  std::array<Counter, key_exchange_groups.size()> client_groups_, upstream_groups_;
  std::unique_ptr<SeriesTable> series_;
};

// Thread-safe, except that worker(i) is its worker's own.
class Metrics {
 public:
  Metrics(const Config& config, unsigned workers);
  ~Metrics();

  // The names that may become labels from now on; what was counted under old ones stays.
  void configure(const Config& config);
  void config_reloaded(bool succeeded) noexcept;
  void tokens_loaded(bool succeeded) noexcept;  // whether with a configuration or alone

  WorkerMetrics& worker(unsigned index) noexcept { return *workers_[index]; }
  std::size_t workers() const noexcept { return workers_.size(); }

  // The page for GET /metrics, in Prometheus' text format 0.0.4. The log's counts are left out while there is no log,
  // and those of shared limits when they are null.
  std::string text(const logging::LogCounters& log, const SharedLimitsStatus* shared_limits = nullptr) const;

 private:
  friend class MetricsPage;

  std::unique_ptr<MetricNames> names_;
  std::vector<std::unique_ptr<WorkerMetrics>> workers_;
  std::atomic<std::uint64_t> reloads_{0}, failed_reloads_{0};
  const std::int64_t started_;             // seconds since 1970
  std::atomic<std::int64_t> last_reload_;  // likewise; the last that succeeded
  std::atomic<bool> last_reload_refused_{false};
  std::atomic<std::int64_t> last_tokens_;  // as last_reload_
  std::atomic<bool> last_tokens_refused_{false};
  std::atomic<bool> has_log_, has_tokens_;
  std::atomic<core::Duration> checkpoint_interval_{};
};

}  // namespace sallyport::gateway
