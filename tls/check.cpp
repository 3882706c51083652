#include "tls/check.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>
#include <system_error>

#include "tls/certificate.hpp"
#include "tls/openssl.hpp"

namespace sallyport::tls {
namespace {

using std::filesystem::path;
using Bio = core::Handle<BIO, BIO_free_all>;
using PrivateKey = core::Handle<EVP_PKEY, EVP_PKEY_free>;

// The newest of this thread's OpenSSL errors, without the library's own decoration.
std::string openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "it is not in PEM form" : reason;
}

Bio open_file(const path& file, std::vector<Finding>& findings) {
  errno = 0;
  Bio bio(BIO_new_file(file.c_str(), "r"));
  if (!bio) {
    const int code = errno;
    findings.push_back({true, "cannot be opened: " + std::generic_category().message(code)});
  }
  ERR_clear_error();
  return bio;
}

std::vector<Certificate> read_certificates(const path& file, std::vector<Finding>& findings) {
  std::vector<Certificate> certificates;
  const Bio bio = open_file(file, findings);
  if (!bio) return certificates;
  while (Certificate next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    certificates.push_back(std::move(next));
  }
  // PEM_R_NO_START_LINE is how PEM_read_bio_X509 says that no more certificates follow.
  const auto last = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  if (!at_end) {
    findings.push_back({true, "holds a certificate that cannot be read: " + openssl_reason()});
  } else if (certificates.empty()) {
    findings.push_back({true, "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"});
  }
  ERR_clear_error();
  return certificates;
}

std::string date(const std::tm& utc) {
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc);
  return text;
}

std::string which(std::size_t index, std::size_t count) {
  return count == 1 ? "" : "certificate " + std::to_string(index + 1) + " ";
}

void check_validity(X509* certificate, const std::string& subject, core::WallTime now, std::vector<Finding>& findings) {
  std::tm from{}, until{};
  if (ASN1_TIME_to_tm(X509_get0_notBefore(certificate), &from) != 1 ||
      ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) != 1) {
    findings.push_back({true, subject + "has dates that cannot be read"});
    ERR_clear_error();
    return;
  }
  const auto starts = *time_of(X509_get0_notBefore(certificate));
  const auto ends = *time_of(X509_get0_notAfter(certificate));
  if (now < starts) {
    findings.push_back({true, subject + "is not valid before " + date(from) + "; wait, or check this machine's clock"});
  } else if (now > ends) {
    findings.push_back({true, subject + "expired on " + date(until) + "; replace it"});
  } else if (ends - now < expiry_warning) {
    const auto days = std::chrono::duration_cast<std::chrono::hours>(ends - now).count() / 24;
    findings.push_back(
        {false, subject + "expires in " + std::to_string(days) + " days, on " + date(until) + "; replace it soon"});
  }
}

// OpenSSL would ask the terminal for a passphrase, and a gateway that starts by itself has nobody there to answer.
int refuse_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

PrivateKey read_key(const path& file, std::vector<Finding>& findings) {
  const Bio bio = open_file(file, findings);
  if (!bio) return nullptr;
  bool asked = false;
  PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, &asked));
  if (asked) {
    findings.push_back({true,
                        "is encrypted with a passphrase, which a gateway that starts alone cannot give; store it "
                        "decrypted with mode 0600"});
  } else if (!key) {
    findings.push_back({true, "holds no private key in PEM form"});
  }
  ERR_clear_error();
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
    findings.push_back({false, "can be used by other accounts of this machine; chmod 600 it"});
  }
  return key;
}

// Each certificate's issuer should follow it, or clients cannot build the chain.
void check_order(const std::vector<Certificate>& chain, std::vector<Finding>& findings) {
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    if (X509_check_issued(chain[i + 1].get(), chain[i].get()) == X509_V_OK) continue;
    findings.push_back({false, "certificate " + std::to_string(i + 2) + " did not sign certificate " +
                                   std::to_string(i + 1) + "; put each issuer after what it signed"});
  }
}

void check_match(const std::vector<Certificate>& chain, EVP_PKEY* key, PairFindings& findings) {
  if (X509_check_private_key(chain.front().get(), key) != 1) {
    ERR_clear_error();
    for (std::size_t i = 1; i < chain.size(); ++i) {
      const bool belongs = X509_check_private_key(chain[i].get(), key) == 1;
      ERR_clear_error();
      if (!belongs) continue;
      findings.chain.push_back(
          {true, "has the key's own certificate in place " + std::to_string(i + 1) + "; put it first"});
      return;
    }
    findings.key.push_back({true, "is not the key of the certificate beside it"});
    return;
  }
  // OpenSSL's policy can still refuse them: a curve, a signature or a key size below its security level.
  const SslContext context(SSL_CTX_new(TLS_method()));
  if (!context) return;
  if (SSL_CTX_use_certificate(context.get(), chain.front().get()) != 1) {
    findings.chain.push_back({true, "is refused by OpenSSL: " + openssl_reason()});
  } else if (SSL_CTX_use_PrivateKey(context.get(), key) != 1) {
    findings.key.push_back({true, "is refused by OpenSSL: " + openssl_reason()});
  }
  ERR_clear_error();
}

// RFC 5280 §4.2.1.12: without the extension it is good for both.
void check_usage(X509* certificate, ShownBy role, std::vector<Finding>& findings) {
  const bool as_server = role == ShownBy::server;
  if ((X509_get_extended_key_usage(certificate) & (as_server ? XKU_SSL_SERVER : XKU_SSL_CLIENT)) != 0) return;
  findings.push_back({false, as_server ? "is not for servers (extendedKeyUsage without serverAuth); clients refuse it"
                                       : "is not for clients (extendedKeyUsage without clientAuth); servers that ask "
                                         "for a certificate refuse it"});
}

}  // namespace

PairFindings check_certificate(const path& chain_file, const path& key_file, ShownBy role, core::WallTime now) {
  PairFindings findings;
  const auto chain = read_certificates(chain_file, findings.chain);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    check_validity(chain[i].get(), which(i, chain.size()), now, findings.chain);
  }
  check_order(chain, findings.chain);
  const PrivateKey key = read_key(key_file, findings.key);
  if (!chain.empty()) check_usage(chain.front().get(), role, findings.chain);
  if (!chain.empty() && key) check_match(chain, key.get(), findings);
  return findings;
}

std::vector<Finding> check_ca(const path& file, core::WallTime now) {
  std::vector<Finding> findings;
  const auto authorities = read_certificates(file, findings);
  for (std::size_t i = 0; i < authorities.size(); ++i) {
    const std::string subject = which(i, authorities.size());
    check_validity(authorities[i].get(), subject, now, findings);
    if (X509_check_ca(authorities[i].get()) == 0) {
      findings.push_back({false, subject + "is not marked as an authority (basicConstraints CA:TRUE)"});
    }
  }
  return findings;
}

}  // namespace sallyport::tls
