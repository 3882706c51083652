#include "bench/tls_socket.hpp"

#include <openssl/err.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace sallyport::bench {
namespace {

void require(int result, const std::string& what) {
  if (result == 1) return;
  char words[256];
  ERR_error_string_n(ERR_get_error(), words, sizeof words);
  throw std::runtime_error(what + ": " + words);
}

TlsContext new_context(const SSL_METHOD* method, const TlsFiles& files) {
  TlsContext context(SSL_CTX_new(method));
  require(context != nullptr, "TLS context");
  require(SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION), "TLS 1.3");
  // Buffers are held only while bytes are in them, so that one process can hold ten thousand streams.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);
  require(SSL_CTX_load_verify_locations(context.get(), files.ca.c_str(), nullptr), files.ca);
  if (!files.certificate.empty()) {
    require(SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()), files.certificate);
    require(SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM), files.key);
  }
  return context;
}

}  // namespace

TlsContext server_context(const TlsFiles& files) {
  TlsContext context = new_context(TLS_server_method(), files);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  static constexpr unsigned char id[] = "bench";
  require(SSL_CTX_set_session_id_context(context.get(), id, sizeof id), "session id context");
  return context;
}

TlsContext client_context(const TlsFiles& files) {
  TlsContext context = new_context(TLS_client_method(), files);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

TlsSocket::TlsSocket(SSL_CTX* context, int socket) : connection_(SSL_new(context)), socket_(socket) {
  require(connection_ != nullptr, "TLS connection");
  require(SSL_set_fd(connection_.get(), socket), "TLS socket");
}

TlsSocket::TlsSocket(TlsSocket&& other) noexcept
    : connection_(std::move(other.connection_)),
      socket_(std::exchange(other.socket_, -1)),
      kept_(std::move(other.kept_)),
      unsent_(std::exchange(other.unsent_, {})) {}

// Without this OpenSSL takes a connection that ended without a goodbye for a bad one, and its session for spoilt.
TlsSocket::~TlsSocket() {
  if (connection_) SSL_set_shutdown(connection_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  if (socket_ >= 0) ::close(socket_);
}

TlsSocket TlsSocket::accepted(SSL_CTX* context, int socket) {
  TlsSocket result(context, socket);
  SSL_set_accept_state(result.connection_.get());
  return result;
}

TlsSocket TlsSocket::connecting(SSL_CTX* context, int socket, const std::string& name, SSL_SESSION* resume) {
  TlsSocket result(context, socket);
  SSL* connection = result.connection_.get();
  SSL_set_connect_state(connection);
  require(SSL_set1_host(connection, name.c_str()), name);
  require(static_cast<int>(SSL_set_tlsext_host_name(connection, name.c_str())), name);
  if (resume != nullptr) require(SSL_set_session(connection, resume), "session");
  return result;
}

Io TlsSocket::outcome_of(int result) const {
  switch (SSL_get_error(connection_.get(), result)) {
    case SSL_ERROR_NONE:
      return Io::done;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Io::again;
    default:
      ERR_clear_error();
      return Io::closed;
  }
}

Io TlsSocket::handshake() { return outcome_of(SSL_do_handshake(connection_.get())); }

Io TlsSocket::read(std::span<char> into, std::size_t& count) {
  count = 0;
  return outcome_of(SSL_read_ex(connection_.get(), into.data(), into.size(), &count));
}

Io TlsSocket::send(std::string_view bytes) {
  if (unsent()) {  // in order, behind what is waiting
    kept_.assign(std::string(unsent_).append(bytes));
    unsent_ = kept_;
    return Io::again;
  }
  const Io io = send_borrowed(bytes);
  if (unsent()) {
    kept_.assign(unsent_);
    unsent_ = kept_;
  }
  return io;
}

Io TlsSocket::send_borrowed(std::string_view bytes) {
  unsent_ = bytes;
  return flush();
}

Io TlsSocket::flush() {
  while (!unsent_.empty()) {
    std::size_t count = 0;
    const Io io = outcome_of(SSL_write_ex(connection_.get(), unsent_.data(), unsent_.size(), &count));
    if (io != Io::done) return io;
    unsent_.remove_prefix(count);
  }
  return Io::done;
}

}  // namespace sallyport::bench
