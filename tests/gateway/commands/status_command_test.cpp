#include "gateway/commands/status_command.hpp"

#include <atomic>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/version.hpp"
#include "gateway/commands/admin_client.hpp"
#include "gateway/metrics.hpp"
#include "tests/gateway/config/config_fixture.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scripted_server.hpp"

using namespace sallyport;
using namespace sallyport::gateway;
using namespace sallyport::tests;

namespace {

// An admin listener that is ready or not, and gives this page of metrics.
ScriptedServer::Script admin(unsigned ready_status, std::string page) {
  return [=](Peer& peer) {
    const Message request = peer.read_request();
    if (request.target() == "/readyz") return peer.send_answer(ready_status, "a word\n");
    peer.send_answer(request.target() == "/metrics" ? 200 : 404, page);
  };
}

std::string a_page(bool log = true) {
  Config config;
  if (log) config.log.emplace();
  config.tokens_file = "tokens.jsonl";
  Metrics metrics(config, 2);
  metrics.worker(0).handshake_finished(core::Reason::none, "X25519MLKEM768");
  metrics.worker(1).handshake_finished(core::Reason::none, "X25519MLKEM768");
  metrics.worker(1).upstream_connected(core::Reason::none, "x25519");
  metrics.worker(0).upstream_connections(2, 5);
  for (int i = 0; i < 3; ++i) metrics.worker(0).exchange_started();
  metrics.worker(0).exchange_finished({});
  logging::LogCounters counters;
  counters.healthy = true;
  counters.lost = 4;
  return metrics.text(counters);
}

struct Told {
  int exit_code;
  std::string text;
};

Told ask(const ScriptedServer& server, StatusOptions options = {}) {
  std::ostringstream out;
  const int exit_code = status({"127.0.0.1", server.port()}, options, core::SystemClock().wall(), out);
  return {exit_code, out.str()};
}

}  // namespace

TEST_CASE("status tells version, work, key exchanges and the log of a ready gateway, and exits with 0") {
  ScriptedServer server({}, admin(200, a_page()));
  const Told told = ask(server);
  INFO(told.text);
  CHECK(told.exit_code == 0);
  CHECK(told.text.starts_with("ready "));
  CHECK(contains(told.text, "version        " + std::string(core::version()) + ", OpenSSL "));
  CHECK(contains(told.text, "process        started "));
  CHECK(contains(told.text, "configuration  loaded "));
  CHECK(contains(told.text, "Z, 0s ago\n"));
  CHECK(contains(told.text, "requests       2 in flight, 1 done\n"));
  CHECK(contains(told.text, "to upstreams 3 busy, 2 idle\n"));
  CHECK(contains(told.text, "log            healthy, 4 exchanges lost\n"));
  CHECK(contains(told.text, "KEY EXCHANGE    CLIENTS  UPSTREAMS\n"));
  CHECK(contains(told.text, "X25519MLKEM768  2        0\n"));
  CHECK(contains(told.text, "X25519          0        1\n"));
}

TEST_CASE("status --json gives the same to a script") {
  ScriptedServer server({}, admin(200, a_page()));
  const Told told = ask(server, {.json = true});
  const auto report = nlohmann::json::parse(told.text, nullptr, false);
  REQUIRE(report.is_object());
  CHECK(report["ready"] == true);
  CHECK(report["version"] == core::version());
  CHECK(report["requests"] == nlohmann::json({{"in_flight", 2}, {"done", 1}}));
  CHECK(report["key_exchanges"]["X25519MLKEM768"] == nlohmann::json({{"clients", 2}, {"upstreams", 0}}));
  CHECK(report["log"] == nlohmann::json({{"healthy", true}, {"lost", 4}}));
  CHECK(report["started"].is_string());
  CHECK(report["config_loaded"].is_string());
}

TEST_CASE("status says that there is no log where there is none") {
  ScriptedServer server({}, admin(200, a_page(false)));
  CHECK(contains(ask(server).text, "log            off\n"));
  CHECK(nlohmann::json::parse(ask(server, {.json = true}).text)["log"].is_null());
}

TEST_CASE("status says that the files hold what was refused") {
  ScriptedServer current({}, admin(200, a_page()));
  CHECK_FALSE(contains(ask(current).text, "REFUSED"));
  CHECK(nlohmann::json::parse(ask(current, {.json = true}).text)["config_refused"] == false);
  Metrics metrics(Config{}, 1);
  metrics.config_reloaded(false);
  ScriptedServer behind({}, admin(200, metrics.text({})));
  CHECK(contains(ask(behind).text, "WHAT THE FILES SAY NOW WAS REFUSED"));
  CHECK(nlohmann::json::parse(ask(behind, {.json = true}).text)["config_refused"] == true);
}

TEST_CASE("status says when the tokens were taken up, and that their file holds what was refused") {
  ScriptedServer current({}, admin(200, a_page()));
  CHECK(contains(ask(current).text, "tokens         loaded "));
  CHECK(nlohmann::json::parse(ask(current, {.json = true}).text)["tokens_loaded"].is_string());
  Config config;
  config.tokens_file = "tokens.jsonl";
  Metrics metrics(config, 1);
  metrics.tokens_loaded(false);
  ScriptedServer behind({}, admin(200, metrics.text({})));
  CHECK(contains(ask(behind).text, "WHAT THEIR FILE SAYS NOW WAS REFUSED"));
  CHECK(nlohmann::json::parse(ask(behind, {.json = true}).text)["tokens_refused"] == true);
  ScriptedServer none({}, admin(200, Metrics(Config{}, 1).text({})));
  CHECK_FALSE(contains(ask(none).text, "tokens "));
  CHECK(nlohmann::json::parse(ask(none, {.json = true}).text)["tokens_loaded"].is_null());
}

TEST_CASE("status says whether limits are shared, where they may be") {
  const int up = GENERATE(0, 1);
  ScriptedServer alone({}, admin(200, a_page()));
  CHECK_FALSE(contains(ask(alone).text, "limits "));
  CHECK(nlohmann::json::parse(ask(alone, {.json = true}).text)["limits_shared"].is_null());
  ScriptedServer server({}, admin(200, a_page() + "sallyport_shared_limits_up " + std::to_string(up) + "\n"));
  CHECK(contains(ask(server).text, up == 1 ? "limits         shared\n" : "limits         NOT SHARED, "));
  CHECK(nlohmann::json::parse(ask(server, {.json = true}).text)["limits_shared"] == (up == 1));
}

TEST_CASE("status exits with 1 when the gateway is not ready, and tells the rest all the same") {
  ScriptedServer server({}, admin(503, a_page()));
  const Told told = ask(server);
  CHECK(told.exit_code == 1);
  CHECK(told.text.starts_with("NOT READY "));
  CHECK(contains(told.text, "in flight"));
}

TEST_CASE("status --ready asks for readiness alone") {
  const unsigned answered = GENERATE(200u, 503u, 404u, 500u);
  ScriptedServer server({}, admin(answered, "no metrics"));
  const Told told = ask(server, {.ready_only = true});
  CHECK(told.exit_code == (answered == 200 ? 0 : 1));
  CHECK(told.text == (answered == 200 ? "ready\n" : "not ready\n"));
  CHECK(server.connections() == 1);
  CHECK(ask(server, {.ready_only = true, .json = true}).text.find(answered == 200 ? "true" : "false") !=
        std::string::npos);
}

TEST_CASE("status exits with 1 when nobody answers, or something else does") {
  const ReservedPort nobody;
  std::ostringstream out;
  CHECK(status({"127.0.0.1", nobody.number()}, {}, {}, out) == 1);
  ScriptedServer other({}, admin(200, "<html>welcome</html>"));
  CHECK(ask(other).exit_code == 1);
  ScriptedServer silent({}, [](Peer& peer) { peer.wait_for_end(); });
  CHECK(ask(silent, {.patience = 50ms}).exit_code == 1);
  CHECK(out.str().empty());
}

TEST_CASE("an answer of the admin listener counts only when it is whole") {
  const std::string whole = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nready";
  std::atomic<std::size_t> size = 0;
  ScriptedServer server({}, [&](Peer& peer) {
    peer.read_request();
    peer.send(whole.substr(0, size));
  });
  const auto get = [&] { return ask_admin({"127.0.0.1", server.port()}, "/readyz", 5s); };
  for (; size < whole.size(); ++size) {
    INFO(size);
    CHECK_THROWS_AS(get(), std::runtime_error);
  }
  CHECK(get().body == "ready");
}

TEST_CASE("an answer of the admin listener that is too large is called so") {
  ScriptedServer server({}, [&](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    peer.send(std::string((16 << 20) + 1, 'x'));
  });
  const std::string address = "127.0.0.1:" + std::to_string(server.port());
  CHECK_THROWS_WITH(ask_admin({"127.0.0.1", server.port()}, "/metrics", 30s),
                    address + ": its answer is larger than 16 MiB");
}

TEST_CASE("a listener on every interface is asked over loopback") {
  CHECK(local_address({"0.0.0.0", 9}).host == "127.0.0.1");
  CHECK(local_address({"::", 9}).host == "::1");
  CHECK(local_address({"192.0.2.1", 9}).host == "192.0.2.1");
  CHECK(local_address({"0.0.0.0", 9}).port == 9);
}
