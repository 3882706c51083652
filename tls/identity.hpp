// Who we are and whom we trust, as one snapshot that is replaced whole: a certificate set for a listener, a client
// certificate and trust for an upstream. Immutable once built; shared by all workers; live connections keep theirs.
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

// Post-quantum is X25519MLKEM768, which protects against who records today and has a quantum computer later.
enum class KeyExchange : std::uint8_t {
  prefer_pq,   // whenever the peer and the linked OpenSSL have it
  require_pq,  // a peer without it is refused
};
bool has_post_quantum() noexcept;  // the linked OpenSSL: 3.5 and later

// False where OpenSSL's configuration keeps TLS from the key schedule that is ours (key_schedule.hpp). Without it no
// identity can be made.
bool has_key_schedule() noexcept;
inline constexpr const char* no_key_schedule =
    "OpenSSL's configuration does not let the gateway's own TLS key schedule be used; look at openssl.cnf's "
    "default_properties, and for another provider named sallyport";

struct ServerSettings {
  std::vector<CertificateFiles> certificates;  // chosen by SNI; the first serves whoever matches none
  ClientCertificates client_certificates = ClientCertificates::off;
  std::filesystem::path client_ca;
  KeyExchange key_exchange = KeyExchange::prefer_pq;
};

struct ClientSettings {
  std::filesystem::path ca;           // empty: the system's store
  std::filesystem::path certificate;  // empty: none is shown
  std::filesystem::path key;
  std::string server_name;  // empty: the endpoint's host
  KeyExchange key_exchange = KeyExchange::prefer_pq;
  friend bool operator==(const ClientSettings&, const ClientSettings&) = default;
};

// Both throw std::runtime_error naming the file and what is wrong with it, or saying that this OpenSSL cannot do what
// is required.
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
