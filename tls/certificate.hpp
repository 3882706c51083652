// Reads certificates: their names and dates, and the PeerIdentity that a finished handshake proved. Private to this
// folder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/peer_identity.hpp"
#include "tls/openssl.hpp"

namespace sallyport::tls {

// What a finished handshake proved, without the peer's address. The certificate's fields are empty unless the peer
// showed one whose chain was verified.
core::PeerIdentity identify(SSL* ssl);

// A certificate's subjectAltNames of one type, GEN_DNS (in lower case) or GEN_URI.
std::vector<std::string> names_of(X509* certificate, int type);

// A date of a certificate; nothing when it cannot be read. WallTime ends in 2262, and a later date becomes that (RFC
// 5280 §4.1.2.5 has 9999 for a certificate without an end).
std::optional<core::WallTime> time_of(const ASN1_TIME* date);

// True when the peer showed no certificate, or one that is valid now. For resumed sessions: OpenSSL does not verify the
// certificate again.
bool certificate_still_valid(SSL* ssl);

}  // namespace sallyport::tls
