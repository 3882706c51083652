// What one run of the load generator is asked to do.
#pragma once

#include <cstdint>
#include <string>

#include "bench/answers.hpp"

namespace sallyport::bench {

enum class Reuse : std::uint8_t {
  keep_alive,      // each connection serves all its requests
  full_handshake,  // a new connection for each request
  resumption,      // the same, resuming the session before it
};

struct LoadSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string name = "localhost";  // that the proxy's certificate must have
  std::string ca;
  std::string token;
  std::string path = "/v1/chat/completions";
  bool bad_tokens = false;  // another wrong token each time
  int expected_status = 200;

  std::uint32_t connections = 64;
  Reuse reuse = Reuse::keep_alive;
  std::uint64_t prompt_bytes = 1000;
  Wanted wanted;

  // Closed loop: each connection asks again as soon as it has its answer. Open loop, when per_second is not 0: requests
  // fall due at fixed times and their latency counts from then, however late a connection became free.
  double per_second = 0;
  bool idle = false;  // after its first answer no connection asks again until the measurement begins
  double warm_up_seconds = 1;
  // The measurement's end: whichever comes first of those that are not 0.
  double seconds = 0;
  std::uint64_t requests = 0;
};

}  // namespace sallyport::bench
