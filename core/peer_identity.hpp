// What a TLS handshake proved about the peer. Plain values, copied from its certificate; the fields about the
// certificate are empty when it was not verified.
#pragma once

#include <string>
#include <vector>

#include "core/clock.hpp"

namespace sallyport::core {

struct PeerIdentity {
  bool verified = false;               // the peer showed a certificate and its chain was verified
  std::string address;                 // "192.0.2.7"
  std::string common_name;             // subject CN, may be empty
  std::vector<std::string> dns_names;  // subjectAltName dNSName
  std::vector<std::string> uris;       // subjectAltName URI (SPIFFE ids)
  std::string fingerprint;             // SHA-256 of the certificate, lower-case hex
  WallTime valid_until{};              // the certificate's notAfter
  std::string key_exchange;            // negotiated group, e.g. "X25519MLKEM768"
  bool resumed = false;                // no certificate was exchanged: its fields are those of the first handshake
};

}  // namespace sallyport::core
