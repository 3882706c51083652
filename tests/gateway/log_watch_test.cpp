#include "gateway/log_watch.hpp"

#include "tests/support/catch.hpp"

using namespace sallyport;
using gateway::LogLevel;

TEST_CASE("the operator is told once when the log, a second place or retention fails, and once when it works again") {
  std::vector<std::string> told;
  const auto tell = [&](LogLevel level, std::string_view event, gateway::OperatorLogger::Fields fields) {
    told.push_back((level == LogLevel::error ? "error " : "info ") +
                   gateway::format_event(gateway::LogFormat::text, event, fields));
  };
  gateway::LogWatch watch(tell, "/log", "/kept");
  logging::LogCounters counters;
  watch.look(counters);
  CHECK(told.empty());
  counters.healthy = false;
  counters.write_errors = 3;
  counters.fault = {7, core::Error(core::Reason::io_failed, ENOSPC)};
  for (int i = 0; i < 3; ++i) watch.look(counters);
  counters.healthy = true;
  counters.lost = 2;
  counters.directory.failing = counters.command.failing = true;
  counters.directory.errors = 1;
  counters.directory.fault = {6};
  counters.command.errors = 4;
  for (int i = 0; i < 3; ++i) watch.look(counters);
  counters.directory.failing = counters.command.failing = false;
  watch.look(counters);
  counters.retention.fault = {logging::RetentionFault::Kind::missing, 3};
  counters.retention.errors = 1;
  for (int i = 0; i < 3; ++i) watch.look(counters);
  counters.retention.fault = {};
  watch.look(counters);
  CHECK(told == std::vector<std::string>{
                    "error log_fails lost=0 write_errors=3 path=/log/0000000007.segment "
                    "reason=\"No space left on device\"",
                    "info log_works lost=2 write_errors=3",
                    "error checkpoint_directory_fails errors=1 path=/kept/0000000006.checkpoints "
                    "reason=\"the disk hangs\"",
                    "error checkpoint_command_fails errors=4", "info checkpoint_directory_works errors=1",
                    "info checkpoint_command_works errors=4", "error retention_fails reason=missing segment=3 errors=1",
                    "info retention_works reason=none segment=0 errors=1"});
}

TEST_CASE("a failure of the log that has passed before anybody looked is told all the same") {
  std::vector<std::string> told;
  const auto tell = [&](LogLevel, std::string_view event, gateway::OperatorLogger::Fields) {
    told.emplace_back(event);
  };
  gateway::LogWatch watch(tell, "/log", "/kept");
  logging::LogCounters counters;
  counters.write_errors = 1;
  for (int i = 0; i < 3; ++i) watch.look(counters);
  CHECK(told == std::vector<std::string>{"log_fails", "log_works"});
}
