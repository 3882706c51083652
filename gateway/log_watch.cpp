#include "gateway/log_watch.hpp"

#include <system_error>
#include <utility>

#include "logging/storage.hpp"

namespace sallyport::gateway {

namespace {

std::string words(const core::Error& why) {
  if (why.reason == core::Reason::timeout) return "the disk hangs";
  return why.os_code != 0 ? std::generic_category().message(why.os_code) : std::string(name(why.reason));
}

}  // namespace

void LogWatch::look(const logging::LogCounters& now) {
  look_at_log(now);
  look_at_directory(now.directory);
  change(command_fails_, now.command.failing, "checkpoint_command", {{"errors", now.command.errors}});
  change(retention_fails_, now.retention.fault.kind != logging::RetentionFault::Kind::none, "retention",
         {{"reason", name(now.retention.fault.kind)},
          {"segment", now.retention.fault.segment},
          {"errors", now.retention.errors}});
}

void LogWatch::look_at_log(const logging::LogCounters& now) {
  const bool failed = now.write_errors != std::exchange(write_errors_, now.write_errors);
  const bool fails = failed || !now.healthy;
  if (std::exchange(log_fails_, fails) == fails) return;
  const LogField lost{"lost", now.lost}, errors{"write_errors", now.write_errors};
  if (!fails) return tell_(LogLevel::info, "log_works", {lost, errors});
  const std::string file = (log_ / logging::segment_name(now.fault.segment)).string();
  tell_(LogLevel::error, "log_fails", {lost, errors, {"path", file}, {"reason", words(now.fault.why)}});
}

void LogWatch::look_at_directory(const logging::SecondPlaceState& now) {
  if (std::exchange(directory_fails_, now.failing) == now.failing) return;
  const LogField errors{"errors", now.errors};
  if (!now.failing) return tell_(LogLevel::info, "checkpoint_directory_works", {errors});
  const std::string file = (checkpoints_ / logging::checkpoints_name(now.fault.segment)).string();
  tell_(LogLevel::error, "checkpoint_directory_fails", {errors, {"path", file}, {"reason", words(now.fault.why)}});
}

void LogWatch::change(bool& fails, bool fails_now, std::string_view event, OperatorLogger::Fields fields) {
  if (std::exchange(fails, fails_now) == fails_now) return;
  tell_(fails_now ? LogLevel::error : LogLevel::info, std::string(event) + (fails_now ? "_fails" : "_works"), fields);
}

}  // namespace sallyport::gateway
