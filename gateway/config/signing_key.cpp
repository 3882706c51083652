#include "gateway/config/signing_key.hpp"

#include <stdexcept>

#include "core/private_file.hpp"
#include "core/private_key.hpp"
#include "gateway/config/text_file.hpp"

namespace sallyport::gateway {

logging::NoteSigner load_signer(const std::filesystem::path& file, const std::string& origin) {
  const core::Secret pem = core::read_private_file(file);
  try {
    return logging::NoteSigner(origin, core::crypto::PrivateKey::from_pem(pem.reveal(), nullptr));
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(file.string() + ": " + error.what() + "; `sallyport key new --signing` makes such a key");
  }
}

logging::NoteVerifier read_signer(const std::string& text_or_file) {
  const bool is_file = text_or_file.find('+') == text_or_file.npos || std::filesystem::exists(text_or_file);
  const std::string text = is_file ? require_text(text_or_file, 64 * 1024) : text_or_file;
  if (text.find("PRIVATE KEY-----") != text.npos) {
    throw std::runtime_error(text_or_file + " is a private key, which nobody but the gateway needs; name its public " +
                             "half, which `sallyport key new --signing` wrote beside it as .vkey");
  }
  try {
    return logging::NoteVerifier::parse(text);
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(text_or_file + ": " + error.what());
  }
}

}  // namespace sallyport::gateway
