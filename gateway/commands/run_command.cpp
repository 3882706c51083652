#include "gateway/commands/run_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <stdexcept>

namespace sallyport::gateway {

int run_command(const char* name, const std::function<int()>& work) {
  try {
    const int found = work();
    if (!std::cout.flush()) throw std::runtime_error("the output could not be written to stdout");
    return found;
  } catch (const CLI::Error&) {
    throw;
  } catch (const std::exception& error) {
    std::cerr << "sallyport " << name << ": " << error.what() << '\n';
    return 1;
  }
}

}  // namespace sallyport::gateway
