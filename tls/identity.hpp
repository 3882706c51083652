// Who we are and whom we trust: ServerIdentity holds the certificates of a listener and its client CA, ClientIdentity
// the client certificate for an upstream and the CA that must have signed the upstream's. All workers share them. They
// are immutable: a reload builds new ones, and live connections keep the old settings.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace sallyport::tls {

struct CertificateFiles {
  std::filesystem::path chain;  // PEM, leaf first
  std::filesystem::path key;    // PEM
};

enum class ClientCertificates : std::uint8_t { off, optional, required };

// Post-quantum key exchange is X25519MLKEM768. It protects traffic that is recorded today from a later quantum
// computer.
enum class KeyExchange : std::uint8_t {
  prefer_pq,   // whenever the peer and the linked OpenSSL have it
  require_pq,  // a peer without it is refused
};
bool has_post_quantum() noexcept;  // whether the linked OpenSSL has it: 3.5 and later

// False when OpenSSL's configuration prevents the use of our own key schedule (key_schedule.hpp). Then no identity can
// be built.
bool has_key_schedule() noexcept;
inline constexpr const char* no_key_schedule =
    "OpenSSL's configuration does not let the gateway's own TLS key schedule be used; look at openssl.cnf's "
    "default_properties, and for another provider named sallyport";

struct ServerSettings {
  std::vector<CertificateFiles> certificates;  // chosen by SNI; the first when no name matches
  ClientCertificates client_certificates = ClientCertificates::off;
  std::filesystem::path client_ca;
  KeyExchange key_exchange = KeyExchange::prefer_pq;
};

struct ClientSettings {
  std::filesystem::path ca;           // PEM; empty: the system's store
  std::filesystem::path certificate;  // PEM chain, leaf first; empty: none is shown
  std::filesystem::path key;
  std::string server_name;  // empty: the endpoint's host
  KeyExchange key_exchange = KeyExchange::prefer_pq;
  friend bool operator==(const ClientSettings&, const ClientSettings&) = default;
};

// Both constructors read the files. They throw std::runtime_error, which names the file and what is wrong with it, or
// says what this OpenSSL cannot do.
class ServerIdentity {
 public:
  explicit ServerIdentity(const ServerSettings& settings);
  ~ServerIdentity();
  struct Contexts;
  const Contexts& contexts() const noexcept { return *contexts_; }

 private:
  std::unique_ptr<Contexts> contexts_;
};

class ClientIdentity {
 public:
  explicit ClientIdentity(const ClientSettings& settings);
  ~ClientIdentity();
  struct Context;
  const Context& context() const noexcept { return *context_; }

 private:
  std::unique_ptr<Context> context_;
};

}  // namespace sallyport::tls
