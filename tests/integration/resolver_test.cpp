// Upstreams with host names, one of which takes half a minute to look up.
#include <signal.h>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

// The model "llama" is at slow.test, "quick" at fast.test.
struct Names {
  TemporaryDirectory directory;
  path asked = directory / "asked";  // there once slow.test has been asked for
  ScriptedServer server{GatewayProcess::model_server(), answer_always(std::string(chat_answer))};
  GatewayProcess gateway;

  explicit Names(const std::string& connect) : gateway(wish(connect)) {}

  GatewayWish wish(const std::string& connect) const {
    const std::string port = std::to_string(server.port()), more = "    timeouts: { connect: " + connect + " }\n";
    return {.upstreams = {{.name = "slow", .endpoint = "https://slow.test:" + port, .more = more},
                          {.name = "fast", .endpoint = "https://fast.test:" + port, .more = more}},
            .models = "  - name: quick\n    targets: [{ upstream: fast }]\n",
            .environment = preload(SLOW_NAMES, {"SLOW_NAMES_ASKED=" + asked.string()}),
            .workers = 1};
  }
  bool slow_is_asked() const {
    return eventually([this] { return std::filesystem::exists(asked); });
  }
  std::string chat(const std::string& model) const {
    return request_text({.token = gateway.token(), .body = chat_body(model, "hello")});
  }
};

}  // namespace

TEST_CASE("a host name that is slow to look up delays only the calls that need it", "[resolver]") {
  const Names names("2s");
  std::vector<std::unique_ptr<ScriptedClient>> slow;
  for (int i = 0; i < 8; ++i) {
    slow.push_back(std::make_unique<ScriptedClient>(names.gateway.client()));
    slow.back()->send(names.chat("llama"));
  }
  REQUIRE(names.slow_is_asked());
  ScriptedClient client(names.gateway.client());
  client.send(names.chat("quick"));
  CHECK(client.read_answer().status() == 200);
  for (const auto& each : slow) CHECK(each->read_answer().status() == 504);
}

TEST_CASE("a drain does not wait for a lookup that nobody waits for any more", "[resolver]") {
  Names names("500ms");
  ScriptedClient client(names.gateway.client());
  client.send(names.chat("llama"));
  REQUIRE(names.slow_is_asked());
  names.gateway.signal(SIGTERM);
  CHECK(client.read_answer().status() == 504);
  CHECK(names.gateway.wait_for_exit(5s) == 0);
  CHECK(names.gateway.verify().exit_code == 0);
  Records records = names.gateway.records();
  REQUIRE(records.size() == 1);
  CHECK(records[0]["outcome"] == "upstream_connect_timeout");
}

TEST_CASE("a second SIGTERM ends a call that waits for a name, and its record is written", "[resolver]") {
  Names names("60s");
  ScriptedClient client(names.gateway.client());
  client.send(names.chat("llama"));
  REQUIRE(names.slow_is_asked());
  names.gateway.signal(SIGTERM);
  CHECK_FALSE(names.gateway.wait_for_exit(100ms).has_value());  // a drain lets it finish
  names.gateway.signal(SIGTERM);
  CHECK(names.gateway.wait_for_exit(5s) == 0);
  CHECK(client.read_answer().status() == 503);
  CHECK(names.gateway.verify().exit_code == 0);
  Records records = names.gateway.records();
  REQUIRE(records.size() == 1);
  CHECK(records[0]["outcome"] == "draining");
}
