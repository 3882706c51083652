// Tells the operator, once for each change, that no connection to a model server's endpoint can be made, and why, and
// that one can again. An endpoint that comes and goes is not told of more often than is of use. How often it happened
// is in the metrics. Thread-safe: all workers tell the same one.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "gateway/operator_log.hpp"
#include "routing/route_table.hpp"

namespace sallyport::gateway {

class UpstreamWatch {
 public:
  using Tell = std::function<void(LogLevel, std::string_view event, OperatorLogger::Fields)>;
  // Between two lines that say of one endpoint that it fails. A failure that lasts is told by the next attempt after
  // it.
  static constexpr auto failure_interval = std::chrono::seconds(10);

  // `tell` is called by several threads at once.
  explicit UpstreamWatch(Tell tell) : tell_(std::move(tell)) {}

  // How an attempt to connect ended; Reason::none: well. One that was given up by our own side says nothing.
  void dialled(const routing::Upstream& upstream, const routing::Endpoint& endpoint, core::Error outcome,
               core::TimePoint now);
  // Another configuration counts: what still fails under it is told again.
  void forget();

 private:
  const Tell tell_;
  std::mutex mutex_;
  struct Told {
    core::Reason reason = core::Reason::none;  // none: that it works, or nothing yet
    core::TimePoint failed_at = core::TimePoint::min();
  };
  // Whether this is to be told now; then it counts as told.
  bool is_news(const std::string& key, core::Reason reason, core::TimePoint now);

  std::map<std::string, Told> told_;  // by upstream and endpoint
};

}  // namespace sallyport::gateway
