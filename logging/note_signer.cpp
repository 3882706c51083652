#include "logging/note_signer.hpp"

#include <utility>

#include "core/base64.hpp"

namespace sallyport::logging {

NoteSigner::NoteSigner(const std::string& name, core::crypto::PrivateKey key)
    : key_(std::move(key)), verifier_(name, key_.public_key()) {}

std::string NoteSigner::sign(std::string_view text) const {
  core::Bytes tagged(verifier_.id().begin(), verifier_.id().end());
  const core::Bytes signature = key_.sign(core::bytes_of(text));
  tagged.insert(tagged.end(), signature.begin(), signature.end());
  std::string note(text);
  note.append("\n").append(signature_mark).append(verifier_.name()) += ' ';
  return note.append(core::to_base64(tagged)) += '\n';
}

}  // namespace sallyport::logging
