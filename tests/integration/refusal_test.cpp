// What a caller is told who is refused for what it may, or for what there is no room for: status, code, what to do
// next; and the record of it.
#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

Message ask(const GatewayProcess& gateway, const std::string& request) {
  ScriptedClient client(gateway.client());
  client.send(request);
  return client.read_answer();
}

void check_refusal(const Message& answer, unsigned status, std::string_view type, std::string_view code) {
  INFO(answer.start_line << answer.body);
  CHECK(answer.status() == status);
  Json body = Json::parse(answer.body, nullptr, false);
  REQUIRE(body.is_object());
  CHECK(body["error"]["type"] == type);
  CHECK(body["error"]["code"] == code);
}

// The one record with that outcome: it was sealed before the refusal went out.
Json record_of(const GatewayProcess& gateway, std::string_view outcome) {
  Records found = gateway.records();
  std::erase_if(found, [&](const Json& record) { return record.value("outcome", "") != outcome; });
  INFO(outcome);
  REQUIRE(found.size() == 1);
  return found[0];
}

// A stream that does not end, for who asks for a stream; else an answer.
void stream_or_answer(Peer& peer) {
  for (;;) {
    if (peer.read_request().body.find("\"stream\":true") == std::string::npos) {
      peer.send_answer(200, chat_answer);
      continue;
    }
    peer.start_stream();
    peer.send_event(chat_event("a"));
    peer.wait_for_end(60s);
    return;
  }
}

void begin(ScriptedClient& client, const std::string& streamed_request) {
  client.send(streamed_request);
  REQUIRE(read_head(client).status() == 200);
  client.read_until("\n\n\r\n");
}

}  // namespace

TEST_CASE("a caller with as many calls open as it may have is refused one more, until the client of one has left",
          "[refusal]") {
  ScriptedServer server(GatewayProcess::model_server(), stream_or_answer);
  const GatewayProcess gateway(server, {.tokens = {{"one-at-a-time", {"--models", "*", "--concurrent", "1"}}}});
  const auto request = [&](bool stream) {
    return request_text({.token = gateway.token_of("one-at-a-time"), .body = chat_body("llama", "hello", stream)});
  };
  ScriptedClient open(gateway.client());
  begin(open, request(true));
  const Message refused = ask(gateway, request(false));
  check_refusal(refused, 429, "rate_limit_error", "concurrency_limit_exceeded");
  CHECK(refused.field("retry-after") == "1");
  const Json record = record_of(gateway, "concurrency_limited");
  CHECK(record["status"] == 429);
  CHECK(record["principal"] == "one-at-a-time");
  CHECK(ask(gateway, gateway.chat("of another caller")).status() == 200);
  CHECK(server.received().count() == 2);
  open.reset();
  CHECK(eventually([&] { return ask(gateway, request(false)).status() == 200; }));
}

TEST_CASE("a caller whose tokens do not suffice is told how many are left, and when to come again", "[refusal]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always("{}"));
  const GatewayProcess gateway(server, {.tokens = {{"thrifty", {"--models", "*", "--tokens-per-minute", "1000"}}}});
  const std::string body = R"({"model":"llama","max_tokens":592})";  // 8 of prompt, so 600 in all
  REQUIRE(body.size() / 4 == 8);
  const std::string request = request_text({.token = gateway.token_of("thrifty"), .body = body});
  const Message served = ask(gateway, request);
  CHECK(served.status() == 200);
  CHECK(served.field("x-ratelimit-limit-tokens") == "1000");
  CHECK(served.field("x-ratelimit-remaining-tokens") == "400");
  CHECK(served.field("x-ratelimit-reset-tokens") == "36s");
  CHECK(served.count("retry-after") == 0);

  const Message refused = ask(gateway, request);
  check_refusal(refused, 429, "rate_limit_error", "rate_limit_exceeded");
  CHECK(refused.body.find("tokens per minute") != std::string::npos);
  CHECK(refused.field("x-ratelimit-limit-tokens") == "1000");
  // 200 are missing: 12 s, less what has passed since.
  const int remaining = std::stoi(refused.field("x-ratelimit-remaining-tokens"));
  CHECK((remaining >= 400 && remaining < 600));
  const int wait = std::stoi(refused.field("retry-after"));
  CHECK((wait >= 1 && wait <= 12));
  CHECK(refused.count("x-ratelimit-limit-requests") == 0);
  const Json record = record_of(gateway, "tokens_limited");
  CHECK(record["status"] == 429);
  CHECK(record["principal"] == "thrifty");
  CHECK(server.received().count() == 1);
}

TEST_CASE("calls that state no length, or n answers, cannot spend more than their allowance together", "[refusal]") {
  struct Kind {
    std::string more;
    std::size_t admitted;  // of an allowance of 3100
  };
  const Kind kind = GENERATE(as<Kind>{}, Kind{"", 3}, Kind{R"(,"n":3)", 1}, Kind{R"(,"max_tokens":500,"n":2)", 3});
  INFO(kind.more);
  Signal all_asked;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    all_asked.wait();
    peer.send_answer(200, chat_answer);
  });
  const GatewayProcess gateway(server, {.tokens = {{"thrifty", {"--models", "*", "--tokens-per-minute", "3100"}}}});
  const std::string request = request_text(
      {.token = gateway.token_of("thrifty"), .body = R"({"model":"llama","messages":[])" + kind.more + "}"});
  constexpr std::size_t calls = 12;
  std::vector<std::unique_ptr<ScriptedClient>> callers;
  for (std::size_t i = 0; i < calls; ++i) {
    callers.push_back(std::make_unique<ScriptedClient>(gateway.client()));
    callers.back()->send(request);
  }
  const auto refused = [&] { return gateway.metric(R"(sallyport_request_outcomes_total{outcome="tokens_limited"})"); };
  CHECK(eventually([&] { return refused() == static_cast<double>(calls - kind.admitted); }));
  CHECK(eventually([&] { return server.received().count() == kind.admitted; }));
  all_asked.set();
  std::size_t answered = 0;
  for (const auto& caller : callers) answered += caller->read_answer().status() == 200;
  CHECK(answered == kind.admitted);
  CHECK(ask(gateway, request).status() == 200);  // what was not used is there again
}

TEST_CASE("a call for which its upstream has no connection left is refused, until one is free", "[refusal]") {
  ScriptedServer server(GatewayProcess::model_server(), stream_or_answer);
  const GatewayProcess gateway({.upstreams = {{.endpoint = "https://127.0.0.1:" + std::to_string(server.port()),
                                               .more = "    pool: { connections: 1 }\n"}},
                                .workers = 1});
  ScriptedClient open(gateway.client());
  begin(open, gateway.chat("hello", true));
  const Message refused = ask(gateway, gateway.chat("hello"));
  check_refusal(refused, 503, "server_error", "overloaded");
  CHECK(refused.field("retry-after") == "1");
  const Json record = record_of(gateway, "upstream_busy");
  CHECK(record["status"] == 503);
  CHECK(record["upstream"] == "model-server");
  CHECK(server.connections() == 1);
  open.reset();
  CHECK(eventually([&] { return ask(gateway, gateway.chat("hello")).status() == 200; }));
}

TEST_CASE("a path that the caller may not use is refused by name, and reaches no model server", "[refusal]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server,
                               {.more = "routes:\n  - { name: files, path: /v1/files/, upstream: model-server }\n",
                                .tokens = {{"no-files", {"--models", "*", "--routes", "audio*"}}}});
  const auto request = [](const std::string& token) {
    return request_text({.method = "GET", .target = "/v1/files/a", .token = token});
  };
  check_refusal(ask(gateway, request(gateway.token_of("no-files"))), 403, "permission_error", "route_forbidden");
  const Json record = record_of(gateway, "route_forbidden");
  CHECK(record["status"] == 403);
  CHECK(record["principal"] == "no-files");
  CHECK(record["path"] == "/v1/files/a");
  CHECK(server.connections() == 0);
  CHECK(ask(gateway, request(gateway.token())).status() == 200);
}

TEST_CASE("a model that the caller may not use looks like one that does not exist, but for whoever runs the gateway",
          "[refusal]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.tokens = {{"embeds", {"--models", "embed"}}}});
  const auto answer = [&](std::string_view model, const std::string& path) {
    const std::string body = chat_body(model, "hello");
    Message told = ask(gateway, request_text({.target = path, .token = gateway.token_of("embeds"), .body = body}));
    CHECK(told.status() == 404);
    CHECK(told.field("x-ratelimit-limit-tokens").empty());
    return told.body;
  };
  const std::string path = GENERATE("/v1/chat/completions", "/v1/messages", "/v1/embeddings");
  INFO(path);
  CHECK(answer("gpt-4o", path) == answer("nobody", path));
  CHECK(record_of(gateway, "model_forbidden")["principal"] == "embeds");
  CHECK(record_of(gateway, "model_unknown")["principal"] == "embeds");
  CHECK(gateway.metric(R"(sallyport_request_outcomes_total{outcome="model_forbidden"})") == 1);
  CHECK(gateway.metric(R"(sallyport_request_outcomes_total{outcome="model_unknown"})") == 1);
  CHECK(server.connections() == 0);
}

TEST_CASE("an expired token is refused like one that never was, and its record knows better", "[refusal]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.tokens = {{"late", {"--models", "*", "--expires", "2099-01-01"}}}});
  const auto answer_to = [&](const std::string& token) {
    return ask(gateway, request_text({.token = token, .body = chat_body("llama", "hello")}));
  };
  CHECK(answer_to(gateway.token_of("late")).status() == 200);
  const path tokens = gateway.directory() / "tokens";
  std::string text = read_file(tokens);
  REQUIRE(text.find("2099-") != std::string::npos);
  write_file(tokens, text.replace(text.find("2099-"), 5, "2020-"));
  Message refused;
  REQUIRE(eventually([&] { return (refused = answer_to(gateway.token_of("late"))).status() != 200; }));
  check_refusal(refused, 401, "authentication_error", "invalid_api_key");
  CHECK(refused.field("www-authenticate") == "Bearer");
  CHECK(record_of(gateway, "credential_expired")["status"] == 401);
  CHECK(server.received().count() == gateway.records().size() - 1);
  CHECK(answer_to("sp-" + std::string(49, 'A')).body == refused.body);
}
