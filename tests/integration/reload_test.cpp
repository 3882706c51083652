// A configuration is replaced whole or not at all, and a call keeps the one it began with.
#include <openssl/x509.h>
#include <signal.h>

#include <algorithm>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

// Two model servers and two API keys: a reload changes from the first ones to the second.
struct Change {
  GatewayWish wish(const std::string& when) const {
    const bool after = when == "after";
    write_file(keys / when, "key-" + when);
    std::filesystem::permissions(keys / when, std::filesystem::perms(0600));
    return {.upstreams = {{.endpoint = endpoint(after ? second : first),
                           .more = "    api_key: { file: " + (keys / when).string() + " }\n"}},
            .models = "  - name: changing\n    targets: [{ upstream: model-server, model: changing-" + when +
                      " }]\n    capture: " + (after ? "metadata" : "full") + "\n"};
  }
  static std::string endpoint(const ScriptedServer& server) {
    return "https://127.0.0.1:" + std::to_string(server.port());
  }
  std::string request(bool stream) const {
    return request_text({.token = gateway.token(), .body = chat_body("changing", "hello", stream)});
  }

  TemporaryDirectory keys;
  Signal finish;
  // A stream that ends with `finish`, for who asks for one; else an answer.
  ScriptedServer first{GatewayProcess::model_server(), [this](Peer& peer) {
                         for (;;) {
                           const bool streams = peer.read_request().body.find("stream") != std::string::npos;
                           if (!streams) {
                             peer.send_answer(200, chat_answer);
                             continue;
                           }
                           peer.start_stream();
                           peer.send_event(chat_event("a"));
                           finish.wait();
                           peer.send(last_chunk);
                         }
                       }};
  ScriptedServer second{GatewayProcess::model_server(), answer_always(std::string(chat_answer))};
  GatewayProcess gateway{wish("before")};
};

void check_record(const Json& record, const ScriptedServer& server, const std::string& model, bool content_kept) {
  INFO(record.dump());
  CHECK(record["outcome"] == "none");
  CHECK(record["endpoint"] == Change::endpoint(server));
  CHECK(record["upstream_model"] == model);
  CHECK(record["content_kept"] == content_kept);
}

void check_keys(const ScriptedServer& server, std::size_t requests, const std::string& key) {
  REQUIRE(server.received().count() == requests);
  for (const Message& request : server.received().requests()) {
    CHECK(request.field("authorization") == "Bearer " + key);
  }
}

// Of the certificate that the gateway's listener shows.
std::string shown_certificate(const GatewayProcess& gateway) {
  ScriptedClient client(gateway.client());
  X509* shown = SSL_get1_peer_certificate(client.tls());
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(shown, EVP_sha256(), digest, &size);
  X509_free(shown);
  return {reinterpret_cast<const char*>(digest), size};
}

}  // namespace

TEST_CASE("a call keeps the upstream, API key and capture it began with, and the next call has the new ones",
          "[reload]") {
  Change test;
  ScriptedClient streaming(test.gateway.client()), sending(test.gateway.client());
  streaming.send(test.request(true));
  Message head = read_head(streaming);
  BodyReader stream(streaming, head, BodyReader::Of::answer);
  REQUIRE_FALSE(stream.next_event().empty());
  const std::string slowly = test.request(false);
  sending.send(slowly.substr(0, slowly.size() - 1));  // nothing of it has gone on yet
  REQUIRE(eventually([&] { return test.gateway.metric("sallyport_requests_in_flight") == 2; }));

  test.gateway.write_config(test.wish("after"));
  test.gateway.signal(SIGHUP);
  REQUIRE(eventually([&] { return test.gateway.errors().find("reloaded") != std::string::npos; }));
  ScriptedClient next(test.gateway.client());
  next.send(test.request(false));
  CHECK(next.read_answer().status() == 200);
  check_record(test.gateway.records().at(0), test.second, "changing-after", false);

  sending.send(slowly.substr(slowly.size() - 1));
  CHECK(sending.read_answer().status() == 200);
  check_record(test.gateway.records().at(1), test.first, "changing-before", true);
  test.finish.set();
  CHECK(stream.next_event().empty());
  CHECK(stream.finished());
  check_record(test.gateway.records().at(2), test.first, "changing-before", true);
  check_keys(test.first, 2, "key-before");
  check_keys(test.second, 1, "key-after");

  sending.send(test.request(false));  // on a connection from before
  CHECK(sending.read_answer().status() == 200);
  check_record(test.gateway.records().at(3), test.second, "changing-after", false);
  check_keys(test.second, 2, "key-after");
}

TEST_CASE("a reload with a bad certificate is refused whole, and the listener shows the one it had", "[reload]") {
  const TestPki& pki = GatewayProcess::pki();
  const TemporaryDirectory directory;
  const std::string bad = GENERATE("another's key", "cut", "expired");
  INFO(bad);
  Identity identity = pki.wrong_name;
  if (bad == "another's key") identity.key = pki.gateway.key;
  if (bad == "expired") identity = pki.expired;
  if (bad == "cut") {
    const std::string whole = read_file(identity.certificate);
    identity.certificate = directory / "cut.pem";
    write_file(identity.certificate, whole.substr(0, whole.size() / 2));
  }
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayWish wish{.upstreams = {{.endpoint = Change::endpoint(server)}}};
  GatewayProcess gateway(wish);
  const std::string before = shown_certificate(gateway);
  wish.models = "  - name: new-model\n    targets: [{ upstream: model-server }]\n";
  const std::string good = gateway.config_text(wish);
  std::string text = good;
  const auto replace = [&](const path& from, const path& to) {
    text.replace(text.find(from.string()), from.string().size(), to.string());
  };
  replace(pki.gateway.certificate, identity.certificate);
  replace(pki.gateway.key, identity.key);
  write_file(gateway.config_file(), text);
  gateway.signal(SIGHUP);
  REQUIRE(eventually([&] { return gateway.errors().find("reload_refused") != std::string::npos; }));
  CHECK(gateway.metric("sallyport_config_last_reload_successful") == 0);
  CHECK(shown_certificate(gateway) == before);
  const auto new_model = [&] {
    ScriptedClient client(gateway.client());
    client.send(request_text({.token = gateway.token(), .body = chat_body("new-model", "hello")}));
    return client.read_answer().status();
  };
  CHECK(new_model() == 404);

  write_file(gateway.config_file(), good);  // and what is good is taken afterwards
  gateway.signal(SIGHUP);
  CHECK(eventually([&] { return new_model() == 200; }));
}
