#include "gateway/key_output.hpp"

#include <iostream>
#include <nlohmann/json.hpp>

namespace sallyport::gateway {

int run_key_command(const std::function<int()>& work) {
  try {
    const int exit_code = work();
    return std::cout.flush() ? exit_code : 1;
  } catch (const std::exception& error) {
    std::cerr << "sallyport key: " << error.what() << '\n';
    return 1;
  }
}

nlohmann::ordered_json json_of(const envelope::Recipient& recipient) {
  return {{"id", recipient.id()}, {"type", recipient.type()}, {"recipient", recipient.text()}};
}

}  // namespace sallyport::gateway
