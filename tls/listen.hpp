// Listening sockets and the clients that come to them.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.hpp"
#include "tls/transport.hpp"

namespace sallyport::tls {

// shared: each caller has a socket of its own on the same port, over which the kernel spreads the connections. alone:
// whoever asks for a port that is taken is refused.
enum class Port { shared, alone };

// Throws std::runtime_error naming the address.
core::Descriptor listen(const std::string& host, std::uint16_t port, Port use = Port::shared);

// The next client that waits; a closed socket when none does. Errors: io_failed, mostly out of descriptors
// or memory.
core::Result<Socket> take_client(const core::Descriptor& listening);

std::string address_of(const Socket& socket);  // the peer's; empty when it has gone

}  // namespace sallyport::tls
