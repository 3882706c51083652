#include "gateway/key_new.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/hybrid_key.hpp"
#include "core/private_file.hpp"
#include "core/public_key.hpp"
#include "envelope/recipient.hpp"
#include "gateway/key_output.hpp"
#include "gateway/passphrase.hpp"
#include "logging/signed_note.hpp"

namespace sallyport::gateway {

namespace {

namespace crypto = core::crypto;
using envelope::Recipient;
using nlohmann::ordered_json;
using std::filesystem::path;

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

constexpr auto post_quantum = "mlkem768-x25519";

path with_ending(const path& name, const char* ending) { return path(name) += ending; }

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
  std::string signing;  // a log's origin: not a recipient's keys, but those that sign its checkpoints
  std::string type = "p256";
  bool ask = false;
  std::string passphrase_file;
  bool json = false;

  bool encrypted() const { return ask || !passphrase_file.empty(); }
};

// Of either kind of private key.
template <class PrivateKey>
Recipient write_pair(const NewOptions& options, const PrivateKey& key) {
  const path private_file = with_ending(options.out, ".key"), public_file = with_ending(options.out, ".pub");
  if (options.encrypted()) {
    const core::Secret passphrase = options.ask ? ask_new_passphrase() : read_passphrase(options.passphrase_file);
    core::write_private_file(private_file, core::bytes_of(key.encrypted_pem(passphrase)));
  } else {
    core::write_private_file(private_file, key.pem().reveal());
  }
  const Recipient recipient = Recipient::of(key.public_key());
  write_public_file(public_file, recipient.text());
  return recipient;
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

void make_signer(const NewOptions& options) {
  const path private_file = with_ending(options.out, ".key"), public_file = with_ending(options.out, ".vkey");
  refuse_existing(private_file);
  refuse_existing(public_file);
  const auto key = crypto::PrivateKey::generate_ed25519();
  const std::string verifier = logging::NoteVerifier(options.signing, key.public_key()).text();
  core::write_private_file(private_file, key.pem().reveal());
  write_public_file(public_file, verifier);
  if (options.json) {
    const ordered_json made = {
        {"signer", verifier}, {"public_file", public_file.string()}, {"private_file", private_file.string()}};
    std::cout << made.dump(2) << '\n';
    return;
  }
  std::cout << "Made " << options.out << ".key, with which the gateway signs, and " << options.out
            << ".vkey, for whoever verifies:\n\n  " << verifier << "\n\n"
            << "Into the gateway's configuration:\n\n  log:\n    origin: " << options.signing
            << "\n    checkpoints:\n      key: " << options.out << ".key\n\n"
            << "Give the line above to whoever verifies, by another way than the log takes.\n";
}

void make(const NewOptions& options) {
  if (!options.signing.empty()) return make_signer(options);
  refuse_existing(with_ending(options.out, ".key"));
  refuse_existing(with_ending(options.out, ".pub"));
  const Recipient recipient = options.type == post_quantum ? write_pair(options, crypto::HybridPrivateKey::generate())
                                                           : write_pair(options, generate(options.type));
  if (!options.json) return explain_new(options, recipient);
  ordered_json made = json_of(recipient);
  made["public_file"] = options.out + ".pub";
  made["private_file"] = options.out + ".key";
  made["encrypted"] = options.encrypted();
  std::cout << made.dump(2) << '\n';
}

std::string check_origin(const std::string& name) {
  return logging::is_note_name(name) ? "" : "a log's origin without white space and '+'";
}

std::string check_out(const std::string& name) {
  return path(name).has_filename() ? "" : "a name, with or without a directory before it";
}

}  // namespace

void add_key_new(CLI::App& key, int& exit_code) {
  CLI::App* command = key.add_subcommand("new", "Make a pair of keys for the log")->footer(new_details);
  const auto options = std::make_shared<NewOptions>();
  command->add_option("--out,-o", options->out, "Writes NAME.key and NAME.pub (or .vkey)")
      ->required()
      ->check(check_out)
      ->type_name("NAME");
  CLI::Option* signing = command->add_option(
      "--signing", options->signing, "Keys that sign the checkpoints of the log of this origin, and read nothing");
  signing->check(check_origin)->type_name("ORIGIN");
  command->add_option("--type", options->type, "p256 (default), rsa3072, rsa4096 or mlkem768-x25519")
      ->check(CLI::IsMember({"p256", "rsa3072", "rsa4096", post_quantum}))
      ->type_name("TYPE")
      ->excludes(signing);
  CLI::Option* ask = command->add_flag("--passphrase", options->ask, "Encrypt the private key; asks on the terminal");
  ask->excludes(signing);
  command->add_option("--passphrase-file", options->passphrase_file, "Encrypt it under a file's first line; -: stdin")
      ->type_name("FILE")
      ->excludes(ask)
      ->excludes(signing);
  command->add_flag("--json", options->json, "One JSON object, for scripts");
  command->callback([options, &exit_code] {
    exit_code = run_key_command([&] {
      make(*options);
      return 0;
    });
  });
}

}  // namespace sallyport::gateway
