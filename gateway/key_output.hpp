// What the key commands share: how they end, and how they show a key to a program.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "envelope/recipient.hpp"
#include "gateway/key_pair.hpp"

namespace sallyport::gateway {

// What `work` gives, or 1 when it threw (the words go to stderr) or stdout could not be written.
int run_key_command(const std::function<int()>& work);

nlohmann::ordered_json json_of(const envelope::Recipient& recipient);
nlohmann::ordered_json json_of(const logging::NoteVerifier& signer);
// Of a pair that was made just now.
nlohmann::ordered_json json_of(const envelope::Recipient& recipient, const KeyPairOptions& pair);
nlohmann::ordered_json json_of(const logging::NoteVerifier& signer, const std::string& out);

}  // namespace sallyport::gateway
