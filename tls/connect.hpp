// An upstream's address → ByteStream, over mutual TLS 1.3 with the peer's chain and name checked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tls/accept.hpp"

namespace sallyport::tls {

// The newest resumption ticket of one peer under one identity. One worker's own.
struct SessionSlot;
std::shared_ptr<SessionSlot> make_session_slot();

// Resolves, connects (each address in turn) and finishes the handshake before `deadline`; nothing is read from the peer
// before that. identity null: plain TCP, for endpoints the configuration names as plain.
// Errors: upstream_unresolved, _unreachable, _connect_timeout, _tls_failed, _certificate_*, _rejected_certificate;
// cancelled, after Loop::stop_dialling().
core::Task<core::Result<Peer>> connect(Loop& loop, const std::string& host, std::uint16_t port,
                                       const ClientIdentity* identity, std::shared_ptr<SessionSlot> sessions,
                                       core::TimePoint deadline);

}  // namespace sallyport::tls
