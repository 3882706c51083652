// The key that signs the log's checkpoints: a private file with an Ed25519 key in PKCS#8. It signs in the log's name.
#pragma once

#include <filesystem>
#include <string>

#include "logging/note_signer.hpp"

namespace sallyport::gateway {

// Throws std::runtime_error with the file's name and what is wrong, for an operator.
logging::NoteSigner load_signer(const std::filesystem::path& file, const std::string& origin);

// What --signer names: the public half itself, or a file that holds it. Throws std::runtime_error.
logging::NoteVerifier read_signer(const std::string& text_or_file);

}  // namespace sallyport::gateway
