#include "gateway/commands/version_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/version.hpp"
#include "gateway/commands/commands.hpp"

namespace sallyport::gateway {

std::string version_text() {
  return "sallyport " + std::string(core::version()) + "\nBoost " + core::boost_version() + "\nOpenSSL " +
         core::openssl_version();
}

void add_version_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("version", "Print the versions of sallyport and of what it runs on")->footer("");
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "One JSON object");
  command->callback([as_json, &exit_code] {
    const nlohmann::ordered_json versions = {
        {"sallyport", core::version()}, {"boost", core::boost_version()}, {"openssl", core::openssl_version()}};
    if (*as_json) {
      std::cout << versions.dump(2) << '\n';
    } else {
      std::cout << version_text() << '\n';
    }
    exit_code = std::cout.flush() ? 0 : 1;
  });
}

}  // namespace sallyport::gateway
