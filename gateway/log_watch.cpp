#include "gateway/log_watch.hpp"

#include <utility>

namespace sallyport::gateway {

void LogWatch::look(const logging::LogCounters& now) {
  change(log_fails_, !now.healthy, "log", {{"lost", now.lost}, {"write_errors", now.write_errors}});
  change(directory_fails_, now.directory.failing, "checkpoint_directory", {{"errors", now.directory.errors}});
  change(command_fails_, now.command.failing, "checkpoint_command", {{"errors", now.command.errors}});
  change(retention_fails_, now.retention.fault.kind != logging::RetentionFault::Kind::none, "retention",
         {{"reason", name(now.retention.fault.kind)},
          {"segment", now.retention.fault.segment},
          {"errors", now.retention.errors}});
}

void LogWatch::change(bool& fails, bool fails_now, std::string_view event, OperatorLogger::Fields fields) {
  if (std::exchange(fails, fails_now) == fails_now) return;
  tell_(fails_now ? LogLevel::error : LogLevel::info, std::string(event) + (fails_now ? "_fails" : "_works"), fields);
}

}  // namespace sallyport::gateway
