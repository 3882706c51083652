// SessionSlot: keeps the newest resumption ticket of one peer, for the connections that we open. TLS 1.3 tickets arrive
// after the handshake, so OpenSSL stores them here while the connection is read. A ticket serves any later connection
// to the same peer under the same ClientIdentity. Belongs to one worker.
#pragma once

#include "tls/openssl.hpp"

namespace sallyport::tls {

struct SessionSlot {
  SslSession session;

  static void attach(SSL_CTX* context);  // lets this context's connections store their tickets
  void remember_in(SSL* ssl);            // has `ssl` store its tickets here; the slot must outlive it
};

}  // namespace sallyport::tls
