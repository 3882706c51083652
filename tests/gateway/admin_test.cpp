// The operator's listener, in a loop that the test turns. What it answers: tests/integration/operations_test.cpp.
#include "gateway/admin.hpp"

#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <optional>

#include "tests/support/catch.hpp"
#include "tests/support/wire.hpp"

using namespace sallyport;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;

namespace {

struct Bench {
  boost::asio::io_context io{1};
  core::TimerWheel wheel{core::TimePoint{}};
  tls::Loop loop{io, wheel};
  tests::ReservedPort port;
  gateway::Address address{"127.0.0.1", port.number()};
  std::optional<gateway::Admin> admin;
  boost::asio::io_context clients;

  Bench() { listen(); }
  void listen() {
    admin.emplace(address, loop, gateway::Admin::Answers{[] { return true; }, [] { return std::string(); }});
    loop.turn(0s);
  }
  tcp::socket arrive() {
    tcp::socket client(clients);
    client.connect({boost::asio::ip::make_address(address.host), address.port});
    return client;
  }
  bool answers(tcp::socket& client) {
    const std::string_view question = "GET /readyz HTTP/1.1\r\nhost: here\r\n\r\n";
    boost::asio::write(client, boost::asio::buffer(question));
    REQUIRE(tests::eventually([&] {
      loop.turn(100ms);
      return client.available() > 0;
    }));
    char answer[16] = {};
    boost::asio::read(client, boost::asio::buffer(answer, 15));
    return std::string_view(answer) == "HTTP/1.1 200 OK";
  }
};

}  // namespace

TEST_CASE("an admin listener ends at once, whoever is connected and whoever arrives just then") {
  Bench bench;
  auto kept = bench.arrive();
  CHECK(bench.answers(kept));
  auto arriving = bench.arrive();
  boost::asio::post(bench.io, [&] { bench.admin.reset(); });
  bench.loop.turn(0s);
  CHECK_FALSE(bench.admin);
  bench.listen();
  auto later = bench.arrive();
  CHECK(bench.answers(later));
}

TEST_CASE("an admin's client that comes while there are no descriptors is served when there are") {
  Bench bench;
  auto client = bench.arrive();
  rlimit usual{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
  rlimit none = usual;
  none.rlim_cur = 3;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  bench.loop.turn(100ms);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
  SECTION("soon") {
    bench.wheel.advance(bench.wheel.now() + 1s);
    CHECK(bench.answers(client));
  }
  SECTION("unless all ends first, when nothing stays behind") {
    bench.admin.reset();
    bench.wheel.advance(bench.wheel.now() + 1s);
    bench.loop.turn(0s);
    char byte = 0;
    boost::system::error_code error;
    client.read_some(boost::asio::buffer(&byte, 1), error);
    CHECK(error == boost::asio::error::connection_reset);
    CHECK_THROWS(bench.arrive());
  }
}

TEST_CASE("an admin's client has one time for its whole request, however it spreads it") {
  Bench bench;
  auto client = bench.arrive();
  for (int i = 0; i < 4; ++i) {
    boost::asio::write(client, boost::asio::buffer("GET " + i, 1));
    bench.loop.turn(100ms);
    bench.wheel.advance(bench.wheel.now() + 10s);
    bench.loop.turn(0s);
  }
  char byte = 0;
  boost::system::error_code error;
  client.non_blocking(true);
  client.read_some(boost::asio::buffer(&byte, 1), error);
  CHECK(error == boost::asio::error::eof);
}

TEST_CASE("the admin's port is nobody else's") {
  Bench bench;
  CHECK_THROWS_WITH(gateway::Admin(bench.address, bench.loop, {}),
                    "cannot listen on 127.0.0.1:" + std::to_string(bench.address.port) + ": Address already in use");
}
