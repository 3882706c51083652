// One client connection: TLS under its own deadline, then request after request until one side has had enough.
#pragma once

#include "core/peer_identity.hpp"
#include "gateway/input.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {

// What the exchanges of one connection share.
struct Connection {
  Worker& worker;
  LiveConnection& live;
  core::ByteStream& stream;
  const core::PeerIdentity& peer;
  std::size_t listener;  // index into the configuration's listeners
  Input input;
  core::TimePoint opened;
  std::uint64_t requests = 0;
  bool body_owed = false;  // a proven caller is still sending a body that was refused

  // To stop then ends the wait for a request; not the stream, for the client gets its goodbye.
  void stop_when_idle() {
    live.stop = [this] { stream.set_deadline(worker.now()); };
  }
};

// Runs to the connection's end. Ends early, in the ways the exchange defines, when live.stop is called.
core::Task<void> serve_connection(Worker& worker, LiveConnection& live, tls::Socket socket, std::size_t listener);

}  // namespace sallyport::gateway
