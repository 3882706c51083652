// Tells the operator, once for each change, that no connection to a model server's endpoint can be made, and why, and
// that one can again. How often it happened is in the metrics. Thread-safe: all workers tell the same one.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "gateway/operator_log.hpp"
#include "routing/route_table.hpp"

namespace sallyport::gateway {

class UpstreamWatch {
 public:
  using Tell = std::function<void(LogLevel, std::string_view event, OperatorLogger::Fields)>;
  explicit UpstreamWatch(Tell tell) : tell_(std::move(tell)) {}

  // How an attempt to connect ended; Reason::none: well. One that was given up by our own side says nothing.
  void dialled(const routing::Upstream& upstream, const routing::Endpoint& endpoint, core::Error outcome);
  // Another configuration counts: what still fails under it is told again.
  void forget();

 private:
  const Tell tell_;
  std::mutex mutex_;
  std::map<std::string, core::Reason> failing_;  // by upstream and endpoint
};

}  // namespace sallyport::gateway
