// A client's socket → ByteStream and what its handshake proved.
#pragma once

#include <functional>

#include "tls/identity.hpp"
#include "tls/peer.hpp"
#include "tls/transport.hpp"

namespace sallyport::tls {

// TLS 1.3 handshake as the server, finished before `deadline`. The identity must outlive this call, not the stream.
// Calling `end`, which is set while it runs, ends it. Errors: timeout, truncated, tls_failed, io_failed, cancelled. The
// stream's deadline is left at `deadline`.
core::Task<core::Result<Peer>> accept(Socket socket, Loop& loop, const ServerIdentity& identity,
                                      core::TimePoint deadline, std::function<void()>& end);

// The same for a listener that the configuration names as plain: no handshake, nothing proven.
Peer accept_plain(Socket socket, Loop& loop);

}  // namespace sallyport::tls
