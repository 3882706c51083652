// A throwaway certificate authority, made in this process (ECDSA P-256) and written as PEM files into a directory.
// Throws std::runtime_error when OpenSSL or the disk refuses.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/temporary_directory.hpp"

namespace sallyport::tests {

// A certificate (with its chain) and its key, as files.
struct Identity {
  path certificate;
  path key;
};

enum class Usage { server, client, any };  // any: the certificate does not say

struct CertificateWish {
  std::string common_name = "localhost";
  std::vector<std::string> names = {"localhost", "127.0.0.1"};  // DNS names and IPv4 addresses
  Usage usage = Usage::server;
  int valid_from_days = -1;  // counted from now
  int valid_to_days = 30;
};

class Authority {
 public:
  // Files are named after `name`: NAME.pem, and for what it issues FILE.pem and FILE.key.
  Authority(path directory, const std::string& name);
  ~Authority();

  const path& certificate() const noexcept { return certificate_; }
  Identity issue(const std::string& file, const CertificateWish& wish) const;

 private:
  struct Issuer;
  path directory_;
  path certificate_;
  std::unique_ptr<Issuer> issuer_;
};

// The identities that nearly every test needs, each made once.
class TestPki {
 public:
  explicit TestPki(const path& directory);

  Authority ours;
  Authority foreign_authority;  // same form, trusted by nobody

  Identity gateway;         // what clients see: localhost
  Identity gateway_client;  // what the gateway shows to model servers
  Identity client;          // a person's or service's certificate, CN "team-a"
  Identity foreign_client;  // CN "team-a" too, but from the foreign authority
  Identity model_server;    // localhost
  Identity expired;         // localhost, ended yesterday
  Identity wrong_name;      // elsewhere.example
  Identity foreign;         // localhost, from the foreign authority
};

}  // namespace sallyport::tests
