#include "gateway/session.hpp"

#include "gateway/exchange.hpp"
#include "tls/accept.hpp"

namespace sallyport::gateway {

using core::Result;
using core::Task;

namespace {

// How much is still read from a client that has had its last answer: for a body that a proven caller is sending, and
// for everybody else.
constexpr core::Duration body_linger = std::chrono::seconds(10);
constexpr std::uint64_t body_linger_bodies = 2;  // as many as limits.body allows for one
constexpr core::Duration short_linger = std::chrono::seconds(2);
constexpr std::uint64_t short_linger_bytes = 256 * 1024;

// The client may still be sending: a body that was refused, or its next request. Closing at once would reset the
// connection and could take the answer with it, so what comes is read and dropped for a while (RFC 9112 §9.6).
Task<void> linger(Connection& connection) {
  const bool body = connection.body_owed;
  const std::uint64_t body_bytes = connection.worker.snapshot()->shared->config.limits.body_bytes;
  const std::uint64_t most = body ? body_linger_bodies * body_bytes : short_linger_bytes;
  connection.stream.set_deadline(connection.worker.now() + (body ? body_linger : short_linger));
  for (std::uint64_t total = 0; total < most && !connection.worker.stopping();) {
    connection.input.consume(connection.input.bytes().size());
    auto got = co_await connection.input.more();
    if (!got || *got == 0) co_return;
    total += *got;
  }
}

// A stop ends the handshake: whoever is not through it when the drain begins would not be served.
Task<Result<tls::Peer>> accept_client(Worker& worker, LiveConnection& live, tls::Socket socket, std::size_t listener) {
  const auto snapshot = worker.snapshot();
  const tls::ServerIdentity* identity = snapshot->shared->listeners[listener].get();
  if (identity == nullptr) co_return tls::accept_plain(std::move(socket), worker.loop());
  const auto deadline = worker.now() + snapshot->shared->config.limits.handshake;
  auto peer = co_await tls::accept(std::move(socket), worker.loop(), *identity, deadline, live.stop);
  worker.metrics().handshake_finished(peer ? core::Reason::none : peer.error().reason,
                                      peer ? peer->identity.key_exchange : std::string());
  co_return peer;
}

}  // namespace

Task<void> serve_connection(Worker& worker, LiveConnection& live, tls::Socket socket, std::size_t listener) {
  auto peer = co_await accept_client(worker, live, std::move(socket), listener);
  if (!peer) co_return;
  Connection connection{
      worker, live, *peer->stream, peer->identity, listener, Input(*peer->stream, worker.buffers()), worker.now()};
  for (;;) {
    live.idle = true;
    connection.stop_when_idle();
    if (worker.draining()) co_return connection.stream.close();
    Next next = Next::ended;
    if (!connection.input.empty() || co_await wait_for_request(connection)) next = co_await serve_exchange(connection);
    if (next == Next::keep) continue;
    if (next == Next::cut) co_return;  // without a word: what was sent must not look whole
    connection.stream.close();
    if (next != Next::ended) co_await linger(connection);
    co_return;
  }
}

}  // namespace sallyport::gateway
