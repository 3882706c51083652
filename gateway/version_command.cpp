#include "gateway/version_command.hpp"

#include <openssl/crypto.h>

#include <CLI/CLI.hpp>
#include <boost/version.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "gateway/commands.hpp"
#include "gateway/version.hpp"

namespace sallyport::gateway {

std::string boost_version() {
  return std::to_string(BOOST_VERSION / 100000) + "." + std::to_string(BOOST_VERSION / 100 % 1000) + "." +
         std::to_string(BOOST_VERSION % 100);
}

std::string openssl_version() { return OpenSSL_version(OPENSSL_VERSION_STRING); }

std::string version_text() {
  return "sallyport " + std::string(version) + "\nBoost " + boost_version() + "\nOpenSSL " + openssl_version();
}

void add_version_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("version", "Print the versions of sallyport and of what it runs on")->footer("");
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "One JSON object");
  command->callback([as_json, &exit_code] {
    const nlohmann::ordered_json versions = {
        {"sallyport", version}, {"boost", boost_version()}, {"openssl", openssl_version()}};
    if (*as_json) {
      std::cout << versions.dump(2) << '\n';
    } else {
      std::cout << version_text() << '\n';
    }
    exit_code = std::cout.flush() ? 0 : 1;
  });
}

}  // namespace sallyport::gateway
