// Opens listening sockets and accepts clients from them.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.hpp"
#include "tls/transport.hpp"

namespace sallyport::tls {

// shared: several sockets may listen on one port, and the kernel spreads the connections over them (SO_REUSEPORT).
// alone: listening fails when the port is taken.
enum class Port { shared, alone };

// `host` is an IP address. The socket does not block. Throws std::runtime_error with the address and what is wrong.
core::Descriptor listen(const std::string& host, std::uint16_t port, Port use = Port::shared);

// True when a socket listens on the address already, of this process or of another. `host` is an IP address.
bool is_listened_on(const std::string& host, std::uint16_t port);

// Accepts the next client, whose socket does not block; gives a closed socket when no client waits. A client that has
// left meanwhile is skipped. Errors: io_failed, mostly out of descriptors or memory.
core::Result<Socket> take_client(const core::Descriptor& listening);

std::string address_of(const Socket& socket);  // the peer's IP address, without the port; empty when the peer has gone

}  // namespace sallyport::tls
