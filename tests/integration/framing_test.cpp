// Answers that end otherwise than by a length or a last chunk: HEAD, 204, 304, and the connection's end. What follows
// on the same connection shows that both sides agree where each one ended.
#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

const std::string files = "routes:\n  - { name: files, path: /v1/files/, upstream: model-server }\n";

std::string request(const GatewayProcess& gateway, const std::string& method, const std::string& target) {
  return request_text({.method = method, .target = target, .token = gateway.token()});
}

// Sends `head` to a request for /v1/files/odd, and the path to any other.
ScriptedServer::Script answers_odd_with(std::string head) {
  return [head = std::move(head)](Peer& peer) {
    for (;;) {
      const Message asked = peer.read_request();
      asked.target() == "/v1/files/odd" ? peer.send(head) : peer.send_answer(200, asked.target());
    }
  };
}

// An answer that goes on until its connection ends.
constexpr std::string_view until_close = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\":1}";

}  // namespace

TEST_CASE("HEAD of the models tells their size and sends none, and the next request is answered in step", "[framing]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(request(gateway, "HEAD", "/v1/models") + request(gateway, "GET", "/v1/models"));
  const Message head = client.read_answer(patience, true), got = client.read_answer();
  CHECK(head.status() == 200);
  CHECK(got.start_line == "HTTP/1.1 200 OK");  // with nothing before it
  CHECK(Json::parse(got.body)["object"] == "list");
  CHECK(head.field("content-length") == std::to_string(got.body.size()));

  client.send(request(gateway, "HEAD", "/v1/models/nobody") + request(gateway, "GET", "/v1/models/llama"));
  CHECK(client.read_answer(patience, true).status() == 404);
  const Message known = client.read_answer();
  CHECK(known.start_line == "HTTP/1.1 200 OK");
  CHECK(Json::parse(known.body)["id"] == "llama");
}

TEST_CASE("an answer to HEAD ends with its head, whatever that says of a body", "[framing]") {
  const std::string framing =
      GENERATE(as<std::string>{}, "Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n", "");
  INFO(framing);
  ScriptedServer server(GatewayProcess::model_server(), answers_odd_with("HTTP/1.1 200 OK\r\n" + framing + "\r\n"));
  const GatewayProcess gateway(server, {.more = files, .workers = 1});
  ScriptedClient client(gateway.client());
  client.send(request(gateway, "HEAD", "/v1/files/odd"));
  const Message head = client.read_answer(patience, true);
  CHECK(head.status() == 200);
  if (framing.starts_with("Content-Length")) CHECK(head.field("content-length") == "1000");
  client.send(request(gateway, "GET", "/v1/files/next"));
  CHECK(client.read_answer().body == "/v1/files/next");
  CHECK(server.received().requests().at(0).method() == "HEAD");
}

TEST_CASE("204 and 304 have no body, whatever their head says of one", "[framing]") {
  const std::string head = GENERATE(as<std::string>{}, "HTTP/1.1 204 No Content\r\n", "HTTP/1.1 304 Not Modified\r\n",
                                    "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 1000\r\n");
  INFO(head);
  ScriptedServer server(GatewayProcess::model_server(), answers_odd_with(head + "\r\n"));
  const GatewayProcess gateway(server, {.more = files, .workers = 1});
  ScriptedClient client(gateway.client());
  client.send(request(gateway, "GET", "/v1/files/odd"));
  const Message answer = client.read_answer();
  CHECK(head.starts_with(answer.start_line));
  CHECK(answer.count("transfer-encoding") == 0);
  if (answer.status() == 204) CHECK(answer.count("content-length") == 0);
  client.send(request(gateway, "GET", "/v1/files/next"));
  CHECK(client.read_answer().body == "/v1/files/next");
  CHECK(server.connections() == 1);
}

TEST_CASE("an answer that ends with its connection is whole for clients of HTTP/1.0 and 1.1", "[framing]") {
  ScriptedServer server(GatewayProcess::model_server(), [](Peer& peer) {
    peer.read_request();
    peer.send(until_close);
  });
  const GatewayProcess gateway(server, {.workers = 1});
  const std::string version = GENERATE("HTTP/1.0", "HTTP/1.1");
  INFO(version);
  ScriptedClient client(gateway.client());
  std::string asked = gateway.chat("hello");
  client.send(asked.replace(asked.find("HTTP/1.1"), 8, version));
  const Message answer = client.read_answer();
  CHECK(answer.whole);
  CHECK(answer.body == R"({"a":1})");
  CHECK(gateway.records().at(0)["outcome"] == "none");
  if (version == "HTTP/1.0") {
    CHECK(answer.count("transfer-encoding") == 0);
    CHECK(client.wait_for_end() == Ending::clean);
    return;
  }
  CHECK(answer.field("transfer-encoding") == "chunked");
  client.send(gateway.chat("and another"));
  CHECK(client.read_answer().body == R"({"a":1})");
  CHECK(server.connections() == 2);
}

TEST_CASE("an answer that would end with its connection does not look whole when that is cut off", "[framing]") {
  ScriptedServer server(GatewayProcess::model_server(), [](Peer& peer) {
    peer.read_request();
    peer.send(until_close);
    peer.cut();  // no close_notify: anybody on the way could have done it
  });
  const GatewayProcess gateway(server);
  const std::string version = GENERATE("HTTP/1.0", "HTTP/1.1");
  INFO(version);
  ScriptedClient client(gateway.client());
  std::string asked = gateway.chat("hello");
  client.send(asked.replace(asked.find("HTTP/1.1"), 8, version));
  std::string came;
  for (std::string some = client.read_some(); !some.empty(); some = client.read_some()) came += some;
  CHECK(client.ending() == Ending::cut);
  CHECK(came.find(last_chunk) == std::string::npos);
  CHECK(gateway.wait_for_records(1).at(0)["outcome"] == "upstream_truncated");
}
