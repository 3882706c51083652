#include "gateway/commands/commands.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "gateway/commands/key_reference.hpp"
#include "gateway/commands/log_report.hpp"
#include "gateway/commands/log_text.hpp"
#include "gateway/commands/options.hpp"
#include "gateway/commands/run_command.hpp"
#include "gateway/config/signing_key.hpp"
#include "logging/verify.hpp"

namespace sallyport::gateway {

namespace {

constexpr auto verify_details = R"(
Finds whether a log was changed, cut, reordered or spliced. Says each thing it finds; exit code 1 when any of them is a
problem. States that the log itself declares, such as a torn tail after a crash, are no problem. A copy made while the
gateway writes has no clean end, which is one: nothing in it tells that from a log that was cut.

A signed log (log.checkpoints) is held to the signer's public key when --signer names it, else only to the key that the
log itself names. --checkpoints finds also a log that was rolled back, or forked: it needs the checkpoints' second
place, or a copy of it. --since-checkpoint begins where the last verification ended: earlier segments may be gone.
With --key it also checks that every frame was sealed with its segment's key.

Examples:
  sallyport log verify log/ && echo intact
  sallyport log verify --signer signer.vkey --checkpoints /mnt/worm/gateway-1 log/
  sallyport log verify --json log/ | jq 'select(.problem)'
  sallyport log verify --key 'pkcs11:module=/usr/lib/softhsm/libsofthsm2.so;token=audit' --pin-file pin log/
)";

struct Options {
  std::vector<std::string> directories;
  KeyOptions keys;
  std::vector<std::string> signers;
  std::string checkpoints, since;
  bool json = false;
};

int verify(const Options& options) {
  const std::unique_ptr<envelope::KeyHolder> key = options.keys.references.empty() ? nullptr : open_keys(options.keys);
  logging::VerifyOptions how;
  how.holder = key.get();
  how.checkpoints = options.checkpoints;
  how.since = options.since;
  for (const std::string& signer : options.signers) how.signers.push_back(read_signer(signer));
  const bool with_key = key != nullptr;
  const bool colour = ::isatty(STDOUT_FILENO) != 0;
  bool good = true;
  for (const std::string& directory : options.directories) {
    const logging::LogReport report = logging::verify_log(directory, how);
    good = good && report.good();
    if (options.directories.size() > 1 && !options.json) std::cout << printable(directory) << ":\n";
    std::cout << (options.json ? json_report(report, with_key) : human_report(report, with_key, colour)) << std::flush;
  }
  return good ? 0 : 1;
}

}  // namespace

void add_log_verify(CLI::App& log, int& exit_code) {
  CLI::App* command = log.add_subcommand("verify", "Find whether a log was changed or cut; needs no key");
  command->footer(std::string(verify_details) + key_reference_help);
  const auto options = std::make_shared<Options>();
  command->add_option("DIR", options->directories, "A log's directory; several for the logs of several gateways")
      ->required()
      ->check(CLI::ExistingDirectory);
  repeatable(command->add_option(
                 "--signer", options->signers,
                 "Who signs the checkpoints: the line that `key new --signing` printed, or a file; may be repeated"))
      ->type_name("SIGNER");
  command->add_option("--checkpoints", options->checkpoints, "The checkpoints' second place")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory);
  command->add_option("--since-checkpoint", options->since, "Begin at the last checkpoint in this file")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  add_key_options(*command, options->keys);
  command->add_flag("--json", options->json, "One JSON object a line; the last is the verdict");
  command->callback([options, &exit_code] {
    if (!options->since.empty() && options->directories.size() > 1) {
      throw CLI::ValidationError("--since-checkpoint", "speaks of one log");
    }
    exit_code = run_command("log", [&] { return verify(*options); });
  });
}

}  // namespace sallyport::gateway
