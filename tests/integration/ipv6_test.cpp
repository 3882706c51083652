// A gateway that is reached by IPv6, and reaches its model server so.
#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/recording_pipe.hpp"

using namespace sallyport::tests;

TEST_CASE("a call comes in by IPv6 and goes on by IPv6, and the record has both addresses", "[ipv6]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const RecordingPipe to_server(server.port(), Family::ipv6, Family::ipv4);
  const ReservedPort port(Family::ipv6);
  const std::string endpoint = "https://[::1]:" + std::to_string(to_server.port());
  const GatewayProcess gateway({.upstreams = {{.endpoint = '"' + endpoint + '"'}},
                                .more_listeners = "  - { name: six, address: \"[::1]:" + std::to_string(port.number()) +
                                                  "\", plaintext: allowed }\n",
                                .limits = "{ connections_per_address: 1 }"});
  const RecordingPipe to_gateway(port.number(), Family::ipv4, Family::ipv6);
  const ClientWish wish{.port = to_gateway.port(), .plain = true};
  ScriptedClient client(wish);
  client.send(gateway.chat("hello"));
  CHECK(client.read_answer().status() == 200);
  const Json record = gateway.wait_for_records(1).at(0);
  CHECK(record["outcome"] == "none");
  CHECK(record["listener"] == "six");
  CHECK(record["client_address"] == "::1");
  CHECK(record["endpoint"] == endpoint);
  CHECK(server.received().requests().at(0).field("host") == "[::1]:" + std::to_string(to_server.port()));

  // Of one address no more than its limit; another family's is another's.
  ScriptedClient second(wish);
  CHECK(second.wait_for_end() != Ending::open);
  ScriptedClient by_ipv4(gateway.client());
  by_ipv4.send(gateway.chat("hello"));
  CHECK(by_ipv4.read_answer().status() == 200);
}
