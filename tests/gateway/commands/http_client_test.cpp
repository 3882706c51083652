#include "gateway/commands/http_client.hpp"

#include "tests/gateway/commands/vault_server.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::tests;
using core::Error;
using core::Reason;
using core::Secret;
using envelope::HttpRequest;
using envelope::HttpResponse;
using gateway::HttpClient;

namespace {

struct Site {
  TemporaryDirectory directory;
  TestPki pki{directory.where()};

  ServerWish server(const Identity& identity) const { return {TlsWish{identity}}; }
  tls::ClientSettings trust{pki.ours.certificate(), {}, {}, {}};
};

const Site& site() {
  static const Site one;
  return one;
}

core::Result<HttpResponse> get(const ScriptedServer& server, std::chrono::milliseconds deadline = 10s) {
  HttpClient client("localhost", server.port(), &site().trust, deadline);
  return client.fetch({"GET", "/v1/x", {}, {}});
}

// What the client makes of exactly these bytes, after which the server says goodbye.
core::Result<HttpResponse> reading(const std::string& answer) {
  ScriptedServer server(site().server(site().pki.model_server), [&](Peer& peer) {
    peer.read_request();
    peer.send(answer);
  });
  return get(server);
}

}  // namespace

TEST_CASE("a request goes out with its fields and body, and the answer comes back") {
  ScriptedServer server(site().server(site().pki.model_server), [](Peer& peer) {
    peer.read_request();
    peer.send_answer(404, R"({"errors":[]})", "X-Other: y\r\n");
  });
  HttpClient client("localhost", server.port(), &site().trust);
  for (int i = 0; i < 2; ++i) {
    HttpRequest request{"POST", "/v1/transit/decrypt/k", {}, Secret(std::string_view(R"({"a":"b"})"))};
    request.fields.emplace_back("X-Vault-Token", Secret(std::string_view("hvs.x")));
    const auto answer = client.fetch(request);
    REQUIRE(answer.has_value());
    CHECK(answer->status == 404);
    CHECK(answer->body.reveal_text() == R"({"errors":[]})");
  }
  REQUIRE(server.received().count() == 2);
  const Message seen = server.received().requests()[0];
  CHECK(seen.start_line == "POST /v1/transit/decrypt/k HTTP/1.1");
  CHECK(seen.field("Host") == "localhost:" + std::to_string(server.port()));
  CHECK(seen.field("X-Vault-Token") == "hvs.x");
  CHECK(seen.field("Content-Type") == "application/json");
  CHECK(seen.field("Content-Length") == "9");
  CHECK(seen.body == R"({"a":"b"})");
}

TEST_CASE("an answer may be sized, chunked or end with the connection, and come after interim ones") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const std::string& answer :
       {ok + "Content-Length: 5\r\n\r\nhello",
        ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", ok + "\r\nhello",
        "HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 5\r\n\r\nhello"}) {
    INFO(answer);
    const auto read = reading(answer);
    REQUIRE(read.has_value());
    CHECK(read->status == 200);
    CHECK(read->body.reveal_text() == "hello");
  }
  CHECK(reading("HTTP/1.1 204 No Content\r\n\r\n")->body.empty());
}

TEST_CASE("an answer that is cut, malformed or too long is none") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  CHECK(reading("").error() == Error{Reason::upstream_truncated});
  CHECK(reading("HTTP/1.1 200").error() == Error{Reason::upstream_truncated});
  CHECK(reading(ok + "Content-Length: 6\r\n\r\nhello").error() == Error{Reason::upstream_truncated});
  CHECK(reading(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").error() == Error{Reason::upstream_truncated});
  CHECK(reading(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n").error() == Error{Reason::upstream_malformed});
  CHECK(reading("SSH-2.0-x\r\n\r\n").error() == Error{Reason::upstream_malformed});
  const std::string head = ok + "Content-Length: ";
  const std::size_t most = HttpClient::usual_answer_limit - head.size() - 11;  // seven digits and two line ends
  CHECK(reading(head + std::to_string(most) + "\r\n\r\n" + std::string(most, 'x'))->body.size() == most);
  CHECK(reading(head + std::to_string(most + 1) + "\r\n\r\n" + std::string(most + 1, 'x')).error() ==
        Error{Reason::body_too_large});
}

TEST_CASE("a server may be asked in the clear, and be allowed a longer answer") {
  const std::string body(3 * HttpClient::usual_answer_limit, 'x');
  ScriptedServer server({}, answer_always(body));
  const auto asked = [&](std::size_t limit) {
    HttpClient client("127.0.0.1", server.port(), nullptr, 10s, limit);
    return client.fetch({"GET", "/v1/x", {}, {}});
  };
  CHECK(asked(HttpClient::usual_answer_limit).error() == Error{Reason::body_too_large});
  const auto answer = asked(4 * HttpClient::usual_answer_limit);
  REQUIRE(answer.has_value());
  CHECK(answer->body.reveal_text() == body);
}

TEST_CASE("only the server that the authority vouches for is told anything") {
  const TestPki& pki = site().pki;
  const std::pair<const Identity*, Reason> cases[] = {{&pki.foreign, Reason::upstream_certificate_untrusted},
                                                      {&pki.expired, Reason::upstream_certificate_expired},
                                                      {&pki.wrong_name, Reason::upstream_certificate_name}};
  for (const auto& [identity, reason] : cases) {
    ScriptedServer server(site().server(*identity), answer_always("{}"));
    CHECK(get(server).error() == Error{reason});
    CHECK(server.received().count() == 0);
  }
}

TEST_CASE("a server whose name cannot be asked for is not trusted by its authority alone") {
  ScriptedServer server(site().server(site().pki.wrong_name), [](Peer& peer) {
    peer.read_request();
    peer.send_answer(200, "{}");
  });
  for (const char* name : {"::1%lo", "::1%1"}) {
    tls::ClientSettings trust = site().trust;
    trust.server_name = name;
    HttpClient client("localhost", server.port(), &trust);
    const auto answer = client.fetch({"GET", "/v1/x", {}, {}});
    REQUIRE(answer.has_error());
    CHECK(answer.error() == Error(Reason::upstream_certificate_name));
  }
}

TEST_CASE("a server that is silent, slow or not there is given up at the deadline") {
  ScriptedServer silent(site().server(site().pki.model_server), [](Peer& peer) {
    peer.read_request();
    peer.read_request(30s);  // which does not come; the client leaves
  });
  const auto started = std::chrono::steady_clock::now();
  CHECK(get(silent, 300ms).error() == Error{Reason::timeout});
  CHECK(std::chrono::steady_clock::now() - started < 10s);
  const ReservedPort nobody;
  HttpClient client("localhost", nobody.number(), &site().trust);
  CHECK(client.fetch({"GET", "/", {}, {}}).error().reason == Reason::upstream_unreachable);
}

TEST_CASE("a Vault stand-in behind real TLS opens what was wrapped offline") {
  VaultStandIn vault;
  vault.versions = {core::crypto::PrivateKey::generate_rsa(2048)};
  ScriptedServer server(site().server(site().pki.model_server), script_of(vault));
  HttpClient client("localhost", server.port(), &site().trust);
  auto holder = std::make_unique<envelope::VaultHolder>(
      "localhost", envelope::VaultKey{"transit", "log-key", ""},
      envelope::VaultCredentials{{}, "role", Secret(std::string_view("secret")), "approle"},
      [&](const HttpRequest& request) { return client.fetch(request); });
  const envelope::Recipient recipient = holder->recipients().at(0);
  const auto data_key = core::bytes_of("0123456789abcdef0123456789abcdef");
  const envelope::Stanza stanza{recipient.suite(), recipient.id(), recipient.wrap(data_key, {}).value()};
  CHECK(holder->unwrap(stanza, {})->equals(data_key));
  CHECK(vault.requests.size() == 3);
  holder.reset();
  CHECK(vault.revoked == std::vector<std::string>{vault.token});
}
