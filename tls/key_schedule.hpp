// The key schedule of TLS 1.3 (RFC 8446 §7.1): our own KDF, in an OpenSSL provider, which OpenSSL calls in its
// handshakes. It gives what OpenSSL's KDF would, faster because it keeps its HMAC context, and hands the connection's
// traffic secrets to a SecretListener (docs/adr/0008-key-schedule.md).
#pragma once

#include <openssl/ssl.h>

#include "core/crypto.hpp"
#include "core/secret.hpp"

namespace sallyport::tls {

struct TrafficSecrets {
  core::Secret client, server;
};

// While it lives, the first application traffic secrets that OpenSSL derives on this thread are stored in `secrets`.
// Only one at a time may live on a thread.
class SecretListener {
 public:
  explicit SecretListener(TrafficSecrets& secrets) noexcept;
  SecretListener(const SecretListener&) = delete;
  SecretListener& operator=(const SecretListener&) = delete;
  ~SecretListener();

 private:
  core::crypto::WipeAtEnd wipe_at_end_;
};

// A context, owned by the caller, whose handshakes use this key schedule. Throws std::runtime_error(no_key_schedule)
// when OpenSSL's configuration does not allow it.
SSL_CTX* new_context_with_key_schedule(const SSL_METHOD* method);

}  // namespace sallyport::tls
