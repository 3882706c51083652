// `sallyport status` against the real process.
#include <signal.h>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

TEST_CASE("status says how a running gateway is, and by its exit code whether it is ready", "[status]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello"));
  REQUIRE(client.read_answer().status() == 200);

  const auto status = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"status", "--config", gateway.config_file()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return gateway.command(arguments);
  };
  CHECK(status({"--ready"}).exit_code == 0);
  CHECK(status({}).out.starts_with("ready "));
  const Finished told = status({"--json"});
  INFO(told.out << told.errors);
  const Json report = Json::parse(told.out, nullptr, false);
  REQUIRE(report.is_object());
  int clients = 0, upstreams = 0;
  for (const auto& [group, counts] : report.at("key_exchanges").items()) {
    CHECK(group != "other");
    clients += counts.at("clients").get<int>();
    upstreams += counts.at("upstreams").get<int>();
  }
  CHECK(clients >= 1);
  CHECK(upstreams == 1);

  gateway.signal(SIGTERM);
  CHECK(gateway.wait_for_exit() == 0);
  const Finished gone = status({"--ready"});
  CHECK(gone.exit_code == 1);
  CHECK(gone.errors.find("Connection refused") != std::string::npos);
  CHECK(status({"--admin", "127.0.0.1:1"}).exit_code == 2);  // both given
}
