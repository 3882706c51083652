// Resumption for connections we open: the newest ticket of one peer. TLS 1.3 tickets arrive after the handshake, so
// OpenSSL hands them over while the connection is read; it can be used for any later connection to the same peer under
// the same ClientIdentity. One worker's own.
#pragma once

#include "tls/openssl.hpp"

namespace sallyport::tls {

struct SessionSlot {
  SslSession session;

  static void attach(SSL_CTX* context);  // tickets of this context's connections go where remember_in says
  void remember_in(SSL* ssl);            // the slot must outlive the connection
};

}  // namespace sallyport::tls
