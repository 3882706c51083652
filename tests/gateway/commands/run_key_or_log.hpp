// For tests in which `key` and `log` commands follow each other.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gateway/commands/commands.hpp"
#include "tests/gateway/commands/run_command.hpp"

namespace sallyport::tests {

inline Outcome run(std::vector<std::string> arguments) {
  const auto add = [](CLI::App& app, int& exit_code) {
    gateway::add_key_commands(app, exit_code);
    gateway::add_log_commands(app, exit_code);
  };
  return run_command(add, std::move(arguments));
}

}  // namespace sallyport::tests
