// The second gate: nothing of a request goes to a model server that did not prove itself, and the record says why.
#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

struct Outcome {
  Message answer;
  Json record;
};

Outcome one_chat(const GatewayProcess& gateway) {
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello"));
  Outcome outcome{client.read_answer(), Json()};
  Records records = gateway.wait_for_records(1);
  if (!records.empty()) outcome.record = records.front();
  return outcome;
}

const std::string connects = "sallyport_upstream_connects_total{outcome=\"";
const std::string good_connects = connects + "ok\"}";
const std::string refused_connects = connects + "upstream_rejected_certificate\"}";

// A model server that takes the gateway's certificate only once it is told to.
struct Moody {
  const TestPki& pki = GatewayProcess::pki();
  const TlsContext accepting = make_server_context({pki.model_server, pki.ours.certificate()});
  const TlsContext refusing = make_server_context({pki.model_server, pki.foreign_authority.certificate()});
  std::atomic<bool> accepts = false;
  ScriptedServer server{{.tls = std::nullopt, .handshake_by_script = true}, [this](Peer& peer) {
                          if (!accepts) return refuse(peer);
                          peer.accept_tls(*accepting);
                          answer_always(std::string(chat_answer))(peer);
                        }};

  void refuse(Peer& peer) const try {
    peer.accept_tls(*refusing);
    throw std::logic_error("a foreign authority's certificate was taken");
  } catch (const WireError&) {
  }
};

}  // namespace

TEST_CASE("a model server with a wrong name, an expired or a foreign certificate gets nothing", "[upstream-identity]") {
  const TestPki& pki = GatewayProcess::pki();
  struct Case {
    Identity shown;
    std::string outcome;
  };
  const auto one = GENERATE_REF(values<Case>({
      {pki.wrong_name, "upstream_certificate_name"},
      {pki.expired, "upstream_certificate_expired"},
      {pki.foreign, "upstream_certificate_untrusted"},
      {pki.client, "upstream_certificate_untrusted"},  // a client's certificate is not a server's
  }));
  INFO(one.outcome);
  ScriptedServer server(mutual_tls(one.shown, pki.ours.certificate()), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  const Outcome outcome = one_chat(gateway);
  CHECK(outcome.answer.status() == 502);
  CHECK(Json::parse(outcome.answer.body)["error"]["code"] == "upstream_untrusted");
  CHECK(outcome.record["outcome"] == one.outcome);
  CHECK(outcome.record["status"] == 502);
  CHECK(server.received().count() == 0);
  CHECK(server.handshakes() == 0);
}

TEST_CASE("a model server that does not take the gateway's certificate is a 502 that says so", "[upstream-identity]") {
  const TestPki& pki = GatewayProcess::pki();
  ScriptedServer server(mutual_tls(pki.model_server, pki.foreign_authority.certificate()),
                        answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  const Outcome outcome = one_chat(gateway);
  CHECK(outcome.answer.status() == 502);
  CHECK(outcome.record["outcome"] == "upstream_rejected_certificate");
  CHECK(server.received().count() == 0);
  CHECK(gateway.metric("sallyport_upstream_connects_total") == 1);
  CHECK(gateway.metric(refused_connects) == 1);
  const std::string told =
      "upstream_fails upstream=model-server endpoint=https://127.0.0.1:" + std::to_string(server.port()) +
      " reason=upstream_rejected_certificate";
  CHECK(gateway.errors().find(told) != std::string::npos);
  CHECK(gateway.errors().find("upstream_works") == std::string::npos);
}

TEST_CASE("a call that one server refuses for the gateway's certificate is served by the next", "[upstream-identity]") {
  const std::size_t prompt_size = GENERATE(5, 4 << 20);  // the refusal comes after the whole request, and within it
  Moody moody;
  ScriptedServer healthy(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const std::string its_url = "https://127.0.0.1:" + std::to_string(moody.server.port());
  const GatewayProcess gateway(GatewayWish{
      .upstreams = {{.endpoint = its_url + ", https://127.0.0.1:" + std::to_string(healthy.port())}}, .workers = 1});
  const std::string prompt(prompt_size, 'x');
  const auto served = [&](std::string_view asked) {
    ScriptedClient client(gateway.client());
    client.send(gateway.chat(asked), 30s);
    return client.read_answer(30s).status() == 200;
  };
  const int calls = 24;
  for (int i = 0; i < calls; ++i) REQUIRE(served(i == 0 ? prompt : "hello"));
  CHECK(healthy.received().count() == calls);
  CHECK(healthy.received().requests().front().body.find(prompt) != std::string::npos);
  // Seven would take a minute: it is left alone for 1 s, then for 2 s, 4 s and so on.
  const int refusals = moody.server.connections();
  CHECK(refusals >= 1);
  CHECK(refusals < 7);
  CHECK(gateway.metric(refused_connects) == refusals);
  CHECK(gateway.metric(good_connects) == healthy.connections());
  const Json record = gateway.wait_for_records(calls).front();
  CHECK(record["outcome"] == "none");
  CHECK(record["attempts"] == 2);
  CHECK(record["endpoint"] == "https://127.0.0.1:" + std::to_string(healthy.port()));

  const std::string of_it = " upstream=model-server endpoint=" + its_url;
  CHECK(gateway.errors().find("upstream_fails" + of_it + " reason=upstream_rejected_certificate") != std::string::npos);
  CHECK(gateway.errors().find("upstream_works" + of_it) == std::string::npos);
  moody.accepts = true;
  CHECK(eventually([&] { return served("hello") && moody.server.received().count() > 0; }));
  CHECK(gateway.errors().find("upstream_works" + of_it) != std::string::npos);
}

TEST_CASE("where every server refuses the gateway's certificate each is asked once", "[upstream-identity]") {
  Moody first, second;
  const GatewayProcess gateway(
      GatewayWish{.upstreams = {{.endpoint = "https://127.0.0.1:" + std::to_string(first.server.port()) +
                                             ", https://127.0.0.1:" + std::to_string(second.server.port())}}});
  const Outcome outcome = one_chat(gateway);
  CHECK(outcome.answer.status() == 502);
  CHECK(outcome.record["outcome"] == "upstream_rejected_certificate");
  CHECK(outcome.record["attempts"] == 2);
  CHECK(first.server.connections() == 1);
  CHECK(second.server.connections() == 1);
}

TEST_CASE("a model server gets its key in place of the caller's, and another once its file says so",
          "[upstream-identity]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const TemporaryDirectory folder;
  const path key_file = folder / "model-server.key";
  write_file(key_file, "sk-one\n");
  std::filesystem::permissions(key_file, std::filesystem::perms(0600));
  const std::string field = GENERATE(as<std::string>{}, "authorization", "x-api-key");
  UpstreamWish upstream{.endpoint = "https://127.0.0.1:" + std::to_string(server.port())};
  upstream.more = "    api_key: { file: " + key_file.string() + ", field: " + field + " }\n";
  GatewayProcess gateway(GatewayWish{.upstreams = {upstream}});
  const auto shown = [&] {
    ScriptedClient client(gateway.client());
    client.send(gateway.chat("hello", false, {{"api-key", "sk-of-the-caller"}}));
    CHECK(client.read_answer().status() == 200);
    const Message got = server.received().requests().back();
    CHECK(got.count("authorization") + got.count("x-api-key") + got.count("api-key") == 1);
    return got.field(field);
  };
  const std::string scheme = field == "authorization" ? "Bearer " : "";
  CHECK(shown() == scheme + "sk-one");

  write_file(key_file, "sk-two");
  CHECK(eventually([&] { return shown() == scheme + "sk-two"; }));
  write_file(key_file, "sk-three\nx-admin: 1\n");
  CHECK(eventually([&] { return gateway.errors().find("holds more than a key") != std::string::npos; }));
  CHECK(shown() == scheme + "sk-two");
  CHECK(gateway.errors().find("sk-") == std::string::npos);
}

TEST_CASE("a model server that speaks TLS 1.2 at most is refused", "[upstream-identity]") {
  const TestPki& pki = GatewayProcess::pki();
  ScriptedServer server({TlsWish{pki.model_server, pki.ours.certificate(), TLS1_2_VERSION, TLS1_2_VERSION}},
                        answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  const Outcome outcome = one_chat(gateway);
  CHECK(outcome.answer.status() == 502);
  CHECK(outcome.record["outcome"] == "upstream_tls_failed");
  CHECK(server.received().count() == 0);
}

TEST_CASE("nothing is read from a model server before its handshake is done", "[upstream-identity]") {
  // CVE-2026-1642: an answer in the clear, sent before the handshake, was taken for the model server's.
  ScriptedServer server({}, [](Peer& peer) {
    peer.send_answer(200, chat_answer);
    peer.wait_for_end();
  });
  const GatewayProcess gateway(
      GatewayWish{.upstreams = {{.endpoint = "https://127.0.0.1:" + std::to_string(server.port())}}});
  const Outcome outcome = one_chat(gateway);
  CHECK(outcome.answer.status() == 502);
  CHECK(outcome.record["outcome"] == "upstream_tls_failed");
}

TEST_CASE("the gateway shows its own client certificate and resumes its sessions", "[upstream-identity]") {
  std::atomic<int> resumed = 0;
  std::string subject;
  std::mutex mutex;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    if (SSL_session_reused(peer.tls()) == 1) ++resumed;
    X509* certificate = SSL_get1_peer_certificate(peer.tls());
    if (certificate != nullptr) {
      const std::lock_guard lock(mutex);
      char line[128] = {};
      X509_NAME_oneline(X509_get_subject_name(certificate), line, sizeof line);
      subject = line;
    }
    X509_free(certificate);
    peer.read_request();
    peer.send_answer(200, chat_answer, "Connection: close\r\n");
  });
  const GatewayProcess gateway(server);
  for (int i = 0; i < 6; ++i) {
    ScriptedClient client(gateway.client());
    client.send(gateway.chat("hello"));
    REQUIRE(client.read_answer().status() == 200);
  }
  const std::lock_guard lock(mutex);
  CHECK(subject == "/CN=sallyport");
  // Each of the two workers has sessions of its own.
  CHECK(resumed >= 4);
}

TEST_CASE("a host name that has no address, and a port where nobody listens, are 502", "[upstream-identity]") {
  const ReservedPort nobody;
  const auto [endpoint, expected] = GENERATE_REF(values<std::pair<std::string, std::string>>(
      {{"https://none.test:443", "upstream_unresolved"},
       {"https://127.0.0.1:" + std::to_string(nobody.number()), "upstream_unreachable"}}));
  INFO(endpoint);
  const GatewayProcess gateway(GatewayWish{.upstreams = {{.endpoint = endpoint}}, .environment = preload(SLOW_NAMES)});
  const Outcome outcome = one_chat(gateway);
  CHECK(outcome.answer.status() == 502);
  CHECK(Json::parse(outcome.answer.body)["error"]["code"] == "upstream_unreachable");
  CHECK(outcome.record["outcome"] == expected);
  const std::string told = "upstream_fails upstream=model-server endpoint=" + endpoint + " reason=";
  CHECK(gateway.errors().find(told) != std::string::npos);
}
