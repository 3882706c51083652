// Options that several commands have.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace sallyport::gateway {

// Each time it takes one value. Left to itself, an option with a list takes what follows too: in `--key a.key DIR
// --json` the directory.
inline CLI::Option* repeatable(CLI::Option* option) { return option->expected(1)->allow_extra_args(false)->take_all(); }

inline CLI::Option* add_log_place(CLI::App& command, std::string& directory) {
  return command.add_option("DIR", directory, "The log's directory")->required()->check(CLI::ExistingDirectory);
}

}  // namespace sallyport::gateway
