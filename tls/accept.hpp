// Turns a client's socket into a Peer: a ByteStream, and what the handshake proved of the client.
#pragma once

#include <functional>

#include "tls/identity.hpp"
#include "tls/peer.hpp"
#include "tls/transport.hpp"

namespace sallyport::tls {

// Does the TLS 1.3 handshake as the server, before `deadline`, which stays the stream's. While it runs, `end` holds a
// function that cancels it; after that `end` is empty. `identity` and `end` must live until completion, `loop` as long
// as the stream. Errors: timeout, truncated, tls_failed, key_exchange_refused, io_failed, cancelled.
core::Task<core::Result<Peer>> accept(Socket socket, Loop& loop, const ServerIdentity& identity,
                                      core::TimePoint deadline, std::function<void()>& end);

// The same for an address that the configuration names as plain: no handshake, so nothing is proved, and no deadline.
Peer accept_plain(Socket socket, Loop& loop);

}  // namespace sallyport::tls
