// A slow side must slow the other side down, not fill the gateway's memory.
#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

constexpr std::size_t much = 64 << 20;
// Buffers of one connection, and what the allocator keeps. A sanitizer keeps freed memory back, and its own notes.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long growth_allowed_kib = 16 * 1024;
#else
constexpr long growth_allowed_kib = 4 * 1024;
#endif

// Warm: what the first exchange allocates for good is not growth.
void warm_up(const GatewayProcess& gateway) {
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("warm up"));
  REQUIRE(client.read_answer().status() == 200);
}

}  // namespace

TEST_CASE("a client that stops reading pauses the model server, and the gateway does not grow", "[backpressure]") {
  Signal stalled;
  std::atomic<std::size_t> sent = 0;
  const std::string body(much, 'x');
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    for (;;) {
      const Message request = peer.read_request();
      if (request.body.find("warm up") != std::string::npos) {
        peer.send_answer(200, chat_answer);
        continue;
      }
      peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(much) + "\r\n\r\n");
      sent = peer.send_until_stalled(body, 500ms);
      stalled.set();
      peer.send(std::string_view(body).substr(sent), 30s);
    }
  });
  const std::string capture = GENERATE("capture: metadata", "capture: full");
  INFO(capture);
  // With the content kept, what the log's writer has not written yet comes on top.
  const long allowed_kib = growth_allowed_kib + (capture == "capture: full" ? 12 * 1024 : 0);
  GatewayProcess gateway(server, {.log = capture});
  warm_up(gateway);
  const long before = gateway.process().resident_kib();

  ClientWish wish = gateway.client();
  wish.receive_buffer = 16 * 1024;
  ScriptedClient client(wish);
  client.send(gateway.chat("much"));
  stalled.wait(30s);
  INFO("the model server was stopped after " << sent << " bytes");
  CHECK(sent < much / 2);
  CHECK(gateway.process().resident_kib() - before < allowed_kib);
  const Message answer = client.read_answer(30s);
  CHECK(answer.whole);
  CHECK(answer.body == body);
  CHECK(gateway.process().resident_kib() - before < allowed_kib);
}

TEST_CASE("a model server that does not read pauses the client, within the body's limit", "[backpressure]") {
  Signal arrived, go;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    for (;;) {
      Message request = read_head(peer);
      if (std::stoul(request.field("content-length")) > much / 4) {
        arrived.set();
        go.wait(60s);
      }
      std::size_t size = 0;
      BodyReader body(peer, request, BodyReader::Of::request);
      for (std::string some = body.next(); !some.empty(); some = body.next()) size += some.size();
      peer.send_answer(200, std::to_string(size));
    }
  });
  GatewayProcess gateway(server, {.log = "capture: metadata"});
  warm_up(gateway);
  const long before = gateway.process().resident_kib();

  constexpr std::size_t prompt = 32 << 20;
  ScriptedClient client(gateway.client());
  client.send(gateway.chat(std::string(prompt, 'x')), 30s);
  arrived.wait(30s);
  // Spooled to a file past the first MiB, so memory does not follow the body's size.
  CHECK(gateway.process().resident_kib() - before < growth_allowed_kib + 2 * 1024);
  go.set();
  const Message answer = client.read_answer(30s);
  CHECK(answer.status() == 200);
  CHECK(std::stoul(answer.body) > prompt);
}
