// PeerIdentity out of a finished handshake. Private to this folder.
#pragma once

#include "core/peer_identity.hpp"
#include "tls/openssl.hpp"

namespace sallyport::tls {

core::PeerIdentity identify(SSL* ssl);

// A resumed session skips the certificate's verification, so its validity in time is looked at again.
bool certificate_still_valid(SSL* ssl);

}  // namespace sallyport::tls
