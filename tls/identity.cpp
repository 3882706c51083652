#include "tls/identity.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "core/text.hpp"
#include "tls/key_schedule.hpp"
#include "tls/openssl.hpp"
#include "tls/certificate.hpp"
#include "tls/record_protection.hpp"
#include "tls/session_slot.hpp"

namespace sallyport::tls {

namespace {

[[noreturn]] void fail(const std::string& what, const std::filesystem::path& file) {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  std::string words = what + " " + file.string();
  if (ERR_GET_LIB(code) == ERR_LIB_SYS) {
    words += std::string(": ") + std::strerror(ERR_GET_REASON(code));
  } else if (reason != nullptr) {
    words += std::string(": ") + reason;
  }
  ERR_clear_error();
  throw std::runtime_error(words);
}

constexpr const char* post_quantum = "X25519MLKEM768";
constexpr const char* classical = "X25519:P-256:P-384";

void choose_groups(SSL_CTX* context, KeyExchange wanted) {
  std::string groups = wanted == KeyExchange::require_pq ? post_quantum : classical;
  // A server picks the first group if the client has it; a client sends its key share for the first.
  if (wanted == KeyExchange::prefer_pq && has_post_quantum()) groups = std::string(post_quantum) + ':' + groups;
  if (SSL_CTX_set1_groups_list(context, groups.c_str()) == 1) return;
  ERR_clear_error();
  throw std::runtime_error("OpenSSL " + std::string(OpenSSL_version(OPENSSL_VERSION_STRING)) + " has no key exchange " +
                           groups + "; 3.5 and later have it");
}

// Takes the cipher suites that openssl.cnf allows, without those for which we cannot protect records.
void choose_suites(SSL_CTX* context) {
  std::string suites;
  const STACK_OF(SSL_CIPHER)* allowed = SSL_CTX_get_ciphers(context);
  for (int i = 0; i < sk_SSL_CIPHER_num(allowed); ++i) {
    const SSL_CIPHER* each = sk_SSL_CIPHER_value(allowed, i);
    if (!cipher_suite_of(SSL_CIPHER_get_protocol_id(each))) continue;
    suites += (suites.empty() ? "" : ":") + std::string(SSL_CIPHER_get_name(each));
  }
  if (suites.empty()) throw std::runtime_error("OpenSSL's configuration allows no cipher suite that is known here");
  if (SSL_CTX_set_ciphersuites(context, suites.c_str()) != 1) throw std::bad_alloc();
}

SslContext new_context(const SSL_METHOD* method, KeyExchange key_exchange) {
  SslContext context(new_context_with_key_schedule(method));
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
#ifdef SSL_OP_NO_RECORD_SIZE_LIMIT_EXT
  SSL_CTX_set_options(raw, SSL_OP_NO_RECORD_SIZE_LIMIT_EXT);  // our records do not observe such a limit (RFC 8449)
#endif
  SSL_CTX_set_max_early_data(raw, 0);  // model calls are not idempotent: no 0-RTT
  choose_suites(raw);
  choose_groups(raw, key_exchange);
  return context;
}

void use_certificate(SSL_CTX* context, const CertificateFiles& files) {
  if (SSL_CTX_use_certificate_chain_file(context, files.chain.c_str()) != 1) {
    fail("cannot use the certificate chain", files.chain);
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    fail("cannot use the private key", files.key);
  }
  if (SSL_CTX_check_private_key(context) != 1) fail("the private key does not belong to the certificate:", files.key);
}

bool matches(const std::string& pattern, std::string_view name) {
  if (!pattern.starts_with("*.")) return pattern == name;
  const auto dot = name.find('.');
  return dot != std::string_view::npos && dot > 0 && name.substr(dot) == std::string_view(pattern).substr(1);
}

// RFC 6066 §3: the client's server_name chooses the certificate; without a match the first one answers.
int choose_certificate(SSL* ssl, int*, void* argument) try {
  const auto& contexts = *static_cast<const ServerIdentity::Contexts*>(argument);
  const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr) return SSL_TLSEXT_ERR_OK;
  std::string name(asked);
  std::ranges::transform(name, name.begin(), core::lower);
  for (const auto& candidate : contexts.all) {
    const auto& names = candidate.names;
    if (std::any_of(names.begin(), names.end(), [&](const auto& pattern) { return matches(pattern, name); })) {
      SSL_set_SSL_CTX(ssl, candidate.context.get());
      break;
    }
  }
  return SSL_TLSEXT_ERR_OK;
} catch (const std::bad_alloc&) {
  return SSL_TLSEXT_ERR_ALERT_FATAL;  // no exception may pass through OpenSSL
}

// RFC 7301 §3.2: we speak HTTP/1, and refuse a client that offers only other protocols.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned size, void*) {
  static constexpr unsigned char ours[] =
      "\x08http/1.1"
      "\x08http/1.0";
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, ours, sizeof ours - 1, offered, size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

void ask_for_client_certificates(SSL_CTX* context, const ServerSettings& settings) {
  if (settings.client_certificates == ClientCertificates::off) return;
  if (SSL_CTX_load_verify_file(context, settings.client_ca.c_str()) != 1) {
    fail("cannot use the client CA", settings.client_ca);
  }
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(settings.client_ca.c_str()));
  int mode = SSL_VERIFY_PEER;
  if (settings.client_certificates == ClientCertificates::required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(context, mode, nullptr);
}

SslContext server_context(const ServerSettings& settings, const CertificateFiles& files,
                          const ServerIdentity::Contexts& contexts) {
  SslContext context = new_context(TLS_server_method(), settings.key_exchange);
  SSL_CTX* raw = context.get();
  use_certificate(raw, files);
  ask_for_client_certificates(raw, settings);
  SSL_CTX_set_num_tickets(raw, 1);  // one resumption a handshake is enough; a second is a write for nothing
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);  // the tickets carry the session
  static constexpr unsigned char context_id[] = "sallyport";
  SSL_CTX_set_session_id_context(raw, context_id, sizeof context_id - 1);
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, nullptr);
  SSL_CTX_set_tlsext_servername_callback(raw, choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(raw, const_cast<ServerIdentity::Contexts*>(&contexts));
  return context;
}

}  // namespace

bool has_post_quantum() noexcept {
  static const bool has = [] {
    const SslContext context(SSL_CTX_new(TLS_method()));
    const bool taken = context && SSL_CTX_set1_groups_list(context.get(), post_quantum) == 1;
    ERR_clear_error();
    return taken;
  }();
  return has;
}

ServerIdentity::ServerIdentity(const ServerSettings& settings) : contexts_(std::make_unique<Contexts>()) {
  if (settings.certificates.empty()) throw std::runtime_error("a TLS listener needs at least one certificate");
  for (const auto& files : settings.certificates) {
    SslContext context = server_context(settings, files, *contexts_);
    auto names = names_of(SSL_CTX_get0_certificate(context.get()), GEN_DNS);
    contexts_->all.push_back({std::move(context), std::move(names)});
  }
}

ServerIdentity::~ServerIdentity() = default;

ClientIdentity::ClientIdentity(const ClientSettings& settings) : context_(std::make_unique<Context>()) {
  context_->context = new_context(TLS_client_method(), settings.key_exchange);
  context_->server_name = settings.server_name;
  SSL_CTX* raw = context_->context.get();
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  if (settings.ca.empty()) {
    if (SSL_CTX_set_default_verify_paths(raw) != 1) fail("cannot use", "the system's certificate store");
  } else if (SSL_CTX_load_verify_file(raw, settings.ca.c_str()) != 1) {
    fail("cannot use the CA", settings.ca);
  }
  if (!settings.certificate.empty()) use_certificate(raw, {settings.certificate, settings.key});
  static constexpr unsigned char protocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(raw, protocols, sizeof protocols - 1);
  SessionSlot::attach(raw);
}

ClientIdentity::~ClientIdentity() = default;

}  // namespace sallyport::tls
