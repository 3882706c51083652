#include "tests/support/test_pki.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdio>

namespace sallyport::tests {
namespace {

struct Free {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
  void operator()(std::FILE* p) const { std::fclose(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

void need(bool worked, const char* what) {
  if (!worked) throw std::runtime_error(std::string("test PKI: ") + what);
}

Owned<EVP_PKEY> make_key() {
  Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  need(key != nullptr, "no P-256 key");
  return key;
}

void add_extension(X509& certificate, X509& issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  need(extension != nullptr && X509_add_ext(&certificate, extension.get(), -1) == 1, "an extension was refused");
}

Owned<X509> make_certificate(EVP_PKEY& key, const std::string& common_name, int from_days, int to_days) {
  constexpr long day = 24 * 60 * 60;
  Owned<X509> certificate(X509_new());
  need(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1, "no certificate");
  unsigned char serial[8];
  need(RAND_bytes(serial, sizeof serial) == 1, "no random bytes");
  serial[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from_days * day);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), to_days * day);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.c_str()),
                             -1, -1, 0);
  need(X509_set_pubkey(certificate.get(), &key) == 1, "the key was refused");
  return certificate;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    const bool address = name.find_first_not_of("0123456789.") == std::string::npos;
    list += (list.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + name;
  }
  return list;
}

Owned<std::FILE> open_for_writing(const path& file) {
  Owned<std::FILE> out(std::fopen(file.c_str(), "w"));
  need(out != nullptr, "a file cannot be written");
  return out;
}

void write_certificate(const path& file, X509& certificate) {
  need(PEM_write_X509(open_for_writing(file).get(), &certificate) == 1, "a certificate cannot be written");
}

void write_key(const path& file, EVP_PKEY& key) {
  need(PEM_write_PKCS8PrivateKey(open_for_writing(file).get(), &key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
       "a key cannot be written");
  std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace

struct Authority::Issuer {
  Owned<EVP_PKEY> key;
  Owned<X509> certificate;
};

Authority::Authority(path directory, const std::string& name)
    : directory_(std::move(directory)),
      certificate_(directory_ / (name + ".pem")),
      issuer_(std::make_unique<Issuer>()) {
  issuer_->key = make_key();
  issuer_->certificate = make_certificate(*issuer_->key, "Sallyport test " + name, -2, 365);
  X509& own = *issuer_->certificate;
  need(X509_set_issuer_name(&own, X509_get_subject_name(&own)) == 1, "no issuer name");
  add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(own, own, NID_subject_key_identifier, "hash");
  need(X509_sign(&own, issuer_->key.get(), EVP_sha256()) > 0, "cannot sign");
  write_certificate(certificate_, own);
}

Authority::~Authority() = default;

Identity Authority::issue(const std::string& file, const CertificateWish& wish) const {
  const Owned<EVP_PKEY> key = make_key();
  const Owned<X509> made = make_certificate(*key, wish.common_name, wish.valid_from_days, wish.valid_to_days);
  X509& issuer = *issuer_->certificate;
  need(X509_set_issuer_name(made.get(), X509_get_subject_name(&issuer)) == 1, "no issuer name");
  add_extension(*made, issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(*made, issuer, NID_key_usage, "critical,digitalSignature");
  if (wish.usage != Usage::any) {
    add_extension(*made, issuer, NID_ext_key_usage, wish.usage == Usage::server ? "serverAuth" : "clientAuth");
  }
  if (!wish.names.empty()) add_extension(*made, issuer, NID_subject_alt_name, alternative_names(wish.names));
  add_extension(*made, issuer, NID_subject_key_identifier, "hash");
  add_extension(*made, issuer, NID_authority_key_identifier, "keyid");
  need(X509_sign(made.get(), issuer_->key.get(), EVP_sha256()) > 0, "cannot sign");

  const Identity identity{directory_ / (file + ".pem"), directory_ / (file + ".key")};
  write_certificate(identity.certificate, *made);
  write_key(identity.key, *key);
  return identity;
}

TestPki::TestPki(const path& directory)
    : ours(directory, "ca"),
      foreign_authority(directory, "foreign-ca"),
      gateway(ours.issue("gateway", {})),
      gateway_client(ours.issue("gateway-client", {"sallyport", {"sallyport"}, Usage::client})),
      client(ours.issue("client", {"team-a", {"team-a.example"}, Usage::client})),
      foreign_client(foreign_authority.issue("foreign-client", {"team-a", {"team-a.example"}, Usage::client})),
      model_server(ours.issue("model-server", {})),
      expired(ours.issue("expired", {"localhost", {"localhost", "127.0.0.1"}, Usage::server, -30, -1})),
      wrong_name(ours.issue("wrong-name", {"elsewhere.example", {"elsewhere.example"}})),
      foreign(foreign_authority.issue("foreign", {})) {}

}  // namespace sallyport::tests
