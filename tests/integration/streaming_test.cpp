// What a stream is for: each piece is at the client before the next exists; and what was cut short looks cut short.
#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

const std::string done = "data: [DONE]\n\n";
std::string whole_event(std::string_view word) { return "data: " + chat_event(word) + "\n\n"; }

constexpr std::string_view usage_event =
    R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],)"
    R"("usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}})";

// Everything of an answer to one streamed chat.
Message stream_answer(const GatewayProcess& gateway, const std::string& request) {
  ScriptedClient client(gateway.client());
  client.send(request);
  return client.read_answer();
}

}  // namespace

TEST_CASE("an event is at the client before the model server sends the next", "[streaming]") {
  Signal turns[3];
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.start_stream();
    for (const Signal& turn : turns) {
      peer.send_event(chat_event("word"));
      turn.wait();
    }
    peer.send(chunk(done));
    peer.send(last_chunk);
    peer.wait_for_end();
  });
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello", true));
  Message head = read_head(client);
  CHECK(head.status() == 200);
  CHECK(head.field("content-type") == "text/event-stream");
  CHECK(head.field("cache-control") == "no-cache");
  CHECK(head.field("x-accel-buffering") == "no");
  BodyReader body(client, head, BodyReader::Of::answer);
  for (Signal& turn : turns) {
    CHECK(body.next_event() == whole_event("word"));
    turn.set();
  }
  CHECK(body.next_event() == done);
  CHECK(body.next_event().empty());
  CHECK(body.finished());
  CHECK(server.failures().empty());
}

TEST_CASE("the head of a stream does not wait for the first event", "[streaming]") {
  Signal go;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.start_stream();
    go.wait();
    peer.send(chunk(done));
    peer.send(last_chunk);
    peer.wait_for_end();
  });
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello", true));
  CHECK(read_head(client).status() == 200);
  go.set();
}

TEST_CASE("an event stream cut into single bytes arrives as the same bytes", "[streaming]") {
  const std::string line_end = GENERATE("\n", "\r\n", "\r");
  const std::string events = ": ping" + line_end + line_end + "data: " + chat_event("a") + line_end + line_end +
                             "event: other" + line_end + "data: {}" + line_end + line_end + "data: [DONE]" + line_end +
                             line_end;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.start_stream();
    for (const char byte : events) peer.send(chunk({&byte, 1}));
    peer.send(last_chunk);
    peer.wait_for_end();
  });
  const GatewayProcess gateway(server);
  const Message answer = stream_answer(gateway, gateway.chat("hello", true));
  CHECK(answer.body == events);
  CHECK(answer.whole);
}

TEST_CASE("usage is asked for and kept out of sight when the client did not ask", "[streaming]") {
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    for (;;) {
      peer.read_request();
      peer.start_stream();
      peer.send_event(chat_event("a"));
      peer.send_event(usage_event);
      peer.send(chunk(done));
      peer.send(last_chunk);
    }
  });
  const GatewayProcess gateway(server);

  const Message unasked = stream_answer(gateway, gateway.chat("hello", true));
  CHECK(unasked.body == whole_event("a") + done);
  const std::string asking = R"({"model":"llama","stream":true,"stream_options":{"include_usage":true},"messages":[]})";
  const Message asked = stream_answer(gateway, request_text({.token = gateway.token(), .body = asking}));
  CHECK(asked.body == whole_event("a") + "data: " + std::string(usage_event) + "\n\n" + done);

  const auto requests = server.received().requests();
  REQUIRE(requests.size() == 2);
  CHECK(Json::parse(requests[0].body)["stream_options"]["include_usage"] == true);
  CHECK(requests[1].body ==
        R"({"model":"llama-3.1-8b-instruct","stream":true,"stream_options":{"include_usage":true},"messages":[]})");
  for (Json record : gateway.wait_for_records(2)) {
    CHECK(record["prompt_tokens"] == 7);
    CHECK(record["completion_tokens"] == 3);
    CHECK(record["total_tokens"] == 10);
    CHECK(record["streamed"] == true);
    CHECK(record["outcome"] == "none");
  }
}

TEST_CASE("a model server that dies in mid-stream gives an error event and a cut connection", "[streaming]") {
  const bool reset = GENERATE(true, false);
  struct Family {
    std::string path, start;
  };
  const auto family = GENERATE(values<Family>({
      {"/v1/chat/completions", "data: {\"error\":{"},
      {"/v1/messages", "event: error\ndata: {\"type\":\"error\",\"error\":{"},
      {"/v1/responses", "event: response.failed\ndata: {"},
  }));
  INFO(family.path << ", reset: " << reset);
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.start_stream();
    peer.send_event(chat_event("a"));
    reset ? peer.reset() : peer.close();
  });
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(request_text({.target = family.path, .token = gateway.token(), .body = chat_body("llama", "hi", true)}));
  Message answer = read_head(client);
  BodyReader body(client, answer, BodyReader::Of::answer);
  CHECK(body.next_event() == whole_event("a"));
  const std::string last = body.next_event();
  INFO(last);
  CHECK(last.starts_with(family.start));
  CHECK(body.next_event().empty());
  CHECK_FALSE(body.finished());
  CHECK(client.wait_for_end() == Ending::cut);
  Records records = gateway.wait_for_records(1);
  REQUIRE(records.size() == 1);
  CHECK(records[0]["outcome"] == "upstream_truncated");
  CHECK(records[0]["status"] == 200);
}

TEST_CASE("an error event does not run into half an event before it", "[streaming]") {
  const std::string asks_usage = GENERATE(as<std::string>{}, "true", "false");
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.start_stream();
    peer.send(chunk("data: {\"half\":"));
    peer.reset();
  });
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(request_text({.token = gateway.token(),
                            .body = R"({"model":"llama","stream":true,"stream_options":{"include_usage":)" +
                                    asks_usage + R"(},"messages":[]})"}));
  Message answer = client.read_answer();
  INFO(answer.body);
  const std::size_t error = answer.body.find("data: {\"error\":{");
  REQUIRE(error != std::string::npos);
  CHECK((error == 0 || answer.body.compare(error - 2, 2, "\n\n") == 0));
  CHECK_FALSE(answer.whole);
}

TEST_CASE("a plain answer that ends early is cut short at the client too", "[streaming]") {
  const std::string head = GENERATE("Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n");
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + head + "\r\n");
    peer.send(head.starts_with("Transfer") ? chunk("{\"half\":") : "{\"half\":");
  });
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello"));
  Message answer = client.read_answer();
  CHECK_FALSE(answer.whole);
  CHECK(client.wait_for_end() == Ending::cut);
  CHECK(gateway.wait_for_records(1).at(0)["outcome"] == "upstream_truncated");
}

TEST_CASE("a model server that says nothing, or too little, is a 504 or 502 of the family", "[streaming]") {
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    const Message request = peer.read_request();
    if (request.body.find("silent") != std::string::npos) peer.wait_for_end(60s);
    if (request.body.find("gone") != std::string::npos) peer.close();
    if (request.body.find("nonsense") != std::string::npos) peer.send("nonsense\r\n\r\n");
  });
  const GatewayProcess gateway({.upstreams = {{.endpoint = "https://127.0.0.1:" + std::to_string(server.port()),
                                               .more = "    timeouts: { first_byte: 300ms }\n"}}});
  struct Case {
    std::string prompt;
    unsigned status;
    std::string code, outcome;
  };
  const std::vector<Case> cases = {
      {"silent", 504, "upstream_timeout", "upstream_first_byte_timeout"},
      {"gone", 502, "upstream_error", "upstream_closed"},
      {"nonsense", 502, "upstream_error", "upstream_malformed"},
  };
  std::size_t records = 0;
  for (const Case& one : cases) {
    INFO(one.prompt);
    const Message answer = stream_answer(gateway, gateway.chat(one.prompt));
    CHECK(answer.status() == one.status);
    CHECK(Json::parse(answer.body)["error"]["code"] == one.code);
    CHECK(gateway.wait_for_records(++records).back()["outcome"] == one.outcome);
  }
}
