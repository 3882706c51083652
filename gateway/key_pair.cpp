#include "gateway/key_pair.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <stdexcept>

#include "core/hybrid_key.hpp"
#include "core/private_file.hpp"
#include "core/public_key.hpp"
#include "gateway/passphrase.hpp"

namespace sallyport::gateway {

namespace {

namespace crypto = core::crypto;
using envelope::Recipient;
using std::filesystem::path;

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

// Of either kind of private key.
template <class PrivateKey>
Recipient write_pair(const KeyPairOptions& options, const PrivateKey& key) {
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

std::string check_name(const std::string& name) {
  return path(name).has_filename() ? "" : "a name, with or without a directory before it";
}

}  // namespace

CLI::Option* add_out_option(CLI::App& command, KeyPairOptions& options) {
  return command.add_option("--out,-o", options.out, "Writes NAME.key and NAME.pub (or .vkey)")
      ->check(check_name)
      ->type_name("NAME");
}

void add_passphrase_options(CLI::App& command, KeyPairOptions& options, CLI::Option* excluded) {
  CLI::Option* ask = command.add_flag("--passphrase", options.ask, "Encrypt the private key; asks on the terminal");
  CLI::Option* file =
      command
          .add_option("--passphrase-file", options.passphrase_file, "Encrypt it under a file's first line; -: stdin")
          ->type_name("FILE")
          ->excludes(ask);
  if (excluded == nullptr) return;
  ask->excludes(excluded);
  file->excludes(excluded);
}

path with_ending(const path& name, const char* ending) { return path(name) += ending; }

Recipient make_pair(const KeyPairOptions& options) {
  refuse_existing(with_ending(options.out, ".key"));
  refuse_existing(with_ending(options.out, ".pub"));
  if (options.type == post_quantum_type) return write_pair(options, crypto::HybridPrivateKey::generate());
  return write_pair(options, generate(options.type));
}

logging::NoteVerifier make_signer_pair(const std::string& out, const std::string& origin) {
  const path private_file = with_ending(out, ".key"), public_file = with_ending(out, ".vkey");
  refuse_existing(private_file);
  refuse_existing(public_file);
  const auto key = crypto::PrivateKey::generate_ed25519();
  logging::NoteVerifier verifier(origin, key.public_key());
  core::write_private_file(private_file, key.pem().reveal());
  write_public_file(public_file, verifier.text());
  return verifier;
}

}  // namespace sallyport::gateway
