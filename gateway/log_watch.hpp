// Tells the operator, once for each change, that the sealed log, a second place of its checkpoints or its retention
// fails, and that it works again. What it looks like in numbers is in the metrics.
#pragma once

#include <functional>
#include <string_view>

#include "gateway/operator_log.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::gateway {

class LogWatch {
 public:
  using Tell = std::function<void(LogLevel, std::string_view event, OperatorLogger::Fields)>;
  explicit LogWatch(Tell tell) : tell_(std::move(tell)) {}
  // To be called every now and then.
  void look(const logging::LogCounters& now);

 private:
  void change(bool& fails, bool fails_now, std::string_view event, OperatorLogger::Fields fields);

  Tell tell_;
  bool log_fails_ = false, directory_fails_ = false, command_fails_ = false, retention_fails_ = false;
};

}  // namespace sallyport::gateway
