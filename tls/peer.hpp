// Peer: the other side of a connection: the stream to it, and what its handshake proved.
#pragma once

#include <memory>

#include "core/byte_stream.hpp"
#include "core/peer_identity.hpp"

namespace sallyport::tls {

struct Peer {
  std::unique_ptr<core::ByteStream> stream;
  core::PeerIdentity identity;
};

}  // namespace sallyport::tls
