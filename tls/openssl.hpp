// Owning handles of OpenSSL's objects, and what the identities hold (identity.hpp). Private to this folder.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "core/openssl_handle.hpp"
#include "tls/identity.hpp"

namespace sallyport::tls {

using SslContext = core::Handle<SSL_CTX, SSL_CTX_free>;
using Ssl = core::Handle<SSL, SSL_free>;
using SslSession = core::Handle<SSL_SESSION, SSL_SESSION_free>;
using Certificate = core::Handle<X509, X509_free>;

struct ServerIdentity::Contexts {
  struct Named {
    SslContext context;
    std::vector<std::string> names;  // subjectAltName dNSNames, lower case; may start with "*."
  };
  std::vector<Named> all;  // searched by the SNI callback, which points to this Contexts: it must not move
};

struct ClientIdentity::Context {
  SslContext context;
  std::string server_name;
};

}  // namespace sallyport::tls
