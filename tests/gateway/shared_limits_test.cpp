#include "gateway/shared_limits.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tls/listen.hpp"

using namespace sallyport;

TEST_CASE("a count that never began asks nobody when it ends") {
  const core::Descriptor server = tls::listen("127.0.0.1", 0);
  sockaddr_in own{};
  socklen_t size = sizeof own;
  REQUIRE(::getsockname(server.number(), reinterpret_cast<sockaddr*>(&own), &size) == 0);
  gateway::SharedLimitsConfig config;
  config.address = {"127.0.0.1", ntohs(own.sin_port)};
  tests::FakeClock clock;
  gateway::OperatorLogger operator_log({gateway::LogFormat::text, gateway::LogLevel::error});
  gateway::SharedLimitsStatus status;
  auth::Limiter limiter(auth::Counting::together);
  { const gateway::SharedLimits refused(config, limiter, clock, operator_log, status); }
  const auto client = tls::take_client(server);
  REQUIRE(client.has_value());
  CHECK_FALSE(client->is_open());
}
