#include "gateway/metrics.hpp"

#include <algorithm>

#include "gateway/metric_series.hpp"
#include "gateway/metrics_page.hpp"

namespace sallyport::gateway {
namespace {

std::size_t index_of(core::Reason reason) noexcept {
  return std::min(static_cast<std::size_t>(reason), reason_count - 1);
}

std::int64_t seconds_now() noexcept {
  return std::chrono::duration_cast<std::chrono::seconds>(core::SystemClock().wall().time_since_epoch()).count();
}

}  // namespace

WorkerMetrics::WorkerMetrics(const MetricNames& names) : series_(std::make_unique<SeriesTable>(names)) {}
WorkerMetrics::~WorkerMetrics() = default;

void WorkerMetrics::handshake_finished(core::Reason outcome, std::string_view key_exchange) noexcept {
  handshakes_[index_of(outcome)].add();
  if (outcome == core::Reason::none) client_groups_[key_exchange_index(key_exchange)].add();
}

void WorkerMetrics::upstream_connected(core::Reason outcome, std::string_view key_exchange) noexcept {
  upstream_connects_[index_of(outcome)].add();
  if (!key_exchange.empty()) upstream_groups_[key_exchange_index(key_exchange)].add();
}

void WorkerMetrics::upstream_connections(std::size_t idle, std::size_t open) noexcept {
  upstream_idle_.set(idle);
  upstream_open_.set(open);
}

void WorkerMetrics::exchange_finished(const logging::Record& record) {
  exchanges_finished_.add();
  outcomes_[index_of(record.outcome)].add();
  const Operation operation = record.model.empty() ? Operation::none : operation_of(record.path);
  series_->find({record.listener, record.model, record.upstream, operation}).count(record);
}

Metrics::Metrics(const Config& config, unsigned workers)
    : names_(std::make_unique<MetricNames>()), started_(seconds_now()), last_reload_(started_), last_tokens_(started_) {
  configure(config);
  for (unsigned i = 0; i < workers; ++i) workers_.push_back(std::make_unique<WorkerMetrics>(*names_));
}

Metrics::~Metrics() = default;

void Metrics::configure(const Config& config) {
  names_->configure(config);
  has_log_ = config.log.has_value();
  if (config.log) checkpoint_interval_ = config.log->settings.checkpoints.interval;
  has_tokens_ = !config.tokens_file.empty();
}

void Metrics::config_reloaded(bool succeeded) noexcept {
  (succeeded ? reloads_ : failed_reloads_).fetch_add(1, std::memory_order_relaxed);
  if (succeeded) last_reload_ = seconds_now();
  last_reload_refused_ = !succeeded;
}

void Metrics::tokens_loaded(bool succeeded) noexcept {
  if (succeeded) last_tokens_ = seconds_now();
  last_tokens_refused_ = !succeeded;
}

std::string Metrics::text(const logging::LogCounters& log, const SharedLimitsStatus* shared_limits) const {
  return MetricsPage(*this, log, shared_limits).text();
}

}  // namespace sallyport::gateway
