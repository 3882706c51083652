// OpenSSL's objects with owners. Private to this folder.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "tls/identity.hpp"

namespace sallyport::tls {

template <auto function>
struct Release {
  template <class T>
  void operator()(T* pointer) const noexcept {
    function(pointer);
  }
};

using SslContext = std::unique_ptr<SSL_CTX, Release<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, Release<SSL_free>>;
using SslSession = std::unique_ptr<SSL_SESSION, Release<SSL_SESSION_free>>;
using Certificate = std::unique_ptr<X509, Release<X509_free>>;

struct ServerIdentity::Contexts {
  struct Named {
    SslContext context;
    std::vector<std::string> names;  // subjectAltName dNSNames, lower case; may start with "*."
  };
  std::vector<Named> all;  // addresses stay put: the SNI callback points here
};

struct ClientIdentity::Context {
  SslContext context;
  std::string server_name;
};

// Lower-case dNSNames of a certificate.
std::vector<std::string> dns_names_of(X509* certificate);

}  // namespace sallyport::tls
