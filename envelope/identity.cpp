#include "envelope/identity.hpp"

#include <stdexcept>

#include "core/private_file.hpp"
#include "envelope/hpke.hpp"

namespace sallyport::envelope {

using core::crypto::PrivateKey;

Identity Identity::load(const std::filesystem::path& file, const core::crypto::AskPassphrase& ask) {
  const core::Secret pem = core::read_private_file(file);
  try {
    return Identity(PrivateKey::from_pem(pem.reveal(), ask));
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(file.string() + ": " + error.what());
  }
}

Identity::Identity(PrivateKey key)
    : key_(std::move(key)), recipient_(Recipient::of(key_.public_key())), id_(recipient_.id()) {}

core::Result<core::Secret> Identity::unwrap(const Stanza& stanza, core::ConstBytes context) {
  if (stanza.suite != recipient_.suite() || stanza.recipient_id != id_) {
    return core::Error{core::Reason::key_mismatch};
  }
  if (stanza.suite == Suite::hpke_p256) return hpke::open(key_, context, {}, stanza.wrapped);
  return key_.decrypt_oaep(stanza.wrapped);
}

}  // namespace sallyport::envelope
