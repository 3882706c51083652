// Which key exchange protects a connection: recorded, counted, and required where the configuration says so. Other
// tools' OpenSSL is the same as the gateway's, so each test knows what to expect from its own.
#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/skipped.hpp"

using namespace sallyport::tests;

namespace {

constexpr auto post_quantum = "X25519MLKEM768";
constexpr auto require_pq = "key_exchange: require_pq";

bool has_post_quantum() { return SSL_CTX_set1_groups_list(make_client_context({}).get(), post_quantum) == 1; }
std::string preferred() { return has_post_quantum() ? post_quantum : "X25519"; }

// A chat by curl, which offers these groups alone.
Finished chat(const GatewayProcess& gateway, const std::string& groups) {
  return run({"curl", "-sS", "--cacert", GatewayProcess::pki().ours.certificate(), "--curves", groups, "-H",
              "Authorization: Bearer " + gateway.token(), "-d", chat_body("llama", "hello"),
              "https://localhost:" + std::to_string(gateway.client().port) + "/v1/chat/completions"});
}

unsigned status_of_chat(const GatewayProcess& gateway) {
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello"));
  return client.read_answer().status();
}

}  // namespace

TEST_CASE("a record names the key exchange of each side, also on a connection that is used again", "[key-exchange]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.workers = 1});
  for (int i = 0; i < 2; ++i) REQUIRE(chat(gateway, "P-256").exit_code == 0);
  REQUIRE(status_of_chat(gateway) == 200);
  Records records = gateway.wait_for_records(3);
  CHECK(server.connections() == 1);
  CHECK(records[0]["client_key_exchange"] == "secp256r1");
  CHECK(records[2]["client_key_exchange"] == preferred());
  for (Json& record : records) CHECK(record["upstream_key_exchange"] == preferred());
}

TEST_CASE("a record of a plain upstream names no key exchange there", "[key-exchange]") {
  ScriptedServer server({}, answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  REQUIRE(status_of_chat(gateway) == 200);
  const Json record = gateway.wait_for_records(1).front();
  CHECK(record.contains("client_key_exchange"));
  CHECK_FALSE(record.contains("upstream_key_exchange"));
}

TEST_CASE("require_pq on an OpenSSL without it ends check and serve, with words", "[key-exchange]") {
  if (has_post_quantum()) return skipped("this OpenSSL has ML-KEM");
  GatewayWish wish = {.upstreams = {{.endpoint = "https://127.0.0.1:1"}}};
  const GatewayProcess gateway(wish);
  const std::string path =
      GENERATE(as<std::string>{}, "listeners[0].tls.key_exchange", "upstreams[0].tls.key_exchange");
  if (path.starts_with("listeners")) {
    wish.listener_tls = require_pq;
  } else {
    wish.upstreams[0].more_tls = std::string(", ") + require_pq;
  }
  gateway.write_config(wish);
  for (const std::string command : {"check", "serve"}) {
    const Finished refused = gateway.command({command, "--config", gateway.config_file()});
    INFO(refused.out << refused.errors);
    CHECK(refused.exit_code == 1);
    CHECK((refused.out + refused.errors).find(path + ": is require_pq, but OpenSSL 3.") != std::string::npos);
  }
}

TEST_CASE("require_pq refuses clients without post-quantum key exchange, and counts them", "[key-exchange]") {
  if (!has_post_quantum()) return skipped(no_ml_kem);
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.listener_tls = require_pq});
  CHECK(chat(gateway, "X25519").exit_code == 35);  // curl: the handshake failed
  CHECK(chat(gateway, "P-256:P-384").exit_code == 35);
  CHECK(server.connections() == 0);
  CHECK(gateway.metric("sallyport_handshakes_total{outcome=\"key_exchange_refused\"}") == 2);
  REQUIRE(chat(gateway, std::string("X25519:") + post_quantum).exit_code == 0);
  CHECK(gateway.wait_for_records(1).front()["client_key_exchange"] == post_quantum);
}

TEST_CASE("require_pq refuses model servers without post-quantum key exchange", "[key-exchange]") {
  if (!has_post_quantum()) return skipped(no_ml_kem);
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(
      GatewayWish{.upstreams = {{.endpoint = server.url(), .more_tls = std::string(", ") + require_pq}}, .workers = 1});
  REQUIRE(SSL_CTX_set1_groups_list(&server.tls_context(), "X25519") == 1);
  CHECK(status_of_chat(gateway) == 502);
  CHECK(server.handshakes() == 0);
  REQUIRE(SSL_CTX_set1_groups_list(&server.tls_context(), post_quantum) == 1);
  CHECK(status_of_chat(gateway) == 200);
  Records records = gateway.wait_for_records(2);
  CHECK(records[0]["outcome"] == "upstream_tls_failed");
  CHECK(records[1]["upstream_key_exchange"] == post_quantum);
}
