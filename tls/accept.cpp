#include "tls/accept.hpp"

#include "tls/listen.hpp"
#include "tls/openssl.hpp"
#include "tls/certificate.hpp"
#include "tls/tcp_stream.hpp"
#include "tls/tls_stream.hpp"

namespace sallyport::tls {

core::Task<core::Result<Peer>> accept(Socket socket, Loop& loop, const ServerIdentity& identity,
                                      core::TimePoint deadline, std::function<void()>& end) {
  Peer peer;
  std::string address = address_of(socket);
  SSL_CTX* context = identity.contexts().all.front().context.get();
  auto stream = std::make_unique<TlsStream>(std::move(socket), loop, context, Role::server);
  stream->set_deadline(deadline);
  end = [&stream = *stream] { stream.cancel(); };
  auto proven = co_await stream->handshake();
  end = {};
  if (!proven) co_return proven.error();
  peer.identity = std::move(*proven);
  peer.identity.address = std::move(address);
  peer.stream = std::move(stream);
  co_return peer;
}

Peer accept_plain(Socket socket, Loop& loop) {
  Peer peer;
  peer.identity.address = address_of(socket);
  peer.stream = std::make_unique<TcpStream>(std::move(socket), loop);
  return peer;
}

}  // namespace sallyport::tls
