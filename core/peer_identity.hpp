// What a handshake proved about the other side. Plain values, copied out of the certificate.
#pragma once

#include <string>
#include <vector>

#include "core/clock.hpp"

namespace sallyport::core {

struct PeerIdentity {
  bool verified = false;               // a certificate was shown and its chain verified
  std::string address;                 // "192.0.2.7"
  std::string common_name;             // subject CN, may be empty
  std::vector<std::string> dns_names;  // subjectAltName dNSName
  std::vector<std::string> uris;       // subjectAltName URI (SPIFFE ids)
  std::string fingerprint;             // SHA-256 of the certificate, lower-case hex
  WallTime valid_until{};              // the certificate's end
  std::string key_exchange;            // negotiated group, e.g. "X25519MLKEM768"
  bool resumed = false;                // an earlier session went on: no certificate was exchanged this time
};

}  // namespace sallyport::core
