#include "gateway/key_command.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/private_file.hpp"
#include "core/public_key.hpp"
#include "envelope/identity.hpp"
#include "envelope/recipient.hpp"
#include "gateway/passphrase.hpp"
#include "gateway/table.hpp"
#include "gateway/text_file.hpp"

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
)";

constexpr auto new_details = R"(
Writes NAME.key (mode 0600) and NAME.pub, and never writes over either. The type decides what can hold the private key
later: p256 also PKCS#11 tokens, TPMs and AWS KMS; rsa3072 and rsa4096 also Vault, OpenBao and Azure.

Examples:
  sallyport key new --out auditor --passphrase
  pass show auditor | sallyport key new --out auditor --passphrase-file -
  openssl pkey -in auditor.key -pubout        the file is plain PKCS#8: OpenSSL reads it too
)";

constexpr auto show_details = R"(
FILE may be a .pub line, a private key, or a public key in PEM as OpenSSL, Vault and cloud key services print it.

Examples:
  sallyport key show auditor.pub
  sallyport key show auditor.key --passphrase-file words
  sallyport key show exported-from-vault.pem --json | jq -r .recipient
)";

constexpr std::string_view encrypted_label = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
constexpr std::string_view private_label = "PRIVATE KEY-----";

path with_ending(const path& name, const char* ending) { return path(name) += ending; }

ordered_json json_of(const Recipient& recipient) {
  return {{"id", recipient.id()}, {"type", recipient.type()}, {"recipient", recipient.text()}};
}

crypto::PrivateKey generate(const std::string& type) {
  if (type == "rsa3072") return crypto::PrivateKey::generate_rsa(3072);
  if (type == "rsa4096") return crypto::PrivateKey::generate_rsa(4096);
  return crypto::PrivateKey::generate_p256();
}

void refuse_existing(const path& file) {
  if (std::filesystem::exists(std::filesystem::symlink_status(file))) {
    throw std::runtime_error(file.string() + " is there already and stays as it is; choose another --out");
  }
}

void write_public_file(const path& file, const std::string& line) {
  std::FILE* out = std::fopen(file.c_str(), "wxe");
  bool written = out != nullptr && std::fputs((line + "\n").c_str(), out) >= 0;
  if (out != nullptr && std::fclose(out) != 0) written = false;
  if (!written) throw std::runtime_error(file.string() + " cannot be written");
}

struct NewOptions {
  std::string out;
  std::string type = "p256";
  bool ask = false;
  std::string passphrase_file;
  bool json = false;

  bool encrypted() const { return ask || !passphrase_file.empty(); }
};

void write_pair(const NewOptions& options, const crypto::PrivateKey& key, const Recipient& recipient) {
  const path private_file = with_ending(options.out, ".key"), public_file = with_ending(options.out, ".pub");
  if (options.encrypted()) {
    const core::Secret passphrase = options.ask ? ask_new_passphrase() : read_passphrase(options.passphrase_file);
    core::write_private_file(private_file, core::bytes_of(key.encrypted_pem(passphrase)));
  } else {
    core::write_private_file(private_file, key.pem().reveal());
  }
  write_public_file(public_file, recipient.text());
}

void explain_new(const NewOptions& options, const Recipient& recipient) {
  const std::string name = options.out;
  std::cout << "Made " << name << ".pub, for the gateway, and " << name << ".key, for whoever reads the log.\n\n"
            << "  id    " << recipient.id() << "\n  type  " << recipient.type() << "\n\n"
            << "Paste into the gateway's configuration:\n\n"
            << "  log:\n    recipients:\n      - " << recipient.text() << "\n\n"
            << "Then move " << name
            << ".key to where logs are read, and leave no copy beside the gateway: whoever has\n"
            << "it reads the log, and without it nobody does. Keep a second copy safe.\n";
  if (!options.encrypted()) {
    std::cout << "It is not encrypted; to have it so: sallyport key new --passphrase --out ANOTHER_NAME\n";
  }
}

void make(const NewOptions& options) {
  refuse_existing(with_ending(options.out, ".key"));
  refuse_existing(with_ending(options.out, ".pub"));
  const crypto::PrivateKey key = generate(options.type);
  const Recipient recipient = Recipient::of(key.public_key());
  write_pair(options, key, recipient);
  if (!options.json) return explain_new(options, recipient);
  ordered_json made = json_of(recipient);
  made["public_file"] = options.out + ".pub";
  made["private_file"] = options.out + ".key";
  made["encrypted"] = options.encrypted();
  std::cout << made.dump(2) << '\n';
}

[[noreturn]] void fail(const path& file, const std::string& words) {
  throw std::runtime_error(file.string() + ": " + words);
}

core::Secret content_of(const path& file) {
  TextFile content = read_text_file(file, core::maximum_private_file_size);
  if (!content.text) throw std::runtime_error(file.string() + " " + content.problem);
  return core::Secret::take(*content.text);
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

void show(const path& file, const path& passphrase_file, bool json) {
  const Recipient recipient = recipient_in(file, passphrase_file);
  if (json) {
    std::cout << json_of(recipient).dump(2) << '\n';
  } else {
    std::cout << "id         " << recipient.id() << "\ntype       " << recipient.type() << "\nrecipient  "
              << recipient.text() << '\n';
  }
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

template <class Work>
int run(Work work) {
  try {
    const int exit_code = work();
    return std::cout.flush() ? exit_code : 1;
  } catch (const std::exception& error) {
    std::cerr << "sallyport key: " << error.what() << '\n';
    return 1;
  }
}

std::string check_out(const std::string& name) {
  return path(name).has_filename() ? "" : "a name, with or without a directory before it";
}

void add_new(CLI::App& key, int& exit_code) {
  CLI::App* command = key.add_subcommand("new", "Make a pair of keys for the log")->footer(new_details);
  const auto options = std::make_shared<NewOptions>();
  command->add_option("--out,-o", options->out, "Writes NAME.key and NAME.pub")
      ->required()
      ->check(check_out)
      ->type_name("NAME");
  command->add_option("--type", options->type, "p256 (default), rsa3072 or rsa4096")
      ->check(CLI::IsMember({"p256", "rsa3072", "rsa4096"}))
      ->type_name("TYPE");
  CLI::Option* ask = command->add_flag("--passphrase", options->ask, "Encrypt the private key; asks on the terminal");
  command->add_option("--passphrase-file", options->passphrase_file, "Encrypt it under a file's first line; -: stdin")
      ->type_name("FILE")
      ->excludes(ask);
  command->add_flag("--json", options->json, "One JSON object, for scripts");
  command->callback([options, &exit_code] {
    exit_code = run([&] {
      make(*options);
      return 0;
    });
  });
}

struct ShowOptions {
  std::string file;
  std::string passphrase_file;
  bool json = false;
};

void add_show(CLI::App& key, int& exit_code) {
  CLI::App* command = key.add_subcommand("show", "Show a key's recipient line and id")->footer(show_details);
  const auto options = std::make_shared<ShowOptions>();
  command->add_option("file", options->file, "A public or private key")->required()->type_name("FILE");
  command->add_option("--passphrase-file", options->passphrase_file, "For an encrypted private key; -: stdin")
      ->type_name("FILE");
  command->add_flag("--json", options->json, "One JSON object, for scripts");
  command->callback([options, &exit_code] {
    exit_code = run([&] {
      show(options->file, options->passphrase_file, options->json);
      return 0;
    });
  });
}

void add_list(CLI::App& key, int& exit_code) {
  CLI::App* command = key.add_subcommand("list", "List the public keys in a directory");
  const auto directory = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  command->add_option("directory", *directory, "Where the .pub files are")->required()->type_name("DIR");
  command->add_flag("--json", *json, "One JSON array, for scripts");
  command->callback([directory, json, &exit_code] { exit_code = run([&] { return list(*directory, *json); }); });
}

}  // namespace

void add_key_commands(CLI::App& app, int& exit_code) {
  CLI::App* key = app.add_subcommand("key", "Make and show the keys that seal and open the log");
  key->footer(key_details);
  key->require_subcommand(1);
  add_new(*key, exit_code);
  add_show(*key, exit_code);
  add_list(*key, exit_code);
}

}  // namespace sallyport::gateway
