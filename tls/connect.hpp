// Connects to an upstream: from a host and port to a ByteStream, over mutual TLS 1.3 with the peer's chain and name
// checked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "tls/identity.hpp"
#include "tls/loop.hpp"
#include "tls/peer.hpp"

namespace sallyport::tls {

// Holds the newest resumption ticket of one peer under one identity, for the next connect(). Belongs to one worker.
struct SessionSlot;
std::shared_ptr<SessionSlot> make_session_slot();

// Resolves the name, connects to its addresses in turn until one answers, and finishes the handshake, all before
// `deadline`. The stream gives no byte of a peer whose handshake has not succeeded. `identity` null: plain TCP, for
// endpoints that the configuration names as plain. `sessions` may be null: then no session is resumed.
// `host` and `identity` must live until completion, `loop` as long as the stream. A TLS stream is left with `deadline`,
// a plain one with none. Errors: upstream_unresolved, _unreachable, _connect_timeout, _tls_failed, _certificate_*,
// _rejected_certificate; cancelled, after Loop::stop_dialling().
core::Task<core::Result<Peer>> connect(Loop& loop, const std::string& host, std::uint16_t port,
                                       const ClientIdentity* identity, std::shared_ptr<SessionSlot> sessions,
                                       core::TimePoint deadline);

}  // namespace sallyport::tls
