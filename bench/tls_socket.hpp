// One end of a TLS 1.3 connection on a non-blocking socket, straight on OpenSSL: what measures the gateway must not
// owe its speed or its faults to the gateway's own code.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sallyport::bench {

struct TlsFiles {
  std::string certificate, key;  // empty: none is shown
  std::string ca;                // who signs the other end
};

struct ContextDeleter {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
struct SessionDeleter {
  void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
struct ConnectionDeleter {
  void operator()(SSL* connection) const noexcept { SSL_free(connection); }
};
using TlsContext = std::unique_ptr<SSL_CTX, ContextDeleter>;
using TlsSession = std::unique_ptr<SSL_SESSION, SessionDeleter>;

// TLS 1.3 only. The server demands a client certificate; the client checks the server's name. Throws with OpenSSL's
// words.
TlsContext server_context(const TlsFiles& files);
TlsContext client_context(const TlsFiles& files);

enum class Io : std::uint8_t {
  done,    // all that was asked
  again,   // the rest when the socket is ready
  closed,  // the other end has gone, or broke the protocol
};

class TlsSocket {
 public:
  // Owns `socket`. A client gives the name to check, and a session to resume if it has one.
  static TlsSocket accepted(SSL_CTX* context, int socket);
  static TlsSocket connecting(SSL_CTX* context, int socket, const std::string& name, SSL_SESSION* resume);
  TlsSocket(TlsSocket&& other) noexcept;
  TlsSocket& operator=(TlsSocket&&) = delete;
  ~TlsSocket();

  Io handshake();
  bool resumed() const { return SSL_session_reused(connection_.get()) == 1; }
  SSL* connection() const noexcept { return connection_.get(); }
  int socket() const noexcept { return socket_; }

  // At most one record. `count` bytes are in `into` when done.
  Io read(std::span<char> into, std::size_t& count);
  // More can be read without the socket becoming readable.
  bool has_pending() const { return SSL_has_pending(connection_.get()) == 1; }

  // What does not fit leaves with flush(). The first form copies that rest; the second needs `bytes` until it has gone.
  Io send(std::string_view bytes);
  Io send_borrowed(std::string_view bytes);
  Io flush();
  bool unsent() const noexcept { return !unsent_.empty(); }

 private:
  TlsSocket(SSL_CTX* context, int socket);
  Io outcome_of(int result) const;

  std::unique_ptr<SSL, ConnectionDeleter> connection_;
  int socket_;
  std::string kept_;  // a copy that unsent_ may point into
  std::string_view unsent_;
};

}  // namespace sallyport::bench
