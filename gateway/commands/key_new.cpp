#include "gateway/commands/commands.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "gateway/commands/key_output.hpp"
#include "gateway/commands/key_pair.hpp"
#include "gateway/commands/run_command.hpp"

namespace sallyport::gateway {

namespace {

using envelope::Recipient;

constexpr auto new_details = R"(
Writes NAME.key (mode 0600) and NAME.pub, and never writes over either. The type decides what can hold the private key
later: p256 also PKCS#11 tokens, TPMs and AWS KMS; rsa3072 and rsa4096 also Vault, OpenBao and Azure;
mlkem768-x25519, which a quantum computer of the future does not open either, key files alone (OpenSSL 3.5 and newer).

Examples:
  sallyport key new --out auditor --passphrase
  pass show auditor | sallyport key new --out auditor --passphrase-file -
  openssl pkey -in auditor.key -pubout        the file is plain PKCS#8: OpenSSL reads it too
  sallyport key new --signing gateway-1 --out signer      signer.key for the gateway, signer.vkey for verifiers
)";

struct NewOptions {
  KeyPairOptions pair;
  std::string signing;  // a log's origin: not a recipient's keys, but those that sign its checkpoints
  bool json = false;
};

void explain_new(const NewOptions& options, const Recipient& recipient) {
  const std::string& name = options.pair.out;
  std::cout << "Made " << name << ".pub, for the gateway, and " << name << ".key, for whoever reads the log.\n\n"
            << "  id    " << recipient.id() << "\n  type  " << recipient.type() << "\n\n"
            << "Paste into the gateway's configuration:\n\n"
            << "  log:\n    recipients:\n      - " << recipient.text() << "\n\n"
            << "Then move " << name
            << ".key to where logs are read, and leave no copy beside the gateway: whoever has\n"
            << "it reads the log, and without it nobody does. Keep a second copy safe.\n";
  if (!options.pair.encrypted()) {
    std::cout << "It is not encrypted; to have it so: sallyport key new --passphrase --out ANOTHER_NAME\n";
  }
}

void make_signer(const NewOptions& options) {
  const std::string& name = options.pair.out;
  const logging::NoteVerifier verifier = make_signer_pair(name, options.signing);
  if (options.json) {
    std::cout << json_of(verifier, name).dump(2) << '\n';
    return;
  }
  std::cout << "Made " << name << ".key, with which the gateway signs, and " << name
            << ".vkey, for whoever verifies:\n\n  " << verifier.text() << "\n\n"
            << "Into the gateway's configuration:\n\n  log:\n    origin: " << options.signing
            << "\n    checkpoints:\n      key: " << name << ".key\n\n"
            << "Give the line above to whoever verifies, by another way than the log takes.\n";
}

void make(const NewOptions& options) {
  if (!options.signing.empty()) return make_signer(options);
  const Recipient recipient = make_pair(options.pair);
  if (!options.json) return explain_new(options, recipient);
  std::cout << json_of(recipient, options.pair).dump(2) << '\n';
}

std::string check_origin(const std::string& name) {
  return logging::is_note_name(name) ? "" : "a log's origin without white space and '+'";
}

}  // namespace

void add_key_new(CLI::App& key, int& exit_code) {
  CLI::App* command = key.add_subcommand("new", "Make a pair of keys for the log")->footer(new_details);
  const auto options = std::make_shared<NewOptions>();
  add_out_option(*command, options->pair)->required();
  CLI::Option* signing = command->add_option(
      "--signing", options->signing, "Keys that sign the checkpoints of the log of this origin, and read nothing");
  signing->check(check_origin)->type_name("ORIGIN");
  command->add_option("--type", options->pair.type, "p256 (default), rsa3072, rsa4096 or mlkem768-x25519")
      ->check(CLI::IsMember({"p256", "rsa3072", "rsa4096", post_quantum_type}))
      ->type_name("TYPE")
      ->excludes(signing);
  add_passphrase_options(*command, options->pair, signing);
  command->add_flag("--json", options->json, "One JSON object, for scripts");
  command->callback([options, &exit_code] { exit_code = run_command("key", [&] { return make(*options), 0; }); });
}

}  // namespace sallyport::gateway
