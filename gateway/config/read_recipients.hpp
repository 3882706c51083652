// Public keys as people name them, recipients' and signers': in the configuration written out, or in files (`file:`) or
// environment variables (`env:`); on the command line written out, or in a file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "envelope/recipient.hpp"
#include "gateway/config/yaml_reader.hpp"
#include "logging/signed_note.hpp"

namespace sallyport::gateway {

// Each key once, in the form Recipient::text() gives; the files read are added to `files`. Blocks on those files.
std::vector<std::string> read_recipients(const Value& list, std::vector<std::filesystem::path>& files);

// The keys behind such lines. Throws std::invalid_argument when one is none.
std::vector<envelope::Recipient> parse_recipients(const std::vector<std::string>& lines);

// Who signed the log before, likewise. A key signs in the log's name, whatever name its line has: so a line that is made
// for one gateway serves those that share its key.
std::vector<logging::NoteVerifier> read_earlier_signers(const Value& list, const std::string& origin,
                                                        std::vector<std::filesystem::path>& files);

// Throws std::runtime_error that says which, when it is neither a recipient's line nor a file that holds one. Blocks.
envelope::Recipient read_recipient(const std::string& line_or_file);

}  // namespace sallyport::gateway
