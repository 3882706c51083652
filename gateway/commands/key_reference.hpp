// What --key names: key files, and those who keep a key and open for us.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "envelope/key_holder.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sallyport::gateway {

struct KeyOptions {
  std::vector<std::string> references;
  std::vector<std::string> passphrase_files;  // one for each key file that is encrypted; the last serves the rest
  std::string pin_file;                       // for tokens
};

// Whether a reference names who keeps the key, and no file.
bool is_kept_elsewhere(std::string_view reference) noexcept;

// Adds --key, --passphrase-file and --pin-file; gives --key, so that a command may require it.
CLI::Option* add_key_options(CLI::App& command, KeyOptions& options);

// One for each reference. Opens files, loads modules, connects; asks on the terminal for a passphrase or a PIN that no
// file gives. Throws std::runtime_error with words for an operator, never with a secret.
std::vector<std::unique_ptr<envelope::KeyHolder>> open_each_key(const KeyOptions& options);

// All of them together: what one opens is open. So an operator's key and a tenant's read a whole log, as do the old and
// the new key of a recipient.
std::unique_ptr<envelope::KeyHolder> open_keys(const KeyOptions& options);

// The forms of a reference, for a command's help.
extern const char* const key_reference_help;

}  // namespace sallyport::gateway
