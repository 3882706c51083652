// A piece of wire between two programs that keeps a copy of all that passes: it listens on loopback, and carries each
// connection on to a port of loopback.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/wire.hpp"

namespace sallyport::tests {

class RecordingPipe {
 public:
  // Either side may be IPv6, so that peers that speak only IPv4 can reach those that do not.
  explicit RecordingPipe(std::uint16_t to, Family listens = Family::ipv4, Family dials = Family::ipv4);
  ~RecordingPipe();  // cuts what still passes

  std::uint16_t port() const noexcept { return port_; }
  std::string passed() const;  // so far, both ways, of all connections

 private:
  void accept_all();
  void carry(int one, int other);
  bool carry_some(int from, int to);

  const std::uint16_t to_;
  const Family dials_;
  int listener_ = -1;
  int stop_ = -1;  // an eventfd that every wait watches
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::string passed_;
  std::vector<std::jthread> carriers_;  // the acceptor's alone until it has ended
  std::jthread acceptor_;
};

}  // namespace sallyport::tests
