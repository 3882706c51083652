// Tells the operator, once for each change, that the sealed log, a second place of its checkpoints or its retention
// fails, which file and why where that is known, and that it works again. What it looks like in numbers is in the
// metrics.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "gateway/operator_log.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::gateway {

class LogWatch {
 public:
  using Tell = std::function<void(LogLevel, std::string_view event, OperatorLogger::Fields)>;
  LogWatch(Tell tell, std::filesystem::path log, std::filesystem::path checkpoints)
      : tell_(std::move(tell)), log_(std::move(log)), checkpoints_(std::move(checkpoints)) {}
  // To be called every now and then. A failure of the log that has passed since the call before is told too.
  void look(const logging::LogCounters& now);

 private:
  void look_at_log(const logging::LogCounters& now);
  void look_at_directory(const logging::SecondPlaceState& now);
  void change(bool& fails, bool fails_now, std::string_view event, OperatorLogger::Fields fields);

  Tell tell_;
  const std::filesystem::path log_, checkpoints_;
  std::uint64_t write_errors_ = 0;
  bool log_fails_ = false, directory_fails_ = false, command_fails_ = false, retention_fails_ = false;
};

}  // namespace sallyport::gateway
