#include "tls/listen.hpp"

#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "core/text.hpp"

namespace sallyport::tls {

using boost::asio::ip::tcp;

namespace {

// True for an error of accept(2) that concerns one client, or an interruption: the next accept may succeed.
bool concerns_one_client(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
      return true;
    default:
      return false;
  }
}

core::Descriptor open_socket(const tcp::endpoint& endpoint) {
  core::Descriptor socket(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (socket.is_open()) ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return socket;
}

bool bind(const core::Descriptor& socket, const tcp::endpoint& endpoint) {
  return ::bind(socket.number(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0;
}

}  // namespace

core::Descriptor listen(const std::string& host, std::uint16_t port, Port use) {
  const std::string failed = "cannot listen on " + core::with_port(host, port) + ": ";
  boost::system::error_code not_an_address;
  const tcp::endpoint endpoint(boost::asio::ip::make_address(host, not_an_address), port);
  if (not_an_address) throw std::runtime_error(failed + "not an IP address");
  core::Descriptor socket = open_socket(endpoint);
  const int on = 1;
  if (!socket.is_open() ||
      (use == Port::shared && ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
      !bind(socket, endpoint) || ::listen(socket.number(), SOMAXCONN) != 0) {
    throw std::runtime_error(failed + std::strerror(errno));
  }
  return socket;
}

bool is_listened_on(const std::string& host, std::uint16_t port) {
  const tcp::endpoint endpoint(boost::asio::ip::make_address(host), port);
  const core::Descriptor socket = open_socket(endpoint);
  // Without SO_REUSEPORT, bind fails beside a socket that listens, and beside no other that has SO_REUSEADDR.
  return socket.is_open() && !bind(socket, endpoint) && errno == EADDRINUSE;
}

core::Result<Socket> take_client(const core::Descriptor& listening) {
  for (;;) {
    Socket client(::accept4(listening.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client.is_open() || errno == EAGAIN) return client;
    if (!concerns_one_client(errno)) return core::Error(core::Reason::io_failed, errno);
  }
}

std::string address_of(const Socket& socket) {
  tcp::endpoint endpoint;
  auto size = static_cast<socklen_t>(endpoint.capacity());
  if (::getpeername(socket.number(), endpoint.data(), &size) != 0) return {};
  endpoint.resize(size);
  return endpoint.address().to_string();
}

}  // namespace sallyport::tls
