// What --key names: a key file, or somebody who keeps the key and opens for us.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "envelope/key_holder.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sallyport::gateway {

struct KeyOptions {
  std::string reference;
  std::string passphrase_file;  // for a key file that is encrypted
  std::string pin_file;         // for a token
};

// Whether a reference names who keeps the key, and no file.
bool is_kept_elsewhere(std::string_view reference) noexcept;

// Adds --key, --passphrase-file and --pin-file; gives --key, so that a command may require it.
CLI::Option* add_key_options(CLI::App& command, KeyOptions& options);

// Opens files, loads modules, connects; asks on the terminal for a passphrase or a PIN that no file gives.
// Throws std::runtime_error with words for an operator, never with a secret.
std::unique_ptr<envelope::KeyHolder> open_key(const KeyOptions& options);

// The forms of a reference, for a command's help.
extern const char* const key_reference_help;

}  // namespace sallyport::gateway
