// A pair of key files, as `key new` and `key rotate` make them: NAME.key for its owner alone, and its public half.
#pragma once

#include <filesystem>
#include <string>

#include "envelope/recipient.hpp"
#include "logging/signed_note.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sallyport::gateway {

inline constexpr auto post_quantum_type = "mlkem768-x25519";

struct KeyPairOptions {
  std::string out;              // NAME, to which the endings are added
  std::string type = "p256";    // or rsa3072, rsa4096, post_quantum_type
  bool ask = false;             // for a passphrase, on the terminal
  std::string passphrase_file;  // "-": stdin
  bool encrypted() const { return ask || !passphrase_file.empty(); }
};

// Adds --out, and --passphrase and --passphrase-file, which say how the private half is encrypted.
CLI::Option* add_out_option(CLI::App& command, KeyPairOptions& options);
void add_passphrase_options(CLI::App& command, KeyPairOptions& options, CLI::Option* excluded = nullptr);

std::filesystem::path with_ending(const std::filesystem::path& name, const char* ending);

// NAME.key and NAME.pub. Throws std::runtime_error, and leaves no key, when either is there already, the passphrase is
// wrong, or a file cannot be written.
envelope::Recipient make_pair(const KeyPairOptions& options);

// NAME.key and NAME.vkey, which sign for the log of this origin. Throws as make_pair() does.
logging::NoteVerifier make_signer_pair(const std::string& out, const std::string& origin);

}  // namespace sallyport::gateway
