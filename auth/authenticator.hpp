// Credential text and handshake facts → Principal. Immutable once built; safe from every thread; replaced whole.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "auth/principal.hpp"
#include "auth/token_file.hpp"
#include "core/clock.hpp"
#include "core/peer_identity.hpp"
#include "core/result.hpp"

namespace sallyport::auth {

// A client certificate that stands for a principal. Every field that is set must match what the handshake proved.
struct CertificateRule {
  std::string common_name;
  std::string dns_name;
  std::string uri;
  std::string fingerprint;  // SHA-256, lower-case hex
  Grant grant;
};

// What one request showed. Each list has every value of its field, in order.
struct Credentials {
  std::vector<std::string_view> authorization;
  std::vector<std::string_view> api_key;  // x-api-key
  const core::PeerIdentity* peer = nullptr;
};

class Authenticator {
 public:
  Authenticator(const std::vector<Token>& tokens, std::vector<CertificateRule> certificates);
  ~Authenticator();

  // A token in either field, both only if equal; with none, the client certificate. Time does not depend on how much of a
  // token is right: the lookup is by hash and the hash comparison takes constant time.
  // Errors: credential_missing, _ambiguous, _malformed, _unknown, _expired, _revoked.
  core::Result<Principal> identify(const Credentials& shown, core::WallTime now) const;

 private:
  struct Entry;
  std::unordered_map<std::string, std::unique_ptr<Entry>> by_hash_;
  std::vector<CertificateRule> certificates_;
  std::vector<std::shared_ptr<const Grant>> certificate_grants_;
};

}  // namespace sallyport::auth
