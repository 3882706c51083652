// A model with several targets: each stands in for the others.
#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

std::string url_of(std::uint16_t port) { return "https://127.0.0.1:" + std::to_string(port); }

// "shared" is served by the upstreams "first" and "second", under another name by each; nearly all calls are first's.
GatewayWish both(std::uint16_t first, std::uint16_t second) {
  return {.upstreams = {{.name = "first", .endpoint = url_of(first)}, {.name = "second", .endpoint = url_of(second)}},
          .models =
              "  - name: shared\n    targets:\n      - {upstream: first, model: its-name, weight: 1000000}\n"
              "      - {upstream: second, model: another-name}\n",
          .workers = 1};
}

Message call(const GatewayProcess& gateway) {
  ScriptedClient client(gateway.client());
  client.send(request_text({.token = gateway.token(), .body = chat_body("shared", "hello")}));
  return client.read_answer();
}

double requests(const GatewayProcess& gateway, const std::string& upstream) {
  return gateway.metric("sallyport_requests_total{listener=\"public\",model=\"shared\",upstream=\"" + upstream + "\"");
}

std::string model_of(const Message& request) { return Json::parse(request.body)["model"]; }

}  // namespace

TEST_CASE("a target that is down from the start leaves its calls to the other, under that one's names", "[targets]") {
  const ReservedPort nobody;
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(both(nobody.number(), server.port()));
  constexpr int calls = 4;
  for (int i = 0; i < calls; ++i) CHECK(call(gateway).status() == 200);
  REQUIRE(server.received().count() == calls);
  for (const Message& request : server.received().requests()) {
    CHECK(model_of(request) == "another-name");
    CHECK(request.field("host") == "127.0.0.1:" + std::to_string(server.port()));
  }
  for (const Json& record : gateway.wait_for_records(calls)) {
    CHECK(record["outcome"] == "none");
    CHECK(record["model"] == "shared");
    CHECK(record["upstream"] == "second");
    CHECK(record["upstream_model"] == "another-name");
    CHECK(record["endpoint"] == url_of(server.port()));
  }
  CHECK(requests(gateway, "second") == calls);
  CHECK(gateway.errors().find("upstream_fails upstream=first") != std::string::npos);
}

TEST_CASE("a target that goes down leaves its calls to the other, and with that the refusal", "[targets]") {
  std::optional<ScriptedServer> first, second;
  for (auto* server : {&first, &second}) {
    server->emplace(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  }
  const GatewayProcess gateway(both(first->port(), second->port()));
  for (int i = 0; i < 3; ++i) CHECK(call(gateway).status() == 200);
  CHECK(first->received().count() == 3);
  CHECK(model_of(first->received().requests().back()) == "its-name");

  first.reset();
  for (int i = 0; i < 3; ++i) CHECK(call(gateway).status() == 200);
  CHECK(second->received().count() == 3);
  CHECK(model_of(second->received().requests().back()) == "another-name");
  CHECK(gateway.wait_for_records(6).back()["upstream"] == "second");
  CHECK(requests(gateway, "first") == 3);
  CHECK(requests(gateway, "second") == 3);

  second.reset();
  const Message refused = call(gateway);
  CHECK(refused.status() == 502);
  CHECK(Json::parse(refused.body)["error"]["code"] == "upstream_unreachable");
  CHECK(gateway.wait_for_records(7).back()["outcome"] == "upstream_unreachable");
}

TEST_CASE("a target that refuses the gateway's certificate leaves its calls to the other", "[targets]") {
  const TestPki& pki = GatewayProcess::pki();
  ScriptedServer first(mutual_tls(pki.model_server, pki.foreign_authority.certificate()), [](Peer&) {});
  ScriptedServer second(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(both(first.port(), second.port()));
  CHECK(call(gateway).status() == 200);
  CHECK(first.connections() == 1);
  CHECK(model_of(second.received().requests().back()) == "another-name");
  const Json record = gateway.wait_for_records(1).back();
  CHECK(record["attempts"] == 2);
  CHECK(record["upstream"] == "second");
  CHECK(record["upstream_model"] == "another-name");
  CHECK(requests(gateway, "second") == 1);
}
