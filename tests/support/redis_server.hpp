// A real Redis on a loopback port, over mutual TLS and with a password, that a test may kill, stop and start again.
#pragma once

#include <signal.h>

#include <memory>

#include "tests/support/process.hpp"
#include "tests/support/test_pki.hpp"
#include "tests/support/wire.hpp"

namespace sallyport::tests {

class RedisServer {
 public:
  // Throws with what it said when it does not start, as it will not where it is not installed.
  explicit RedisServer(const TestPki& pki);

  std::uint16_t port() const noexcept { return port_.number(); }
  static constexpr const char* user = "gateway";  // who may do what limits need
  static constexpr const char* password = "correct horse";

  void start();  // again, empty
  void kill();
  void pause() { child_->signal(SIGSTOP); }  // it takes connections, and answers nobody
  void resume() { child_->signal(SIGCONT); }
  void allow(std::vector<std::string> rules) const;         // to `user`, from now on: "+hset", "-hset"
  std::string ask(std::vector<std::string> command) const;  // by redis-cli; gives the answer

 private:
  const TestPki& pki_;
  TemporaryDirectory directory_;
  ReservedPort port_;
  std::unique_ptr<ChildProcess> child_;
};

}  // namespace sallyport::tests
