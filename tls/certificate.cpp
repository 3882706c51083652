#include "tls/certificate.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include "core/base64.hpp"
#include "core/crypto.hpp"
#include "core/text.hpp"

namespace sallyport::tls {

namespace {

std::string common_name_of(X509* certificate) {
  std::array<char, 256> text{};
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text.data(),
                                             static_cast<int>(text.size()));
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string fingerprint_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return {};
  const auto digest = core::crypto::sha256({reinterpret_cast<const std::byte*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return core::to_hex(digest);
}

std::string key_exchange_of(SSL* ssl) {
  const int group = static_cast<int>(SSL_get_negotiated_group(ssl));
  if (const char* name = SSL_group_to_name(ssl, group)) return name;
  const char* name = OBJ_nid2sn(group);
  return name != nullptr ? name : "";
}

}  // namespace

std::optional<core::WallTime> time_of(const ASN1_TIME* date) {
  std::tm utc{};
  if (ASN1_TIME_to_tm(date, &utc) != 1) return std::nullopt;
  const std::chrono::seconds since_1970(::timegm(&utc));
  constexpr auto last = std::chrono::floor<std::chrono::seconds>(core::WallTime::max().time_since_epoch());
  constexpr auto first = std::chrono::ceil<std::chrono::seconds>(core::WallTime::min().time_since_epoch());
  return core::WallTime(std::clamp<std::chrono::seconds>(since_1970, first, last));
}

std::vector<std::string> names_of(X509* certificate, int type) {
  std::vector<std::string> names;
  auto* list = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* entry = sk_GENERAL_NAME_value(list, i);
    if (entry->type != type) continue;
    const ASN1_IA5STRING* text = entry->d.ia5;
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                       static_cast<std::size_t>(ASN1_STRING_length(text)));
    if (type == GEN_DNS) std::ranges::transform(names.back(), names.back().begin(), core::lower);
  }
  GENERAL_NAMES_free(list);
  return names;
}

core::PeerIdentity identify(SSL* ssl) {
  core::PeerIdentity peer;
  peer.key_exchange = key_exchange_of(ssl);
  peer.resumed = SSL_session_reused(ssl) != 0;
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return peer;
  peer.verified = true;
  peer.common_name = common_name_of(certificate);
  peer.dns_names = names_of(certificate, GEN_DNS);
  peer.uris = names_of(certificate, GEN_URI);
  peer.fingerprint = fingerprint_of(certificate);
  peer.valid_until = time_of(X509_get0_notAfter(certificate)).value_or(core::WallTime::min());
  ERR_clear_error();  // the next SSL call would fail for an absent extension
  return peer;
}

bool certificate_still_valid(SSL* ssl) {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  return certificate == nullptr || (X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0 &&
                                    X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0);
}

}  // namespace sallyport::tls
