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

struct ServerSettings {
  std::vector<CertificateFiles> certificates;  // chosen by SNI; the first serves whoever matches none
  ClientCertificates client_certificates = ClientCertificates::off;
  std::filesystem::path client_ca;
};

struct ClientSettings {
  std::filesystem::path ca;           // empty: the system's store
  std::filesystem::path certificate;  // empty: none is shown
  std::filesystem::path key;
  std::string server_name;  // empty: the endpoint's host
};

// Both throw std::runtime_error naming the file and what is wrong with it.
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
