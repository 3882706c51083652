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

// "AB:CD…" → "abcd…", as a PeerIdentity has it; nullopt for what is not SHA-256 in hex.
std::optional<std::string> parse_fingerprint(std::string_view text);

// A client certificate that stands for a principal. Every field that is set must match what the handshake proved, and
// at least one is set.
struct CertificateRule {
  std::string common_name;
  std::string dns_name;  // one of the certificate's names, letter case aside; no wildcards
  std::string uri;
  std::string fingerprint;  // as parse_fingerprint() takes it
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
  // Throws std::invalid_argument for a rule without a condition or with a fingerprint that is none.
  Authenticator(const std::vector<Token>& tokens, std::vector<CertificateRule> certificates);

  // A token in either field, both only if equal; with none, the client certificate, first rule first. Time does not
  // depend on how much of a token is right: the lookup is by hash and the hash comparison takes constant time. Errors:
  // credential_missing, _ambiguous, _malformed, _unknown, _expired, _revoked. _ambiguous also for a field shown twice,
  // _unknown also for a verified certificate that no rule knows.
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
  // A hash of random text is spread already; nobody can aim at a bucket without inverting SHA-256.
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
