#include "gateway/commands/key_pair.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <stdexcept>

#include "core/hybrid_key.hpp"
#include "core/private_file.hpp"
#include "core/private_key.hpp"
#include "gateway/commands/passphrase.hpp"

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
  if (out == nullptr) throw std::runtime_error(file.string() + " cannot be written");
  bool written = std::fputs((line + "\n").c_str(), out) >= 0;
  if (std::fclose(out) != 0) written = false;
  if (written) return;
  std::remove(file.c_str());
  throw std::runtime_error(file.string() + " cannot be written");
}

// Both or neither: a private half without its public one would be a key that nobody knows of.
void write_files(const path& private_file, const core::Secret& pem, const path& public_file, const std::string& line) {
  core::write_private_file(private_file, pem.reveal());
  try {
    write_public_file(public_file, line);
  } catch (...) {
    std::remove(private_file.c_str());
    throw;
  }
}

// Of either kind of private key.
template <class PrivateKey>
core::Secret pem_of(const PrivateKey& key, const KeyPairOptions& options) {
  if (!options.encrypted()) return key.pem();
  return core::Secret(key.encrypted_pem(options.ask ? ask_new_passphrase() : read_passphrase(options.passphrase_file)));
}

template <class PrivateKey>
Recipient write_pair(const KeyPairOptions& options, const PrivateKey& key) {
  Recipient recipient = Recipient::of(key.public_key());
  write_files(with_ending(options.out, ".key"), pem_of(key, options), with_ending(options.out, ".pub"),
              recipient.text());
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
  write_files(private_file, key.pem(), public_file, verifier.text());
  return verifier;
}

}  // namespace sallyport::gateway
