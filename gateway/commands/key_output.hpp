// How the key commands show a key to a program.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "envelope/recipient.hpp"
#include "gateway/commands/key_pair.hpp"

namespace sallyport::gateway {

nlohmann::ordered_json json_of(const envelope::Recipient& recipient);
nlohmann::ordered_json json_of(const logging::NoteVerifier& signer);
// Of a pair that was made just now.
nlohmann::ordered_json json_of(const envelope::Recipient& recipient, const KeyPairOptions& pair);
nlohmann::ordered_json json_of(const logging::NoteVerifier& signer, const std::string& out);

}  // namespace sallyport::gateway
