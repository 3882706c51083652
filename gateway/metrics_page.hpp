// One scrape: the counts of all workers added up and written in Prometheus' text format.
#pragma once

#include <prometheus/metric_family.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/metrics.hpp"

namespace sallyport::gateway {

class MetricsPage {
 public:
  using Labels = std::vector<prometheus::ClientMetric::Label>;

  MetricsPage(const Metrics& metrics, const logging::LogCounters& log, const SharedLimitsStatus* shared_limits);
  std::string text() const;

 private:
  void add_build();
  void add_process();
  void add_connections();
  void add_outcomes(std::string_view name, std::string_view help,
                    std::array<Counter, reason_count> WorkerMetrics::*counts);
  void add_key_exchanges();
  void add_exchanges();
  void add_reloads();
  void add_tokens();
  void add_shared_limits(const SharedLimitsStatus& status);
  void add_log(const logging::LogCounters& log);

  // A family starts; what follows goes into it.
  void family(std::string_view name, std::string_view help, prometheus::MetricType type);
  void counter(double value, Labels labels = {});
  void gauge(double value, Labels labels = {});
  template <class Kind>
  void histogram(const typename Kind::Totals& totals, Labels labels);

  template <class Count>
  double sum(Count WorkerMetrics::*count) const {
    double total = 0;
    for (const auto& worker : metrics_.workers_) total += static_cast<double>(((*worker).*count).value());
    return total;
  }

  const Metrics& metrics_;
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace sallyport::gateway
