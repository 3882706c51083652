#include "tls/connect.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "tls/listen.hpp"
#include "tls/openssl.hpp"
#include "tls/accept.hpp"
#include "tls/certificate.hpp"
#include "tls/session_slot.hpp"
#include "tls/tcp_stream.hpp"
#include "tls/tls_stream.hpp"

namespace sallyport::tls {

using boost::asio::ip::tcp;
using core::Error;
using core::Reason;
using core::Result;
using core::Task;

std::shared_ptr<SessionSlot> make_session_slot() { return std::make_shared<SessionSlot>(); }

namespace {

using Endpoints = std::vector<tcp::endpoint>;

// Registers a step of a connect(): while this lives, Loop::stop_dialling() calls `end`.
class Dial {
 public:
  Dial(Loop& loop, std::function<void()> end)
      : dials_(loop.dials), place_(dials_.insert(dials_.end(), std::move(end))) {}
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;
  ~Dial() { dials_.erase(place_); }

 private:
  std::list<std::function<void()>>& dials_;
  std::list<std::function<void()>>::iterator place_;
};

Task<Result<Endpoints>> resolve(Loop& loop, const std::string& host, std::uint16_t port, core::TimePoint deadline) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  if (!error) co_return Endpoints{{address, port}};
  const auto found = co_await loop.resolver.resolve(host, deadline);
  if (!found) co_return found.error();
  Endpoints endpoints;
  for (const auto& each : *found) endpoints.emplace_back(each, port);
  co_return endpoints;
}

// One TCP connect to one address.
class Attempt final : ReadySet::Watcher {
 public:
  Attempt(Loop& loop, const tcp::endpoint& endpoint)
      : loop_(loop), socket_(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    if (!socket_.is_open() || ::connect(socket_.number(), endpoint.data(), endpoint.size()) != 0) error_ = errno;
    under_way_ = error_ == EINPROGRESS;
    if (!under_way_) return;
    const auto watched = loop_.ready.add(socket_.number(), *this);
    if (watched) return;
    under_way_ = false;
    error_ = watched.error().os_code;
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt() { end_watch(); }

  // Makes finish() complete, in the loop's next turn. May be called from any callback of the loop.
  void give_up() { loop_.ready.tell_later(*this); }

  // Waits for the result: an errno, or 0 for success and after give_up().
  Task<int> finish() {
    if (!under_way_) co_return error_;
    co_await over_.wait();
    end_watch();
    socklen_t size = sizeof error_;
    ::getsockopt(socket_.number(), SOL_SOCKET, SO_ERROR, &error_, &size);
    co_return error_;
  }
  Socket take_socket() { return std::move(socket_); }

 private:
  void ready(std::uint32_t) override { over_.set(); }
  void end_watch() {
    if (std::exchange(under_way_, false)) loop_.ready.remove(socket_.number(), *this);
  }

  Loop& loop_;
  Socket socket_;
  core::Event over_;
  int error_ = 0;
  bool under_way_ = false;
};

Task<Result<Socket>> open_socket(Loop& loop, const Endpoints& endpoints, core::TimePoint deadline) {
  Error last(Reason::upstream_unreachable);
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    Attempt attempt(loop, endpoints[i]);
    bool expired = false;
    const Dial dial(loop, [&attempt] { attempt.give_up(); });
    core::TimerWheel::Timer timer(loop.wheel, [&] {
      expired = true;
      attempt.give_up();
    });
    // Each address gets an equal share of the time left, so that one which drops packets leaves time for the others.
    const auto left = deadline - loop.wheel.now();
    timer.set(loop.wheel.now() + left / static_cast<core::Duration::rep>(endpoints.size() - i));
    const int error = co_await attempt.finish();
    if (loop.dials_no_more) co_return Error(Reason::cancelled);
    if (error == 0 && !expired) co_return attempt.take_socket();
    last = expired ? Error(Reason::upstream_connect_timeout) : Error(Reason::upstream_unreachable, error);
  }
  co_return last;
}

// OpenSSL checks the name as part of the chain's verification, so a wrong name ends the handshake (RFC 9525). False
// when OpenSSL does not accept `name`, such as an address with a zone: the handshake would then check no name.
bool expect_name(SSL* ssl, const std::string& name) {
  boost::system::error_code error;
  boost::asio::ip::make_address(name, error);
  if (!error) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return !name.empty() && SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

Error as_connect_error(Error error) {
  switch (error.reason) {
    case Reason::timeout:
      return Reason::upstream_connect_timeout;
    case Reason::upstream_certificate_expired:
    case Reason::upstream_certificate_untrusted:
    case Reason::upstream_certificate_name:
    case Reason::upstream_rejected_certificate:
    case Reason::cancelled:
      return error;
    default:
      return Reason::upstream_tls_failed;
  }
}

Task<Result<Peer>> secure(Loop& loop, Socket socket, const std::string& host, const ClientIdentity::Context& context,
                          std::shared_ptr<SessionSlot> sessions, core::TimePoint deadline) {
  Peer peer;
  std::string address = address_of(socket);
  auto stream =
      std::make_unique<TlsStream>(std::move(socket), loop, context.context.get(), Role::client, std::move(sessions));
  if (!expect_name(stream->ssl(), context.server_name.empty() ? host : context.server_name)) {
    ERR_clear_error();
    co_return Error(Reason::upstream_certificate_name);
  }
  stream->set_deadline(deadline);
  const Dial dial(loop, [&stream = *stream] { stream.cancel(); });
  auto proven = co_await stream->handshake();
  if (!proven) co_return as_connect_error(proven.error());
  peer.identity = std::move(*proven);
  peer.identity.address = std::move(address);
  peer.stream = std::move(stream);
  co_return peer;
}

}  // namespace

Task<Result<Peer>> connect(Loop& loop, const std::string& host, std::uint16_t port, const ClientIdentity* identity,
                           std::shared_ptr<SessionSlot> sessions, core::TimePoint deadline) {
  if (loop.dials_no_more) co_return Error(Reason::cancelled);
  auto endpoints = co_await resolve(loop, host, port, deadline);
  if (!endpoints) co_return endpoints.error();
  auto socket = co_await open_socket(loop, *endpoints, deadline);
  if (!socket) co_return socket.error();
  if (identity == nullptr) co_return accept_plain(std::move(*socket), loop);
  co_return co_await secure(loop, std::move(*socket), host, identity->context(), std::move(sessions), deadline);
}

}  // namespace sallyport::tls
