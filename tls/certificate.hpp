// What a certificate says: its names and dates, and the PeerIdentity that a finished handshake proved. Private to this folder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/peer_identity.hpp"
#include "tls/openssl.hpp"

namespace sallyport::tls {

core::PeerIdentity identify(SSL* ssl);

// A certificate's subjectAltNames of one type, GEN_DNS (in lower case) or GEN_URI.
std::vector<std::string> names_of(X509* certificate, int type);

// A certificate's date; nothing when it cannot be read. WallTime ends in 2262: what is later counts as that (RFC 5280
// §4.1.2.5 has 9999 for a certificate without an end).
std::optional<core::WallTime> time_of(const ASN1_TIME* date);

// A resumed session skips the certificate's verification, so its validity in time is looked at again.
bool certificate_still_valid(SSL* ssl);

}  // namespace sallyport::tls
