#include "envelope/identity.hpp"

#include <stdexcept>

#include "core/private_file.hpp"
#include "envelope/hpke.hpp"

namespace sallyport::envelope {

using core::crypto::HybridPrivateKey;
using core::crypto::PrivateKey;

Identity Identity::load(const std::filesystem::path& file, const core::crypto::AskPassphrase& ask) {
  const core::Secret pem = core::read_private_file(file);
  core::Secret answer;  // both parsers ask: an encrypted file does not show which kind of key it holds
  const auto ask_once = [&] {
    if (answer.empty() && ask) answer = ask();
    return answer.copy();
  };
  try {
    if (auto hybrid = HybridPrivateKey::from_pem(pem.reveal(), ask_once)) return Identity(*std::move(hybrid));
    return Identity(PrivateKey::from_pem(pem.reveal(), ask_once));
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(file.string() + ": " + error.what());
  }
}

Identity::Identity(PrivateKey key)
    : key_(std::move(key)), recipient_(Recipient::of(std::get<PrivateKey>(key_).public_key())), id_(recipient_.id()) {}

Identity::Identity(HybridPrivateKey key)
    : key_(std::move(key)),
      recipient_(Recipient::of(std::get<HybridPrivateKey>(key_).public_key())),
      id_(recipient_.id()) {}

core::Result<core::Secret> Identity::unwrap(const Stanza& stanza, core::ConstBytes context) {
  if (stanza.suite != recipient_.suite() || stanza.recipient_id != id_) {
    return core::Error{core::Reason::key_mismatch};
  }
  if (const auto* hybrid = std::get_if<HybridPrivateKey>(&key_)) {
    return hpke::open(*hybrid, context, {}, stanza.wrapped);
  }
  const auto& key = std::get<PrivateKey>(key_);
  if (stanza.suite == Suite::hpke_p256) return hpke::open(key, context, {}, stanza.wrapped);
  return key.decrypt_oaep(stanza.wrapped);
}

}  // namespace sallyport::envelope
