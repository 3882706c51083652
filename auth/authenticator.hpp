// Authenticator: proves from a token or a client certificate who calls, and makes the Principal. Immutable after
// construction, so every thread may use it; a reload replaces it whole.
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

// "AB:CD…" → "abcd…", the form of PeerIdentity::fingerprint; nullopt for text that is not SHA-256 in hex.
std::optional<std::string> parse_fingerprint(std::string_view text);

// Which client certificate stands for a principal. Every condition that is set must match what the handshake proved,
// and at least one must be set.
struct CertificateRule {
  std::string common_name;
  std::string dns_name;     // one of the certificate's DNS names, without letter case; no wildcards
  std::string uri;          // one of the certificate's URIs
  std::string fingerprint;  // as parse_fingerprint() takes it
  Grant grant;
};

// The credentials of one request. Each list has every value of its field, in order. Views and pointer need to live only
// until identify() returns.
struct Credentials {
  std::vector<std::string_view> authorization;
  std::vector<std::string_view> api_key;     // x-api-key
  const core::PeerIdentity* peer = nullptr;  // may be null
};

class Authenticator {
 public:
  // Throws std::invalid_argument for a rule without a condition or with a malformed fingerprint.
  Authenticator(const std::vector<Token>& tokens, std::vector<CertificateRule> certificates);

  // Takes the token from either field; both fields must have the same token. Without these fields the client
  // certificate counts, and the first rule that matches it wins. The time does not depend on how much of a token is
  // right: the lookup is by hash and the comparison of hashes takes constant time. Errors:
  //   credential_missing    neither field and no verified certificate
  //   credential_ambiguous  two different tokens, or a field that is there twice
  //   credential_malformed  not a token's form or checksum; also an Authorization scheme other than Bearer
  //   credential_unknown    no such token, or no rule for the verified certificate
  //   credential_expired    of the token or the certificate
  //   credential_revoked
  core::Result<Principal> identify(const Credentials& shown, core::WallTime now) const;

 private:
  struct Entry {
    std::shared_ptr<const Grant> grant;
    std::optional<core::WallTime> expires;
    bool revoked = false;
  };
  struct Certificate {
    CertificateRule rule;
    std::shared_ptr<const Grant> grant;
  };
  // The first bytes of a SHA-256 are already evenly distributed, and nobody can aim at a bucket without inverting it.
  struct FirstBytes {
    std::size_t operator()(const TokenHash& hash) const noexcept;
  };
  struct ConstantTimeEqual {
    bool operator()(const TokenHash& a, const TokenHash& b) const noexcept;
  };

  core::Result<Principal> identify_token(std::string_view text, core::WallTime now) const;
  core::Result<Principal> identify_certificate(const core::PeerIdentity& peer, core::WallTime now) const;

  std::unordered_map<TokenHash, Entry, FirstBytes, ConstantTimeEqual> by_hash_;
  std::vector<Certificate> certificates_;
};

}  // namespace sallyport::auth
