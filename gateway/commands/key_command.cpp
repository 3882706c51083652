#include "gateway/commands/commands.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/private_file.hpp"
#include "core/public_key.hpp"
#include "envelope/identity.hpp"
#include "envelope/recipient.hpp"
#include "gateway/commands/key_output.hpp"
#include "gateway/commands/key_reference.hpp"
#include "gateway/commands/passphrase.hpp"
#include "gateway/commands/run_command.hpp"
#include "gateway/commands/table.hpp"
#include "gateway/config/signing_key.hpp"
#include "gateway/config/text_file.hpp"

namespace sallyport::gateway {

namespace {

namespace crypto = core::crypto;
using envelope::Recipient;
using nlohmann::ordered_json;
using std::filesystem::path;

constexpr auto key_details = R"(
The log is sealed to recipients. A recipient is a pair of keys: NAME.pub is one line for the gateway's configuration,
with which it can write and never read; NAME.key opens what was written, and belongs where logs are read, not on the
gateway. Several recipients may be named; any one of them opens the log.

Examples:
  sallyport key new --out auditor --passphrase
  sallyport key show auditor.pub
  sallyport key list .
  sallyport key rotate auditor.pub
  sallyport key check --key auditor.key /var/log/sallyport
)";

constexpr auto show_details = R"(
KEY may be a .pub line, a private key, or a public key in PEM as OpenSSL, Vault and cloud key services print it. It may
also name a token or a Vault key: then it shows the recipient lines of what is kept there, the newest version first.
Of a key that signs, its .vkey line; a private one shows it for the log whose origin --signing names.

Examples:
  sallyport key show auditor.pub
  sallyport key show auditor.key --passphrase-file words
  sallyport key show signer.key --signing gateway-1
  sallyport key show exported-from-vault.pem --json | jq -r .recipient
  sallyport key show 'pkcs11:module=/usr/lib/softhsm/libsofthsm2.so;token=audit' --pin-file pin
  sallyport key show vault:https://vault.example:8200/transit/log-key
)";

constexpr std::string_view encrypted_label = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
constexpr std::string_view private_label = "PRIVATE KEY-----";

[[noreturn]] void fail(const path& file, const std::string& words) {
  throw std::runtime_error(file.string() + ": " + words);
}

core::Secret content_of(const path& file) {
  std::string text = require_text(file, core::maximum_private_file_size);
  return core::Secret::take(text);
}

Recipient public_recipient(const path& file, std::string_view text) {
  try {
    if (!text.starts_with("-----BEGIN") || text.find(private_label) != text.npos) return Recipient::parse(text);
    const auto key = crypto::PublicKey::from_pem(text);
    if (!key) fail(file, "not a public key for P-256 or RSA");
    return Recipient::of(*key);
  } catch (const std::invalid_argument& error) {
    fail(file, error.what());
  }
}

// A private key always passes through read_private_file, which looks at who else may read it.
Recipient recipient_in(const path& file, const path& passphrase_file) {
  const core::Secret text = content_of(file);
  if (text.reveal_text().find(private_label) == std::string_view::npos) {
    return public_recipient(file, text.reveal_text());
  }
  return envelope::Identity::load(file, passphrase_for(file, passphrase_file)).recipient();
}

void print(const Recipient& recipient) {
  std::cout << "id         " << recipient.id() << "\ntype       " << recipient.type() << "\nrecipient  "
            << recipient.text() << '\n';
}

void print(const logging::NoteVerifier& signer) {
  std::cout << "name       " << signer.name() << "\ntype       ed25519\nsigner     " << signer.text() << '\n';
}

struct ShowOptions {
  std::string key, passphrase_file, pin_file, signing;
  bool json = false;
};

// What a token or a key service keeps may be several keys: then there is a JSON array.
void show_kept(const ShowOptions& options) {
  KeyOptions key{{options.key}, {}, options.pin_file};
  if (!options.passphrase_file.empty()) key.passphrase_files.push_back(options.passphrase_file);
  const std::vector<Recipient> recipients = open_keys(key)->recipients();
  if (recipients.empty()) throw std::runtime_error(options.key + " does not tell which keys it opens for");
  ordered_json shown = ordered_json::array();
  for (const Recipient& recipient : recipients) {
    shown.push_back(json_of(recipient));
    if (!options.json) print(recipient);
  }
  if (options.json) std::cout << shown.dump(2) << '\n';
}

template <class PublicHalf>
void show(const PublicHalf& half, bool json) {
  if (!json) return print(half);
  std::cout << json_of(half).dump(2) << '\n';
}

void show(const ShowOptions& options) {
  if (is_kept_elsewhere(options.key)) return show_kept(options);
  if (!options.signing.empty()) return show(load_signer(options.key, options.signing).verifier(), options.json);
  if (path(options.key).extension() == ".vkey") return show(read_signer(options.key), options.json);
  show(recipient_in(options.key, options.passphrase_file), options.json);
}

// What stands beside NAME.pub: a private key here is a thing to know on a gateway.
std::string private_half_beside(const path& public_file) {
  const path file = path(public_file).replace_extension(".key");
  if (!std::filesystem::exists(file)) return "elsewhere";
  const core::Secret content = core::read_private_file(file);
  return content.reveal_text().starts_with(encrypted_label) ? "here, encrypted" : "here, not encrypted";
}

std::vector<path> public_files_in(const path& directory) {
  std::vector<path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".pub" && entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// 1 when any file had a problem; the others are listed all the same.
int list(const path& directory, bool json) {
  std::vector<std::vector<std::string>> rows = {{"FILE", "TYPE", "ID", "PRIVATE HALF"}};
  ordered_json keys = ordered_json::array();
  int exit_code = 0;
  for (const path& file : public_files_in(directory)) {
    try {
      const Recipient recipient = public_recipient(file, content_of(file).reveal_text());
      const std::string private_half = private_half_beside(file);
      rows.push_back({file.filename().string(), recipient.type(), recipient.id(), private_half});
      ordered_json key = json_of(recipient);
      key["file"] = file.string();
      key["private_half"] = private_half;
      keys.push_back(std::move(key));
    } catch (const std::exception& error) {
      std::cerr << "sallyport key: " << error.what() << '\n';
      exit_code = 1;
    }
  }
  if (json) {
    std::cout << keys.dump(2) << '\n';
  } else if (rows.size() == 1) {
    std::cout << "No public keys (*.pub) here. To make a pair: sallyport key new --out NAME\n";
  } else {
    std::cout << table(rows);
  }
  return exit_code;
}

void add_show(CLI::App& key, int& exit_code) {
  CLI::App* command = key.add_subcommand("show", "Show a key's recipient line and id")->footer(show_details);
  const auto options = std::make_shared<ShowOptions>();
  command->add_option("key", options->key, "A public or private key, or who keeps it")->required()->type_name("KEY");
  command->add_option("--passphrase-file", options->passphrase_file, "For an encrypted private key; -: stdin")
      ->type_name("FILE");
  command->add_option("--pin-file", options->pin_file, "For a token; -: stdin")->type_name("FILE");
  command->add_option("--signing", options->signing, "A private key that signs for the log of this origin")
      ->type_name("ORIGIN");
  command->add_flag("--json", options->json, "One JSON object, for scripts");
  command->callback([options, &exit_code] { exit_code = run_command("key", [&] { return show(*options), 0; }); });
}

void add_list(CLI::App& key, int& exit_code) {
  CLI::App* command = key.add_subcommand("list", "List the public keys in a directory");
  const auto directory = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  command->add_option("directory", *directory, "Where the .pub files are")->required()->type_name("DIR");
  command->add_flag("--json", *json, "One JSON array, for scripts");
  command->callback(
      [directory, json, &exit_code] { exit_code = run_command("key", [&] { return list(*directory, *json); }); });
}

}  // namespace

void add_key_commands(CLI::App& app, int& exit_code) {
  CLI::App* key = app.add_subcommand("key", "Make and show the keys that seal and open the log");
  key->footer(key_details);
  key->require_subcommand(1);
  add_key_new(*key, exit_code);
  add_show(*key, exit_code);
  add_list(*key, exit_code);
  add_key_rotate(*key, exit_code);
  add_key_check(*key, exit_code);
}

}  // namespace sallyport::gateway
