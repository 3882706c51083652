#include "gateway/commands/key_output.hpp"

#include <nlohmann/json.hpp>

namespace sallyport::gateway {

nlohmann::ordered_json json_of(const envelope::Recipient& recipient) {
  return {{"id", recipient.id()}, {"type", recipient.type()}, {"recipient", recipient.text()}};
}

nlohmann::ordered_json json_of(const logging::NoteVerifier& signer) {
  return {{"name", signer.name()}, {"type", "ed25519"}, {"signer", signer.text()}};
}

nlohmann::ordered_json json_of(const envelope::Recipient& recipient, const KeyPairOptions& pair) {
  nlohmann::ordered_json made = json_of(recipient);
  made["public_file"] = pair.out + ".pub";
  made["private_file"] = pair.out + ".key";
  made["encrypted"] = pair.encrypted();
  return made;
}

nlohmann::ordered_json json_of(const logging::NoteVerifier& signer, const std::string& out) {
  nlohmann::ordered_json made = json_of(signer);
  made["public_file"] = out + ".vkey";
  made["private_file"] = out + ".key";
  return made;
}

}  // namespace sallyport::gateway
