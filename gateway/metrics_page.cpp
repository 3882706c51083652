#include "gateway/metrics_page.hpp"

#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <tuple>

#include "core/version.hpp"
#include "gateway/metric_series.hpp"
#include "gateway/shared_limits.hpp"

namespace sallyport::gateway {
namespace {

using Labels = MetricsPage::Labels;
using prometheus::MetricType;

// The series of all workers under one key.
struct Totals {
  std::array<std::uint64_t, 6> requests{};
  std::uint64_t request_bytes = 0, response_bytes = 0;
  DurationHistogram::Totals duration;
  FirstTokenHistogram::Totals first_token;
  TokenHistogram::Totals input_tokens, output_tokens;

  void add(const Series& series) {
    for (std::size_t i = 0; i < requests.size(); ++i) requests[i] += series.requests[i].value();
    request_bytes += series.request_bytes.value();
    response_bytes += series.response_bytes.value();
    series.duration.add_to(duration);
    series.first_token.add_to(first_token);
    series.input_tokens.add_to(input_tokens);
    series.output_tokens.add_to(output_tokens);
  }
};

using TotalsByKey = std::map<std::tuple<std::string, std::string, std::string, Operation>, Totals>;

// An empty label is an absent one in Prometheus.
Labels labels_of(const TotalsByKey::key_type& key) {
  const auto& [listener, model, upstream, operation] = key;
  Labels labels = {{"listener", listener}};
  if (!model.empty()) labels.push_back({"model", model});
  if (!upstream.empty()) labels.push_back({"upstream", upstream});
  if (operation != Operation::none) labels.push_back({"operation", std::string(name(operation))});
  return labels;
}

Labels gen_ai_labels(const TotalsByKey::key_type& key) {
  const auto& [listener, model, upstream, operation] = key;
  return {{"gen_ai_operation_name", std::string(name(operation))},
          {"gen_ai_request_model", model},
          {"listener", listener},
          {"upstream", upstream}};
}

Labels with(Labels labels, std::string_view name, std::string_view value) {
  labels.push_back({std::string(name), std::string(value)});
  return labels;
}

}  // namespace

MetricsPage::MetricsPage(const Metrics& metrics, const logging::LogCounters& log,
                         const SharedLimitsStatus* shared_limits)
    : metrics_(metrics) {
  add_build();
  add_process();
  add_connections();
  add_key_exchanges();
  add_exchanges();
  add_outcomes("sallyport_request_outcomes_total", "Exchanges by how they ended; ok: answered whole",
               &WorkerMetrics::outcomes_);
  add_reloads();
  if (metrics.has_tokens_) add_tokens();
  if (shared_limits != nullptr) add_shared_limits(*shared_limits);
  if (metrics.has_log_) add_log(log);
}

std::string MetricsPage::text() const {
  std::ostringstream page;
  prometheus::TextSerializer().Serialize(page, families_);
  return std::move(page).str();
}

void MetricsPage::family(std::string_view name, std::string_view help, MetricType type) {
  families_.push_back({std::string(name), std::string(help), type, {}});
}

void MetricsPage::counter(double value, Labels labels) {
  prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
  metric.label = std::move(labels);
  metric.counter.value = value;
}

void MetricsPage::gauge(double value, Labels labels) {
  prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
  metric.label = std::move(labels);
  metric.gauge.value = value;
}

template <class Kind>
void MetricsPage::histogram(const typename Kind::Totals& totals, Labels labels) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < totals.buckets.size(); ++i) {
    count += totals.buckets[i];
    const bool last = i == Kind::upper_bounds.size();
    const double bound =
        last ? std::numeric_limits<double>::infinity() : static_cast<double>(Kind::upper_bounds[i]) * Kind::scale;
    metric.histogram.bucket.push_back({count, bound});
  }
  if (count == 0) return;
  metric.histogram.sample_count = count;
  metric.histogram.sample_sum = static_cast<double>(totals.sum) * Kind::scale;
  families_.back().metric.push_back(std::move(metric));
}

void MetricsPage::add_build() {
  family("sallyport_build_info", "Versions of the gateway and of what it runs on", MetricType::Gauge);
  gauge(1, {{"version", std::string(core::version())},
            {"boost", core::boost_version()},
            {"openssl", core::openssl_version()}});
}

void MetricsPage::add_process() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  family("process_cpu_seconds_total", "CPU time used, user and system", MetricType::Counter);
  counter(seconds(usage.ru_utime) + seconds(usage.ru_stime));

  family("process_start_time_seconds", "When the gateway was started, in seconds since 1970", MetricType::Gauge);
  gauge(static_cast<double>(metrics_.started_));

  std::uint64_t pages = 0, resident = 0;
  if (std::ifstream memory("/proc/self/statm"); memory >> pages >> resident) {
    family("process_resident_memory_bytes", "Memory held", MetricType::Gauge);
    gauge(static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  }
}

void MetricsPage::add_connections() {
  family("sallyport_connections_accepted_total", "Client connections accepted", MetricType::Counter);
  counter(sum(&WorkerMetrics::connections_opened_));
  family("sallyport_connections_refused_total", "Client connections closed at once, past the limit of one address",
         MetricType::Counter);
  counter(sum(&WorkerMetrics::connections_refused_));
  family("sallyport_connections_waited_total", "Client connections that waited for another to end",
         MetricType::Counter);
  counter(sum(&WorkerMetrics::connections_waited_));
  family("sallyport_connections_open", "Client connections open now", MetricType::Gauge);
  gauge(sum(&WorkerMetrics::connections_opened_) - sum(&WorkerMetrics::connections_closed_));
  add_outcomes("sallyport_handshakes_total", "TLS handshakes with clients", &WorkerMetrics::handshakes_);
  add_outcomes("sallyport_upstream_connects_total", "Connections opened to upstreams",
               &WorkerMetrics::upstream_connects_);
  const double idle = sum(&WorkerMetrics::upstream_idle_);
  family("sallyport_upstream_connections", "Connections to upstreams now", MetricType::Gauge);
  gauge(idle, {{"state", "idle"}});
  gauge(sum(&WorkerMetrics::upstream_open_) - idle, {{"state", "busy"}});
}

void MetricsPage::add_outcomes(std::string_view name, std::string_view help,
                               std::array<Counter, reason_count> WorkerMetrics::*counts) {
  family(name, help, MetricType::Counter);
  for (std::size_t i = 0; i < reason_count; ++i) {
    std::uint64_t total = 0;
    for (const auto& worker : metrics_.workers_) total += ((*worker).*counts)[i].value();
    const auto reason = static_cast<core::Reason>(i);
    const bool success = reason == core::Reason::none;  // shown from the start, so that a rate has a beginning
    if (total != 0 || success) {
      counter(static_cast<double>(total), {{"outcome", success ? "ok" : std::string(core::name(reason))}});
    }
  }
}

void MetricsPage::add_key_exchanges() {
  family("sallyport_key_exchanges_total", "TLS key exchanges by group", MetricType::Counter);
  const auto add = [this](std::string_view side, auto counts) {
    for (std::size_t i = 0; i < key_exchange_groups.size(); ++i) {
      std::uint64_t total = 0;
      for (const auto& worker : metrics_.workers_) total += ((*worker).*counts)[i].value();
      if (total == 0) continue;
      counter(static_cast<double>(total),
              {{"side", std::string(side)}, {"group", std::string(key_exchange_groups[i])}});
    }
  };
  add("client", &WorkerMetrics::client_groups_);
  add("upstream", &WorkerMetrics::upstream_groups_);
}

void MetricsPage::add_exchanges() {
  TotalsByKey all;
  for (const auto& worker : metrics_.workers_) {
    worker->series_->for_each([&](const SeriesKey& key, const Series& series) {
      all[{std::string(key.listener), std::string(key.model), std::string(key.upstream), key.operation}].add(series);
    });
  }
  family("sallyport_requests_in_flight", "Requests being served now", MetricType::Gauge);
  gauge(sum(&WorkerMetrics::exchanges_started_) - sum(&WorkerMetrics::exchanges_finished_));

  family("sallyport_requests_total", "Requests by what the client was told; 0xx: nothing", MetricType::Counter);
  for (const auto& [key, totals] : all) {
    for (std::size_t i = 0; i < totals.requests.size(); ++i) {
      if (totals.requests[i] == 0) continue;
      counter(static_cast<double>(totals.requests[i]), with(labels_of(key), "status", std::to_string(i) + "xx"));
    }
  }
  family("sallyport_request_body_bytes_total", "Bytes of request bodies", MetricType::Counter);
  for (const auto& [key, totals] : all) counter(static_cast<double>(totals.request_bytes), labels_of(key));
  family("sallyport_response_body_bytes_total", "Bytes of answers' bodies, as sent to clients", MetricType::Counter);
  for (const auto& [key, totals] : all) counter(static_cast<double>(totals.response_bytes), labels_of(key));

  family("gen_ai_server_request_duration_seconds", "From a call's first byte to the end of its answer",
         MetricType::Histogram);
  for (const auto& [key, totals] : all) histogram<DurationHistogram>(totals.duration, gen_ai_labels(key));
  family("gen_ai_server_time_to_first_token_seconds", "From a call's first byte to the first of its answer's body",
         MetricType::Histogram);
  for (const auto& [key, totals] : all) histogram<FirstTokenHistogram>(totals.first_token, gen_ai_labels(key));
  family("gen_ai_client_token_usage", "Tokens of a call, as its upstream counted them", MetricType::Histogram);
  for (const auto& [key, totals] : all) {
    histogram<TokenHistogram>(totals.input_tokens, with(gen_ai_labels(key), "gen_ai_token_type", "input"));
    histogram<TokenHistogram>(totals.output_tokens, with(gen_ai_labels(key), "gen_ai_token_type", "output"));
  }
}

void MetricsPage::add_reloads() {
  family("sallyport_config_reloads_total", "Reloads of the configuration", MetricType::Counter);
  counter(static_cast<double>(metrics_.reloads_.load()), {{"outcome", "ok"}});
  counter(static_cast<double>(metrics_.failed_reloads_.load()), {{"outcome", "failed"}});
  family("sallyport_config_last_load_timestamp_seconds", "When the running configuration was loaded",
         MetricType::Gauge);
  gauge(static_cast<double>(metrics_.last_reload_.load()));
  family("sallyport_config_last_reload_successful", "0: the files say what is not running", MetricType::Gauge);
  gauge(metrics_.last_reload_refused_ ? 0 : 1);
}

void MetricsPage::add_tokens() {
  family("sallyport_tokens_last_load_timestamp_seconds", "When the tokens in force were read", MetricType::Gauge);
  gauge(static_cast<double>(metrics_.last_tokens_.load()));
  family("sallyport_tokens_last_load_successful", "0: their file says what is not in force", MetricType::Gauge);
  gauge(metrics_.last_tokens_refused_ ? 0 : 1);
  const auto hash = [](const auto& worker) { return worker->tokens_hash_.value(); };
  const auto& workers = metrics_.workers_;
  const auto agrees = [&](const auto& worker) { return hash(worker) == hash(workers.front()); };
  family("sallyport_tokens_hash", "Of the file as it was read, 48 bits of SHA-256; 0: not all workers have it yet",
         MetricType::Gauge);
  gauge(std::ranges::all_of(workers, agrees) ? static_cast<double>(hash(workers.front())) : 0);
}

void MetricsPage::add_shared_limits(const SharedLimitsStatus& status) {
  family("sallyport_shared_limits_up", "1: limits are counted together with other gateways; 0: by this one alone",
         MetricType::Gauge);
  gauge(status.up.load() ? 1 : 0);
  family("sallyport_shared_limits_exchanges_total", "Exchanges with the server that limits are shared through",
         MetricType::Counter);
  counter(static_cast<double>(status.exchanges.load()), {{"outcome", "ok"}});
  counter(static_cast<double>(status.failures.load()), {{"outcome", "failed"}});
}

void MetricsPage::add_log(const logging::LogCounters& log) {
  const auto count = [this](std::string_view name, std::string_view help, std::uint64_t value) {
    family(name, help, MetricType::Counter);
    counter(static_cast<double>(value));
  };
  count("sallyport_log_records_total", "Records sealed and written", log.records);
  count("sallyport_log_lost_total", "Exchanges of which the log misses the record or some content", log.lost);
  count("sallyport_log_frames_total", "Frames written", log.frames);
  count("sallyport_log_bytes_total", "Bytes of frames written", log.bytes);
  count("sallyport_log_segments_total", "Segments started", log.segments);
  count("sallyport_log_write_errors_total", "Writes that failed", log.write_errors);
  family("sallyport_log_queued_bytes", "Bytes that wait for the log's writer", MetricType::Gauge);
  gauge(static_cast<double>(log.queued_bytes));
  family("sallyport_log_healthy", "1: the log can be written; 0: the last write failed or hangs", MetricType::Gauge);
  gauge(log.healthy ? 1 : 0);
  if (!log.signs) return;
  count("sallyport_log_checkpoints_total", "Checkpoints signed and on disk, also in their directory", log.checkpoints);
  count("sallyport_log_checkpoint_errors_total", "Times that their directory refused or took too long",
        log.directory.errors);
  count("sallyport_log_checkpoints_dropped_total", "Checkpoints that their directory will not get: too many waited",
        log.directory.dropped);
  family("sallyport_log_checkpoint_interval_seconds", "log.checkpoints.interval", MetricType::Gauge);
  gauge(std::chrono::duration<double>(metrics_.checkpoint_interval_.load()).count());
  family("sallyport_log_checkpoints_waiting", "Checkpoints that their directory has not taken yet", MetricType::Gauge);
  gauge(static_cast<double>(log.directory.waiting));
  family("sallyport_log_last_checkpoint_timestamp_seconds",
         "When the last one was signed, since the Unix epoch; 0: none", MetricType::Gauge);
  const auto since_epoch = [](std::optional<core::WallTime> time) {
    return std::chrono::duration<double>(time.value_or(core::WallTime{}).time_since_epoch()).count();
  };
  gauge(since_epoch(log.last_checkpoint));
  if (log.runs_command) {
    count("sallyport_log_checkpoint_command_runs_total", "Checkpoints that the program took", log.command.taken);
    count("sallyport_log_checkpoint_command_errors_total", "Runs of it that failed or took too long",
          log.command.errors);
    family("sallyport_log_checkpoint_command_last_timestamp_seconds",
           "Time of the newest that it took, since the Unix epoch; 0: none yet", MetricType::Gauge);
    gauge(since_epoch(log.command.last));
  }
  count("sallyport_log_segments_removed_total", "Segments removed by retention", log.retention.removed);
  count("sallyport_log_removal_errors_total", "Times that retention looked and could not remove anything",
        log.retention.errors);
}

}  // namespace sallyport::gateway
