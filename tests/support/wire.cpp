#include "tests/support/wire.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace sallyport::tests {
namespace {

using TimePoint = std::chrono::steady_clock::time_point;
TimePoint after(Milliseconds limit) { return std::chrono::steady_clock::now() + limit; }

void need(bool worked, const char* what) {
  if (!worked) throw WireError(std::string(what) + ": " + tls_error_text());
}

TlsContext make_context(const SSL_METHOD* method, const TlsWish& wish) {
  TlsContext context(SSL_CTX_new(method));
  need(context != nullptr, "SSL_CTX_new");
  SSL_CTX_set_min_proto_version(context.get(), wish.least_version);
  SSL_CTX_set_max_proto_version(context.get(), wish.most_version);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (wish.identity) {
    need(SSL_CTX_use_certificate_chain_file(context.get(), wish.identity->certificate.c_str()) == 1, "certificate");
    need(SSL_CTX_use_PrivateKey_file(context.get(), wish.identity->key.c_str(), SSL_FILETYPE_PEM) == 1, "key");
  }
  if (!wish.trusted.empty()) {
    need(SSL_CTX_load_verify_locations(context.get(), wish.trusted.c_str(), nullptr) == 1, "trusted CA");
  }
  return context;
}

}  // namespace

std::string tls_error_text() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    char line[256];
    ERR_error_string_n(code, line, sizeof line);
    text += (text.empty() ? "" : "; ") + std::string(line);
  }
  return text.empty() ? "no more is known" : text;
}

TlsContext make_server_context(const TlsWish& wish) {
  TlsContext context = make_context(TLS_server_method(), wish);
  if (!wish.trusted.empty()) {
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    constexpr unsigned char session_context[] = "test";
    SSL_CTX_set_session_id_context(context.get(), session_context, sizeof session_context - 1);
  }
  return context;
}

TlsContext make_client_context(const TlsWish& wish) {
  TlsContext context = make_context(TLS_client_method(), wish);
  if (!wish.trusted.empty()) SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

Wire::Wire(Wire&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      stop_(other.stop_),
      tls_(std::move(other.tls_)),
      received_(std::move(other.received_)),
      ending_(other.ending_) {}

Wire::~Wire() {
  tls_.reset();
  if (descriptor_ >= 0) ::close(descriptor_);
}

Wire::Wire(int descriptor) noexcept : descriptor_(descriptor) {
  // OpenSSL writes with write(2), which knows no MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
}

Wire Wire::dial(std::uint16_t port, int receive_buffer) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw WireError("socket");
  Wire wire(descriptor);
  if (receive_buffer > 0) ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  const int yes = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  const Loopback there(Family::ipv4, port);
  if (::connect(descriptor, there.address(), there.size()) != 0) {
    throw WireError("connect to port " + std::to_string(port) + ": " + std::strerror(errno));
  }
  ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
  return wire;
}

bool Wire::wait(short events, TimePoint give_up) {
  for (;;) {
    const auto left = std::chrono::ceil<Milliseconds>(give_up - std::chrono::steady_clock::now());
    pollfd waiting[2] = {{descriptor_, events, 0}, {stop_, POLLIN, 0}};  // poll passes over a descriptor of -1
    const int ready = ::poll(waiting, 2, static_cast<int>(std::max(left, 0ms).count()));
    if (waiting[1].revents != 0) throw Ended("the server is being stopped");
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) throw WireError(std::string("poll: ") + std::strerror(errno));
  }
}

void Wire::handshake(bool accepting, Milliseconds limit) {
  const TimePoint give_up = after(limit);
  for (;;) {
    ERR_clear_error();
    const int result = accepting ? SSL_accept(tls_.get()) : SSL_connect(tls_.get());
    if (result == 1) return;
    const int why = SSL_get_error(tls_.get(), result);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) throw WireError("handshake: " + tls_error_text());
    if (!wait(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, give_up)) throw WireError("handshake: no end in time");
  }
}

void Wire::accept_tls(SSL_CTX& context, Milliseconds limit) {
  ::fcntl(descriptor_, F_SETFL, O_NONBLOCK);
  tls_.reset(SSL_new(&context));
  need(tls_ != nullptr && SSL_set_fd(tls_.get(), descriptor_) == 1, "SSL_new");
  handshake(true, limit);
}

void Wire::connect_tls(SSL_CTX& context, const std::string& server_name, Milliseconds limit, SSL_SESSION* resume) {
  tls_.reset(SSL_new(&context));
  need(tls_ != nullptr && SSL_set_fd(tls_.get(), descriptor_) == 1, "SSL_new");
  if (resume != nullptr) need(SSL_set_session(tls_.get(), resume) == 1, "SSL_set_session");
  if (!server_name.empty()) {
    SSL_set_tlsext_host_name(tls_.get(), server_name.c_str());
    SSL_set1_host(tls_.get(), server_name.c_str());
  }
  handshake(false, limit);
}

// Both give the count, 0 with what to wait for in `wants`, or -1 when nothing more can pass.
long Wire::write_some(std::string_view bytes, short& wants) {
  wants = POLLOUT;
  if (tls_ == nullptr) {
    const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) return count;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
  }
  ERR_clear_error();
  const int count = SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
  if (count > 0) return count;
  const int why = SSL_get_error(tls_.get(), count);
  if (why == SSL_ERROR_WANT_READ) wants = POLLIN;
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

long Wire::read_into(char* to, std::size_t most, short& wants) {
  wants = POLLIN;
  if (tls_ == nullptr) {
    const ssize_t count = ::recv(descriptor_, to, most, 0);
    if (count > 0) return count;
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    ending_ = count == 0 ? Ending::clean : Ending::cut;
    return -1;
  }
  ERR_clear_error();
  const int count = SSL_read(tls_.get(), to, static_cast<int>(most));
  if (count > 0) return count;
  const int why = SSL_get_error(tls_.get(), count);
  if (why == SSL_ERROR_WANT_WRITE) wants = POLLOUT;
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return 0;
  ending_ = why == SSL_ERROR_ZERO_RETURN ? Ending::clean : Ending::cut;
  return -1;
}

void Wire::send(std::string_view bytes, Milliseconds limit) {
  const TimePoint give_up = after(limit);
  while (!bytes.empty()) {
    short wants = 0;
    const long count = write_some(bytes, wants);
    if (count < 0) throw WireError("send: the peer takes no more");
    if (count == 0 && !wait(wants, give_up)) throw WireError("send: stalled");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void Wire::send_byte_by_byte(std::string_view bytes) {
  for (const char& byte : bytes) send({&byte, 1});
}

std::size_t Wire::send_until_stalled(std::string_view bytes, Milliseconds stall) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    short wants = 0;
    const long count = write_some(bytes.substr(sent, 16384), wants);
    if (count < 0) throw WireError("send: the peer takes no more");
    if (count == 0 && !wait(wants, after(stall))) break;
    sent += static_cast<std::size_t>(count);
  }
  return sent;
}

bool Wire::fill(TimePoint give_up) {
  if (ending_ != Ending::open || descriptor_ < 0) return false;
  char piece[16384];
  for (;;) {
    short wants = 0;
    const long count = read_into(piece, sizeof piece, wants);
    if (count < 0) return false;
    if (count > 0) {
      received_.append(piece, static_cast<std::size_t>(count));
      return true;
    }
    if (!wait(wants, give_up)) return false;
  }
}

std::string Wire::read_until(std::string_view marker, Milliseconds limit) {
  const TimePoint give_up = after(limit);
  std::size_t found = received_.find(marker);
  while (found == std::string::npos) {
    if (!fill(give_up)) {
      if (ending_ == Ending::clean && received_.empty()) throw Ended("the peer ended, with nothing begun");
      throw WireError(std::string(ending_ == Ending::open ? "nothing more came" : "the peer ended") + " after " +
                      std::to_string(received_.size()) + " bytes: " + received_.substr(0, 300));
    }
    found = received_.find(marker);
  }
  std::string taken = received_.substr(0, found + marker.size());
  received_.erase(0, taken.size());
  return taken;
}

std::string Wire::read_exactly(std::size_t count, Milliseconds limit) {
  const TimePoint give_up = after(limit);
  while (received_.size() < count) {
    if (!fill(give_up)) {
      throw WireError("only " + std::to_string(received_.size()) + " of " + std::to_string(count) + " bytes came");
    }
  }
  std::string taken = received_.substr(0, count);
  received_.erase(0, count);
  return taken;
}

std::string Wire::read_some(Milliseconds limit) {
  if (received_.empty()) fill(after(limit));
  return std::exchange(received_, {});
}

std::string Wire::read_to_end(Milliseconds limit) {
  const TimePoint give_up = after(limit);
  while (fill(give_up)) continue;
  if (ending_ == Ending::open) throw WireError("the peer did not end");
  return std::exchange(received_, {});
}

Ending Wire::wait_for_end(Milliseconds limit) {
  const TimePoint give_up = after(limit);
  while (fill(give_up)) received_.clear();
  return ending_;
}

bool Wire::update_keys(bool both) {
  ERR_clear_error();
  return SSL_key_update(tls_.get(), both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
         SSL_do_handshake(tls_.get()) == 1;
}

void Wire::finish_sending() {
  if (tls_ != nullptr) SSL_shutdown(tls_.get());
  ::shutdown(descriptor_, SHUT_WR);
}

void Wire::close() {
  if (descriptor_ < 0) return;
  finish_sending();
  cut();
}

void Wire::cut() {
  if (descriptor_ < 0) return;
  // Unread bytes would turn the FIN into a reset.
  char ignored[4096];
  while (::recv(descriptor_, ignored, sizeof ignored, MSG_DONTWAIT) > 0) continue;
  tls_.reset();
  ::close(std::exchange(descriptor_, -1));
}

void Wire::reset() {
  if (descriptor_ < 0) return;
  const linger at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  tls_.reset();
  ::close(std::exchange(descriptor_, -1));
}

ReservedPort::ReservedPort(Family family) {
  const Loopback any(family);
  descriptor_ = ::socket(any.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(descriptor_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  ::setsockopt(descriptor_, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
  if (::bind(descriptor_, any.address(), any.size()) != 0) throw WireError("no free port");
  number_ = port_of(descriptor_);
}

ReservedPort::ReservedPort(ReservedPort&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), number_(other.number_) {}

ReservedPort::~ReservedPort() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace sallyport::tests
