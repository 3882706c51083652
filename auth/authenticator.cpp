#include "auth/authenticator.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "core/base64.hpp"
#include "core/crypto.hpp"
#include "core/text.hpp"

namespace sallyport::auth {
namespace {

using core::Reason;

// RFC 9110 section 11.4: the scheme in any letter case, spaces, the credential. Empty for another scheme than Bearer.
std::string_view bearer_token(std::string_view authorization) noexcept {
  constexpr std::string_view scheme = "bearer ";
  const std::string_view value = core::trimmed(authorization);
  if (!core::equal_ignoring_case(value.substr(0, scheme.size()), scheme)) return {};
  return core::trimmed(value.substr(scheme.size()));
}

// The request's token; nullopt when it has neither field. Two different values are refused, because two readers could
// disagree about which of them counts.
core::Result<std::optional<std::string_view>> shown_token(const Credentials& shown) noexcept {
  if (shown.authorization.size() > 1 || shown.api_key.size() > 1) return core::Error(Reason::credential_ambiguous);
  std::optional<std::string_view> token;
  if (!shown.authorization.empty()) token = bearer_token(shown.authorization.front());
  if (shown.api_key.empty()) return token;
  const std::string_view key = core::trimmed(shown.api_key.front());
  if (token && !core::crypto::equal(core::bytes_of(*token), core::bytes_of(key))) {
    return core::Error(Reason::credential_ambiguous);
  }
  return key;
}

bool has_condition(const CertificateRule& rule) noexcept {
  return !(rule.common_name.empty() && rule.dns_name.empty() && rule.uri.empty() && rule.fingerprint.empty());
}

bool matches(const CertificateRule& rule, const core::PeerIdentity& peer) noexcept {
  const auto is_dns_name = [&](const std::string& name) { return core::equal_ignoring_case(name, rule.dns_name); };
  return (rule.common_name.empty() || rule.common_name == peer.common_name) &&
         (rule.dns_name.empty() || std::ranges::any_of(peer.dns_names, is_dns_name)) &&
         (rule.uri.empty() || std::ranges::find(peer.uris, rule.uri) != peer.uris.end()) &&
         (rule.fingerprint.empty() || rule.fingerprint == peer.fingerprint);
}

// A rule without a condition would match every certificate, and one with a malformed fingerprint none: both are
// mistakes.
CertificateRule checked(CertificateRule rule) {
  if (!has_condition(rule)) throw std::invalid_argument("a certificate rule without any condition");
  if (rule.fingerprint.empty()) return rule;
  const auto fingerprint = parse_fingerprint(rule.fingerprint);
  if (!fingerprint) throw std::invalid_argument("a certificate fingerprint that is not SHA-256 in hex");
  rule.fingerprint = *fingerprint;
  return rule;
}

}  // namespace

std::optional<std::string> parse_fingerprint(std::string_view text) {
  std::string hex(text);
  std::erase(hex, ':');
  std::ranges::transform(hex, hex.begin(), core::lower);
  const auto bytes = core::from_hex(hex);
  if (!bytes || bytes->size() != sizeof(core::crypto::Digest)) return std::nullopt;
  return hex;
}

Authenticator::Authenticator(const std::vector<Token>& tokens, std::vector<CertificateRule> certificates) {
  by_hash_.reserve(tokens.size());
  for (const Token& token : tokens) {
    by_hash_.emplace(token.hash,
                     Entry{std::make_shared<const Grant>(token.grant), token.expires, token.revoked.has_value()});
  }
  for (CertificateRule& given : certificates) {
    CertificateRule rule = checked(std::move(given));
    auto grant = std::make_shared<const Grant>(std::move(rule.grant));
    certificates_.push_back({std::move(rule), std::move(grant)});
  }
}

core::Result<Principal> Authenticator::identify(const Credentials& shown, core::WallTime now) const {
  const auto token = shown_token(shown);
  if (!token) return token.error();
  if (*token) return identify_token(**token, now);
  if (shown.peer == nullptr || !shown.peer->verified) return core::Error(Reason::credential_missing);
  return identify_certificate(*shown.peer, now);
}

core::Result<Principal> Authenticator::identify_token(std::string_view text, core::WallTime now) const {
  const auto found = by_hash_.find(hash_token(text));
  if (found == by_hash_.end()) {
    // Only the record tells a mistyped token from a guessed one, so the checksum is computed only for unknown tokens.
    return core::Error(is_well_formed_token(text) ? Reason::credential_unknown : Reason::credential_malformed);
  }
  const Entry& entry = found->second;
  if (entry.revoked) return core::Error(Reason::credential_revoked);
  if (entry.expires && now >= *entry.expires) return core::Error(Reason::credential_expired);
  return Principal(entry.grant);
}

// The handshake checked that the certificate is valid, but the connection may outlive the certificate.
core::Result<Principal> Authenticator::identify_certificate(const core::PeerIdentity& peer, core::WallTime now) const {
  if (now >= peer.valid_until) return core::Error(Reason::credential_expired);
  for (const Certificate& certificate : certificates_) {
    if (matches(certificate.rule, peer)) return Principal(certificate.grant);
  }
  return core::Error(Reason::credential_unknown);
}

std::size_t Authenticator::FirstBytes::operator()(const TokenHash& hash) const noexcept {
  std::size_t first = 0;
  std::memcpy(&first, hash.data(), sizeof first);
  return first;
}

bool Authenticator::ConstantTimeEqual::operator()(const TokenHash& a, const TokenHash& b) const noexcept {
  return core::crypto::equal(a, b);
}

}  // namespace sallyport::auth
