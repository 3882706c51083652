// TLS 1.3's key schedule (RFC 8446 §7.1), done for OpenSSL while it shakes hands: a KDF in a provider of our own. It
// computes what OpenSSL's would, on an HMAC context that is kept, and gives the connection's traffic secrets to whoever
// listens (docs/adr/0008-key-schedule.md).
#pragma once

#include <openssl/ssl.h>

#include "core/crypto.hpp"
#include "core/secret.hpp"

namespace sallyport::tls {

struct TrafficSecrets {
  core::Secret client, server;
};

// While it lives, what this thread's OpenSSL derives as a connection's first traffic secrets is kept in `secrets`.
class SecretListener {
 public:
  explicit SecretListener(TrafficSecrets& secrets) noexcept;
  SecretListener(const SecretListener&) = delete;
  SecretListener& operator=(const SecretListener&) = delete;
  ~SecretListener();

 private:
  core::crypto::WipeAtEnd wipe_at_end_;
};

// A context whose handshakes use this key schedule. Throws where OpenSSL's configuration forbids it.
SSL_CTX* new_context_with_key_schedule(const SSL_METHOD* method);

}  // namespace sallyport::tls
