// A passphrase, from the terminal or a file. Never from an argument or the environment: other processes see those.
#pragma once

#include <filesystem>
#include <string>

#include "core/private_key.hpp"
#include "core/secret.hpp"

namespace sallyport::gateway {

// Asks on the terminal without echo, whatever stdin and stdout are. Throws std::runtime_error when there is no terminal
// or the answer is empty or too long.
core::Secret ask_passphrase(const std::string& question);

// Asks twice; throws std::runtime_error when the answers differ.
core::Secret ask_new_passphrase();

// The first line of a file that only its owner may read, or the next of stdin when `file` is "-". Throws
// std::runtime_error.
core::Secret read_passphrase(const std::filesystem::path& file);

// For opening `key`: from `file`, or from the terminal when that is empty.
core::crypto::AskPassphrase passphrase_for(const std::filesystem::path& key, const std::filesystem::path& file);

}  // namespace sallyport::gateway
