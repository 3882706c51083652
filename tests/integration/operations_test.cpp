// Running it: reload, drain, health and metrics.
#include <signal.h>

#include <algorithm>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

unsigned chat_status(const GatewayProcess& gateway, std::string_view model = "llama") {
  ScriptedClient client(gateway.client());
  client.send(request_text({.token = gateway.token(), .body = chat_body(model, "hello")}));
  return client.read_answer().status();
}

GatewayWish to(const ScriptedServer& server) {
  return {.upstreams = {{.endpoint = "https://127.0.0.1:" + std::to_string(server.port())}}};
}

// A stream of one event, whose end comes with `finish`.
auto stream_until(Signal& finish) {
  return [&finish](Peer& peer) {
    peer.read_request();
    peer.start_stream();
    peer.send_event(chat_event("a"));
    finish.wait();
    peer.send(chunk("data: [DONE]\n\n"));
    peer.send(last_chunk);
    peer.wait_for_end();
  };
}

}  // namespace

TEST_CASE("SIGHUP takes a good configuration whole and a bad one not at all", "[operations]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayWish wish = to(server);
  GatewayProcess gateway(wish);
  CHECK(chat_status(gateway, "new-model") == 404);

  wish.models = "  - name: new-model\n    targets: [{ upstream: model-server }]\n";
  gateway.write_config(wish);
  gateway.signal(SIGHUP);
  CHECK(eventually([&] { return chat_status(gateway, "new-model") == 200; }));

  // Bad in a way that would matter: the good half of it must not be taken either.
  const std::string errors_before = gateway.errors();
  const std::string bad = GENERATE(as<std::string>{}, "unknown_key: 1\n", "certificates: [{ name: x }]\n",
                                   "operator_log: { level: loud }\n", "limits: [\n");
  INFO(bad);
  wish.models += "  - name: newer-model\n    targets: [{ upstream: model-server }]\n";
  wish.more = bad;
  gateway.write_config(wish);
  gateway.signal(SIGHUP);
  CHECK(eventually([&] { return gateway.errors().size() > errors_before.size(); }));
  CHECK(chat_status(gateway, "new-model") == 200);
  CHECK(chat_status(gateway, "newer-model") == 404);
  CHECK(eventually([&] { return gateway.metric("sallyport_config_last_reload_successful") == 0; }));
  gateway.signal(SIGTERM);
  CHECK(gateway.wait_for_exit() == 0);
}

TEST_CASE("a reload that asks for what needs a restart is refused whole, and says so", "[operations]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayWish wish = to(server);
  GatewayProcess gateway(wish);
  wish.workers += 1;
  wish.models = "  - name: new-model\n    targets: [{ upstream: model-server }]\n";
  gateway.write_config(wish);
  gateway.signal(SIGHUP);
  CHECK(eventually([&] { return gateway.errors().find("section=workers") != std::string::npos; }));
  CHECK(chat_status(gateway, "new-model") == 404);
  CHECK(chat_status(gateway) == 200);
  wish.log = "durability: synced";
  gateway.write_config(wish);
  gateway.signal(SIGHUP);
  CHECK(eventually([&] { return gateway.errors().find("section=\"workers, log\"") != std::string::npos; }));
}

TEST_CASE("a file that cannot even be looked at refuses the reload, and no more", "[operations]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(to(server));
  const path tokens = gateway.directory() / "tokens";
  std::filesystem::remove(tokens);
  std::filesystem::create_symlink(tokens, tokens);  // for ever round, also for who may read everything
  gateway.signal(SIGHUP);
  CHECK(eventually([&] { return gateway.errors().find("reload_refused") != std::string::npos; }));
  CHECK(chat_status(gateway) == 200);
  gateway.signal(SIGTERM);
  CHECK(gateway.wait_for_exit() == 0);
}

TEST_CASE("a changed file is taken without a signal", "[operations]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayWish wish = to(server);
  const GatewayProcess gateway(wish);
  wish.models = "  - name: new-model\n    targets: [{ upstream: model-server }]\n";
  gateway.write_config(wish);
  CHECK(eventually([&] { return chat_status(gateway, "new-model") == 200; }));
}

TEST_CASE("a revoked token stops working without a restart, and looks like an unknown one", "[operations]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  const std::string token = gateway.create_token("team-b", {"--models", "llama"});
  const auto answer = [&](const std::string& shown) {
    ScriptedClient client(gateway.client());
    client.send(request_text({.token = shown, .body = chat_body("llama", "hello")}));
    return client.read_answer();
  };
  REQUIRE(eventually([&] { return answer(token).status() == 200; }));
  const Finished listed = gateway.command({"token", "list", "--config", gateway.config_file(), "--json"});
  CHECK(listed.exit_code == 0);
  CHECK(listed.out.find(token.substr(3)) == std::string::npos);
  std::string id;
  for (const std::size_t at : {listed.out.find("team-b")}) {
    const std::size_t from =
        listed.out.rfind("tk-", at) == std::string::npos ? listed.out.find("tk-", at) : listed.out.rfind("tk-", at);
    id = listed.out.substr(from, listed.out.find_first_not_of("tk-0123456789abcdef", from) - from);
  }
  INFO(listed.out << id);
  CHECK(gateway.command({"token", "revoke", "--config", gateway.config_file(), id}).exit_code == 0);
  REQUIRE(eventually([&] { return answer(token).status() == 401; }));
  const Message revoked = answer(token);
  const std::string elsewhere = gateway.directory() / "tokens-elsewhere";
  const Finished unknown = gateway.command({"token", "create", "--name", "x", "--models", "*", "--file", elsewhere});
  REQUIRE(unknown.exit_code == 0);
  for (const std::string& other :
       {unknown.out.substr(unknown.out.find("sp-"), token.size()), std::string("sp-nothing")}) {
    INFO(other);
    CHECK(answer(other).status() == 401);
    CHECK(answer(other).body == revoked.body);
  }
  Records records = gateway.records();
  for (const std::string outcome : {"credential_revoked", "credential_unknown", "credential_malformed"}) {
    INFO(outcome);
    CHECK(std::any_of(records.begin(), records.end(),
                      [&](const Json& record) { return record.value("outcome", "") == outcome; }));
  }
}

TEST_CASE("SIGTERM drains: not ready at once, idle connections end, a live stream finishes", "[operations]") {
  Signal finish;
  ScriptedServer server(GatewayProcess::model_server(), stream_until(finish));
  GatewayProcess gateway(server);
  ScriptedClient live(gateway.client()), idle(gateway.client());
  live.send(gateway.chat("hello", true));
  Message head = read_head(live);
  BodyReader body(live, head, BodyReader::Of::answer);
  REQUIRE_FALSE(body.next_event().empty());

  gateway.signal(SIGTERM);
  CHECK(idle.wait_for_end() == Ending::clean);
  CHECK(eventually([&] {
    try {
      return gateway.admin("/readyz").status() == 503;
    } catch (const WireError&) {
      return false;
    }
  }));
  CHECK(eventually([&] {
    try {
      ScriptedClient late(gateway.client());
      return false;
    } catch (const WireError&) {
      return true;
    }
  }));
  CHECK_FALSE(gateway.wait_for_exit(100ms).has_value());
  finish.set();
  CHECK(body.next_event() == "data: [DONE]\n\n");
  CHECK(body.next_event().empty());
  CHECK(body.finished());
  CHECK(gateway.wait_for_exit() == 0);
  CHECK(gateway.verify().exit_code == 0);
  CHECK(gateway.records().size() == 1);
}

TEST_CASE("a new gateway takes over an address while the old one brings its streams to their end", "[operations]") {
  Signal finish;
  ScriptedServer streams(GatewayProcess::model_server(), stream_until(finish));
  ScriptedServer answers(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const ReservedPort address;
  const GatewayWish wish{.more_listeners = "  - { name: common, address: \"127.0.0.1:" +
                                           std::to_string(address.number()) + "\", plaintext: allowed }\n"};
  const ClientWish at_address{.port = address.number(), .plain = true};
  GatewayProcess before(streams, wish);
  ScriptedClient live(at_address);
  live.send(before.chat("hello", true));
  Message head = read_head(live);
  BodyReader body(live, head, BodyReader::Of::answer);
  REQUIRE_FALSE(body.next_event().empty());

  GatewayProcess after(answers, wish);
  CHECK(before.errors().find("address_shared") == std::string::npos);
  CHECK(after.errors().find("address_shared listener=common") != std::string::npos);
  CHECK(after.errors().find("address_shared listener=public") == std::string::npos);
  before.signal(SIGTERM);
  REQUIRE(eventually([&] { return before.errors().find("draining") != std::string::npos; }));
  // A token of the new one's: until the old one has closed its doors, it may be the one that is asked.
  const auto served = [&] {
    try {
      ScriptedClient client(at_address);
      client.send(after.chat("hello"));
      return client.read_answer().status() == 200;
    } catch (const WireError&) {
      return false;
    }
  };
  REQUIRE(eventually([&] {
    int in_turn = 0;
    while (in_turn < 10 && served()) ++in_turn;
    return in_turn == 10;
  }));
  for (int i = 0; i < 20; ++i) CHECK(served());
  CHECK_FALSE(before.wait_for_exit(0ms).has_value());
  finish.set();
  CHECK(body.next_event() == "data: [DONE]\n\n");
  CHECK(body.next_event().empty());
  CHECK(body.finished());
  CHECK(before.wait_for_exit() == 0);
  CHECK(before.records().size() >= 1);
}

TEST_CASE("a second SIGTERM ends an upload that is still coming", "[operations]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  const std::size_t announced = 60 << 20;
  client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + gateway.token() +
              "\r\nContent-Length: " + std::to_string(announced) + "\r\n\r\n{\"model\":\"llama\",\"messages\":\"");
  const std::string piece(64 * 1024, 'x');
  client.send(piece);
  REQUIRE(eventually([&] { return gateway.metric("sallyport_requests_in_flight") == 1; }));
  gateway.signal(SIGTERM);
  REQUIRE(eventually([&] { return gateway.errors().find("draining") != std::string::npos; }));
  gateway.signal(SIGTERM);
  std::size_t sent = 0;
  try {
    for (; sent < announced / 2 && !gateway.wait_for_exit(10ms); sent += piece.size()) client.send(piece);
  } catch (const WireError&) {
    // It stopped listening.
  }
  CHECK(sent < announced / 2);
  CHECK(gateway.wait_for_exit() == 0);
  CHECK(gateway.verify().exit_code == 0);
  REQUIRE(gateway.records().size() == 1);
  CHECK(gateway.records()[0]["outcome"] == "draining");
}

TEST_CASE("a stream that outlives the drain's limit is cut, told so, and recorded", "[operations]") {
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.start_stream();
    peer.send_event(chat_event("a"));
    peer.wait_for_end(60s);
  });
  GatewayProcess gateway(server, {.limits = "{ drain: 300ms }"});
  ScriptedClient live(gateway.client());
  live.send(gateway.chat("hello", true));
  Message head = read_head(live);
  BodyReader body(live, head, BodyReader::Of::answer);
  REQUIRE_FALSE(body.next_event().empty());
  gateway.signal(SIGTERM);
  CHECK(body.next_event().starts_with("data: {\"error\""));
  CHECK(live.wait_for_end() == Ending::cut);
  CHECK(gateway.wait_for_exit() == 0);
  Records records = gateway.records();
  REQUIRE(records.size() == 1);
  CHECK(records[0]["outcome"] == "draining");
  CHECK(gateway.verify().exit_code == 0);
}

TEST_CASE("a second SIGTERM ends a call whose model server does not answer the handshake", "[operations]") {
  Signal dialled;
  ServerWish wish = GatewayProcess::model_server();
  wish.handshake_by_script = true;
  ScriptedServer server(wish, [&](Peer& peer) {
    dialled.set();
    peer.wait_for_end(60s);
  });
  GatewayWish slow = to(server);
  slow.upstreams[0].more = "    timeouts: { connect: 60s }\n";
  GatewayProcess gateway(slow);
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello"));
  dialled.wait();
  gateway.signal(SIGTERM);
  CHECK_FALSE(gateway.wait_for_exit(100ms).has_value());  // a drain lets it finish
  gateway.signal(SIGTERM);
  CHECK(client.read_answer().status() == 503);
  CHECK(gateway.wait_for_exit(5s) == 0);
  CHECK(gateway.verify().exit_code == 0);
  Records records = gateway.records();
  REQUIRE(records.size() == 1);
  CHECK(records[0]["outcome"] == "draining");
}

TEST_CASE("a drain does not wait for a client that does not go on with its handshake", "[operations]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server, {.limits = "{ handshake: 1m }"});
  Wire stranger = Wire::dial(gateway.client().port);
  stranger.send("\x16\x03\x01");
  REQUIRE(eventually([&] { return gateway.metric("sallyport_connections_open") >= 1; }));
  gateway.signal(SIGTERM);
  CHECK(gateway.wait_for_exit() == 0);
}

TEST_CASE("the admin listener says how it is", "[operations]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  CHECK(gateway.admin("/healthz").status() == 200);
  CHECK(gateway.admin("/readyz").status() == 200);
  CHECK(gateway.admin("/nothing").status() == 404);
  CHECK(chat_status(gateway) == 200);
  CHECK(chat_status(gateway, "nobody-knows-this-name") == 404);
  gateway.wait_for_records(2);
  const Message metrics = gateway.admin("/metrics");
  CHECK(metrics.status() == 200);
  CHECK(metrics.body.find("gen_ai_") != std::string::npos);
  CHECK(metrics.body.find("llama") != std::string::npos);
  // Labels come from the configuration, never from what a client sent.
  CHECK(metrics.body.find("nobody-knows-this-name") == std::string::npos);
  ScriptedClient client(gateway.client());
  client.send(request_text({.method = "GET", .target = "/metrics", .token = gateway.token()}));
  CHECK(client.read_answer().status() == 404);
}

TEST_CASE("limits of a token: 429 with what a client needs to wait", "[operations]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  const std::string token = gateway.create_token("team-b", {"--models", "*", "--requests-per-minute", "2"});
  const auto answer = [&](const std::string& target) {
    ScriptedClient client(gateway.client());
    client.send(request_text({.target = target, .token = token, .body = chat_body("llama", "hello")}));
    return client.read_answer();
  };
  REQUIRE(eventually([&] { return answer("/v1/none").status() != 401; }));
  Message last;
  for (int i = 0; i < 3; ++i) last = answer("/v1/chat/completions");
  CHECK(last.status() == 429);
  CHECK(Json::parse(last.body)["error"]["code"] == "rate_limit_exceeded");
  CHECK(std::stoi(last.field("retry-after")) > 0);
  CHECK(last.field("x-ratelimit-limit-requests") == "2");
  CHECK(last.field("x-ratelimit-remaining-requests") == "0");
  CHECK_FALSE(last.field("x-ratelimit-reset-requests").empty());
  const Json anthropic = Json::parse(answer("/v1/messages").body);
  CHECK(anthropic["type"] == "error");
  CHECK(anthropic["error"]["type"] == "rate_limit_error");
}

TEST_CASE("a call that the model server refuses spends no tokens, unless it says so", "[operations]") {
  const std::string usage = R"({"error":{"message":"no"},"usage":{"prompt_tokens":900,"completion_tokens":0}})";
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    for (;;) {
      const bool spends = peer.read_request().body.find("spend") != std::string::npos;
      peer.send_answer(400, spends ? usage : R"({"error":{"message":"no"}})", "Content-Type: application/json\r\n");
    }
  });
  const GatewayProcess gateway(server, {.tokens = {{"team-b", {"--models", "*", "--tokens-per-minute", "1000"}}}});
  const auto status_after = [&](const std::string& prompt) {
    ScriptedClient client(gateway.client());
    for (const std::string& said : {prompt, std::string("and now?")}) {
      const std::string body =
          R"({"model":"llama","max_tokens":600,"messages":[{"role":"user","content":")" + said + "\"}]}";
      client.send(request_text({.token = gateway.token_of("team-b"), .body = body}));
      if (const Message answer = client.read_answer(); said != prompt) return answer.status();
    }
    return 0u;
  };
  CHECK(status_after("what is wrong here") == 400);
  CHECK(status_after("spend") == 429);
}

TEST_CASE("a wrong configuration is told with its line, and nothing is served", "[operations]") {
  const TemporaryDirectory directory;
  write_file(directory / "bad.yaml", "listeners: []\nnonsense: 1\nlog: off\n");
  const Finished served = run({SALLYPORT_BINARY, "serve", "--config", directory / "bad.yaml"});
  CHECK(served.exit_code == 1);
  CHECK(served.errors.find("bad.yaml:2") != std::string::npos);
  CHECK(run({SALLYPORT_BINARY, "serve"}).exit_code == 2);
  CHECK(run({SALLYPORT_BINARY, "--help"}).exit_code == 0);
}

TEST_CASE("a command that does not exist is named, and the one that was meant", "[operations]") {
  const auto said = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), SALLYPORT_BINARY);
    const Finished finished = run(arguments);
    CHECK(finished.exit_code == 2);
    return finished.errors;
  };
  CHECK(said({"serv"}) ==
        "There is no such command: sallyport serv\nDid you mean: sallyport serve\nsallyport --help lists them.\n");
  CHECK(said({"token", "delete", "x"}) ==
        "There is no such command: sallyport token delete\nsallyport token --help lists them.\n");
  const Finished version = run({SALLYPORT_BINARY, "--version"});
  CHECK(version.exit_code == 0);
  CHECK(version.out.starts_with("sallyport "));
  CHECK(version.out == run({SALLYPORT_BINARY, "version"}).out);
}
