// What the log commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <iostream>
#include <stdexcept>
#include <string>

namespace sallyport::gateway {

// What went wrong is said here; wrong use passes on to where the command line is parsed.
template <class Work>
int run_log_command(Work work) {
  try {
    const int found = work();
    if (!std::cout) throw std::runtime_error("the output could not be written to stdout");
    return found;
  } catch (const CLI::Error&) {
    throw;
  } catch (const std::exception& error) {
    std::cerr << "sallyport log: " << error.what() << '\n';
    return 1;
  }
}

inline CLI::Option* add_log_place(CLI::App& command, std::string& directory) {
  return command.add_option("DIR", directory, "The log's directory")->required()->check(CLI::ExistingDirectory);
}

}  // namespace sallyport::gateway
