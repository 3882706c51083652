// The sealed log of a real run: one record an exchange, readable with the key, verified without it, and nothing of a
// secret anywhere else.
#include <signal.h>

#include <set>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/redis_server.hpp"

using namespace sallyport::tests;

namespace {

unsigned chat(const GatewayProcess& gateway, std::string_view prompt, bool stream = false) {
  ScriptedClient client(gateway.client());
  client.send(gateway.chat(prompt, stream));
  return client.read_answer().status();
}

// The files below `directory` that hold `needle`.
std::vector<std::string> files_with(const path& directory, const std::string& needle) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    if (read_file(entry.path()).find(needle) != std::string::npos) found.push_back(entry.path().filename());
  }
  return found;
}

}  // namespace

TEST_CASE("an exchange's record says who asked for what, who answered, and what it cost", "[log]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  CHECK(chat(gateway, "first") == 200);
  Records records = gateway.wait_for_records(1);
  REQUIRE(records.size() == 1);
  CHECK(records[0]["outcome"] == "none");
  CHECK(records[0]["principal"] == "team-a");
  CHECK(records[0]["model"] == "llama");
  CHECK(records[0]["upstream"] == "model-server");
  CHECK(records[0]["upstream_model"] == "llama-3.1-8b-instruct");
  CHECK(records[0]["total_tokens"] == 5);
  CHECK(records[0]["path"] == "/v1/chat/completions");
  CHECK(records[0]["status"] == 200);
  CHECK(gateway.verify().exit_code == 0);
}

namespace {

// Does what the prompt says.
void act_by_prompt(Peer& peer) {
  for (;;) {
    const Message request = peer.read_request();
    const auto asked = [&](std::string_view what) { return request.body.find(what) != std::string::npos; };
    if (asked("no answer")) return peer.reset();
    if (!asked("stream forever") && !asked("half a stream")) {
      peer.send_answer(200, chat_answer);
      continue;
    }
    peer.start_stream();
    peer.send_event(chat_event("a"));
    if (asked("half a stream")) return peer.reset();
    peer.wait_for_end(60s);
    return;
  }
}

// A client that has seen the first event of an answer that does not end.
struct LiveStream {
  explicit LiveStream(const GatewayProcess& gateway) : client(gateway.client()) {
    client.send(gateway.chat("stream forever", true));
    read_head(client);
    client.read_until("\n\n");
  }
  ScriptedClient client;
};

}  // namespace

TEST_CASE("every exchange leaves one record, whatever became of it", "[log]") {
  ScriptedServer server(GatewayProcess::model_server(), act_by_prompt);
  GatewayProcess gateway(server, {.limits = "{ body: 64KiB, body_stall: 1s, drain: 300ms }",
                                  .tokens = {{"seldom", {"--models", "*", "--requests-per-minute", "1"}}}});
  const auto status = [&](const std::string& request) {
    ScriptedClient client(gateway.client());
    client.send(request);
    return client.read_answer().status();
  };
  const std::string good = gateway.chat("hello");
  const std::string seldom = request_text({.token = gateway.token_of("seldom"), .body = chat_body("llama", "hello")});
  CHECK(status(good) == 200);
  CHECK(status("nonsense\r\n\r\n") == 400);
  CHECK(status(request_text({.body = chat_body("llama", "hello")})) == 401);
  CHECK(status(request_text({.token = gateway.token(), .body = chat_body("nobody", "hello")})) == 404);
  CHECK(status(good.substr(0, good.size() - 1)) == 408);
  CHECK(status(gateway.chat(std::string(64 * 1024, 'x'))) == 413);
  CHECK(status(seldom) == 200);
  CHECK(status(seldom) == 429);
  CHECK(status(gateway.chat("no answer")) == 502);
  ScriptedClient cut_short(gateway.client());
  cut_short.send(gateway.chat("half a stream", true));
  CHECK_FALSE(cut_short.read_answer().whole);
  LiveStream(gateway).client.reset();
  CHECK(gateway.wait_for_records(11).size() == 11);
  LiveStream live(gateway);
  CHECK(gateway.metric("sallyport_requests_total{") == 11);
  CHECK(gateway.metric("sallyport_requests_in_flight") == 1);
  gateway.signal(SIGTERM);
  CHECK(live.client.wait_for_end() == Ending::cut);
  CHECK(gateway.wait_for_exit() == 0);
  std::vector<std::string> outcomes;
  for (Json record : gateway.records()) outcomes.push_back(record["outcome"]);
  CHECK(outcomes == std::vector<std::string>{"none", "malformed_request", "credential_missing", "model_unknown",
                                             "request_timeout", "body_too_large", "none", "requests_limited",
                                             "upstream_closed", "upstream_truncated", "client_left", "draining"});
  CHECK(gateway.verify().exit_code == 0);
}

TEST_CASE("SIGTERM ends the log cleanly: it verifies, and every record is there", "[log]") {
  const std::string durability = GENERATE("buffered", "written", "synced");
  INFO(durability);
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server, {.log = "capture: full, durability: " + durability});
  for (int i = 0; i < 20; ++i) REQUIRE(chat(gateway, "prompt " + std::to_string(i)) == 200);
  gateway.signal(SIGTERM);
  CHECK(gateway.wait_for_exit() == 0);
  const Finished verified = gateway.verify();
  INFO(verified.out << verified.errors);
  CHECK(verified.exit_code == 0);
  CHECK(gateway.records().size() == 20);
}

TEST_CASE("after kill -9 under load every whole answer has its record, and verify names the torn tail", "[log]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server, {.log = "durability: written, capture: full"});
  std::atomic<bool> stop = false;
  std::mutex mutex;
  std::vector<std::string> answered;
  const auto load = [&](int thread) {
    for (int i = 0; !stop; ++i) {
      const std::string id = "load-" + std::to_string(thread) + "-" + std::to_string(i);
      try {
        ScriptedClient client(gateway.client());
        client.send(gateway.chat("hello " + id, false, {{"X-Request-Id", id}}));
        if (!client.read_answer().whole) return;
      } catch (const WireError&) {
        return;
      }
      const std::lock_guard lock(mutex);
      answered.push_back(id);
    }
  };
  std::size_t before_kill = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(load, i);
    CHECK(eventually(
        [&] {
          const std::lock_guard lock(mutex);
          return answered.size() > 200;
        },
        30s));
    gateway.signal(SIGKILL);
    stop = true;
    const std::lock_guard lock(mutex);
    before_kill = answered.size();
  }
  CHECK(gateway.wait_for_exit() == 128 + SIGKILL);
  INFO(before_kill << " answers before the kill");

  std::set<std::string> recorded;
  for (Json record : gateway.records()) recorded.insert(record["request_id"]);
  for (const std::string& id : answered) CHECK(recorded.count(id) == 1);

  // The segment has no end, and nothing declares it yet: that is said, with its place.
  const Finished torn = gateway.verify();
  INFO(torn.out << torn.errors);
  CHECK(torn.exit_code == 1);
  CHECK(torn.out.find("byte ") != std::string::npos);

  // The next start opens a new segment, which declares how the last one ended, and serves.
  gateway.start();
  CHECK(chat(gateway, "after") == 200);
  CHECK(gateway.wait_for_records(recorded.size() + 1).size() == recorded.size() + 1);
  gateway.signal(SIGTERM);
  CHECK(gateway.wait_for_exit() == 0);
  const Finished declared = gateway.verify();
  INFO(declared.out << declared.errors);
  CHECK(declared.exit_code == 0);
  CHECK(declared.out.find("byte ") != std::string::npos);
}

TEST_CASE("kill -9 in the middle of a stream leaves in the log that it was, and what had passed of it", "[log]") {
  const std::string capture = GENERATE("full", "metadata");
  Signal left;
  ScriptedServer server(GatewayProcess::model_server(), begin_stream(left));
  GatewayProcess gateway(server, {.log = "capture: " + capture});
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("the question", true));
  client.read_until("\n\n\r\n");
  const auto unfinished = [&] {
    const Finished shown = gateway.command(
        {"log", "cat", "--json", "--content", "--key", gateway.directory() / "auditor.key", gateway.log_directory()});
    return shown.out.empty() ? Json() : Json::parse(shown.out);
  };
  REQUIRE(eventually([&] { return !unfinished().is_null(); }));
  gateway.signal(SIGKILL);
  REQUIRE(gateway.wait_for_exit() == 128 + SIGKILL);
  gateway.start();
  const Json left_behind = unfinished();
  INFO(left_behind.dump());
  CHECK(left_behind["finished"] == false);
  const std::string text = left_behind.dump();
  CHECK((text.find("the question") != std::string::npos) == (capture == "full"));
  CHECK((text.find("data: ") != std::string::npos) == (capture == "full"));
}

TEST_CASE("a torn tail is found where it is, and what is before it can be read", "[log]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server);
  for (int i = 0; i < 5; ++i) REQUIRE(chat(gateway, "hello") == 200);
  gateway.signal(SIGTERM);
  REQUIRE(gateway.wait_for_exit() == 0);
  REQUIRE(gateway.verify().exit_code == 0);
  path segment;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(gateway.log_directory())) {
    if (entry.is_regular_file() && (segment.empty() || entry.file_size() > std::filesystem::file_size(segment))) {
      segment = entry.path();
    }
  }
  const std::string whole = read_file(segment);
  SECTION("cut short") {
    write_file(segment, whole.substr(0, whole.size() - 10));
    CHECK(gateway.verify().exit_code == 1);
    CHECK(gateway.records().size() >= 4);
  }
  SECTION("one bit changed anywhere") {
    for (std::size_t at = 0; at < whole.size(); at += whole.size() / 16 + 1) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ 1);
      write_file(segment, changed);
      INFO("at " << at << " of " << whole.size());
      CHECK(gateway.verify().exit_code == 1);
    }
  }
}

TEST_CASE("no secret and nothing of a call is in any file, log line, metric, admin page or error of a run", "[log]") {
  const std::string prompt = "canary-prompt-8d1f6c", reply = "canary-reply-77aa10", api_key = "canary-api-key-03e1",
                    field = "x-canary-field-c49b", query = "canary-query-e5d2";
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    for (;;) {
      const Message request = peer.read_request();
      if (request.body.find("die") != std::string::npos) return peer.reset();
      peer.send_answer(200, R"({"choices":[{"message":{"content":")" + reply + R"("}}]})");
    }
  });
  const RedisServer redis(GatewayProcess::pki());
  const TemporaryDirectory secrets;
  const auto secret_file = [&](const std::string& name, const std::string& text) {
    write_file(secrets / name, text);
    std::filesystem::permissions(secrets / name, std::filesystem::perms(0600));
    return (secrets / name).string();
  };
  const Identity& ours = GatewayProcess::pki().gateway_client;
  GatewayProcess gateway({.upstreams = {{.endpoint = "https://127.0.0.1:" + std::to_string(server.port()),
                                         .more = "    api_key: { file: " + secret_file("api-key", api_key) + " }\n"}},
                          .limits = "{ shared: { endpoint: \"rediss://localhost:" + std::to_string(redis.port()) +
                                    "\", interval: 50ms, username: " + RedisServer::user +
                                    ", password_file: " + secret_file("password", RedisServer::password) +
                                    ", tls: { ca: " + GatewayProcess::pki().ours.certificate().string() +
                                    ", certificate: " + ours.certificate.string() + ", key: " + ours.key.string() +
                                    " } } }",
                          .more = "operator_log: { level: info }\n"});
  REQUIRE(eventually([&] { return gateway.metric("sallyport_shared_limits_up") == 1; }));
  const auto chat_of = [&](const std::string& text) {
    return request_text({.target = "/v1/chat/completions?" + query,
                         .token = gateway.token(),
                         .more_fields = {{field, "1"}},
                         .body = chat_body("llama", text)});
  };
  std::string seen;
  // Served, failed, and refused with the prompt and the token in every place that could be repeated.
  for (const std::string& bytes :
       {chat_of(prompt), chat_of(prompt + " die"),
        "POST /" + prompt + "?" + query + " HTTP/1.1\r\nHost: localhost\r\n" + field + ": 1\r\nAuthorization: Bearer " +
            gateway.token() + "\r\nContent-Length: 0\r\n\r\n",
        field + " : 1\r\nPOST /v1/chat/completions HTTP/1.1\r\n\r\n",
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " + gateway.token() +
            "\r\nContent-Length: 0\r\n\r\n",
        request_text({.token = gateway.token(), .body = "{\"model\":\"llama\",\"" + prompt}),
        request_text({.token = gateway.token() + "x", .body = chat_body("llama", prompt)}),
        gateway.token() + " / HTTP/1.1\r\n\r\n"}) {
    ScriptedClient client(gateway.client());
    client.send(bytes);
    const Message answer = client.read_answer();
    if (answer.status() == 200) continue;
    seen += answer.start_line + answer.body;
    for (const auto& [name, value] : answer.fields) seen += name + value;
  }
  for (const Message& request : server.received().requests()) {
    CHECK(request.field("authorization") == "Bearer " + api_key);
    CHECK(request.count(field) == 1);
  }
  gateway.wait_for_records(8);
  for (const char* page : {"/healthz", "/readyz", "/metrics"}) seen += gateway.admin(page).body;
  seen += gateway.admin("/" + prompt + "?" + query).body;
  for (const char* form : {"--json", "--ready"}) {
    const Finished status = gateway.command({"status", "--config", gateway.config_file(), form});
    CHECK(status.exit_code == 0);
    seen += status.out + status.errors;
  }
  CHECK(seen.find("sallyport_shared_limits_up 1") != std::string::npos);
  gateway.signal(SIGTERM);
  CHECK(gateway.wait_for_exit() == 0);

  const std::string password = RedisServer::password;
  for (const std::string& secret :
       {gateway.token(), gateway.token().substr(3), prompt, reply, api_key, password, field, query}) {
    INFO(secret);
    CHECK(files_with(gateway.directory(), secret) == std::vector<std::string>{});
    CHECK(seen.find(secret) == std::string::npos);
  }
  // The records themselves show the prompt to whoever holds the key, and what proves somebody to nobody.
  const Finished shown = gateway.command(
      {"log", "cat", "--content", "--key", gateway.directory() / "auditor.key", gateway.log_directory()});
  CHECK(shown.out.find(prompt) != std::string::npos);
  CHECK(shown.out.find(reply) != std::string::npos);
  for (const std::string& secret : {gateway.token().substr(3), api_key, password}) {
    INFO(secret);
    CHECK(shown.out.find(secret) == std::string::npos);
  }
}

TEST_CASE("a body that is spooled to disk cannot be read there", "[log]") {
  Signal arrived, go;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    arrived.set();
    go.wait();
    peer.send_answer(200, chat_answer);
    peer.wait_for_end();
  });
  GatewayProcess gateway(server, {.limits = "{ spool_memory: 4KiB }", .more = "spool_directory: .\n"});
  const std::string canary = "canary-in-the-spool-51c0";
  std::string prompt;
  while (prompt.size() < 1'000'000) prompt += canary;
  ScriptedClient client(gateway.client());
  client.send(gateway.chat(prompt));
  arrived.wait();
  CHECK(files_with(gateway.directory(), canary) == std::vector<std::string>{});
  // A file may have no name any more and still be there.
  int spools = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(gateway.process().id()) + "/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone);
    if (gone || !target.starts_with(gateway.directory().string())) continue;
    const std::string content = read_file(entry.path());
    if (content.size() > prompt.size() / 2) ++spools;
    CHECK(content.find(canary) == std::string::npos);
  }
  CHECK(spools > 0);
  go.set();
  CHECK(client.read_answer().status() == 200);
}

TEST_CASE("prompts larger than the log's queue wait for it, and take no stream's place in it", "[log]") {
  Signal go;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    for (;;) {
      const Message request = peer.read_request();
      if (request.body.find("a stream") == std::string::npos) {
        peer.send_answer(200, std::string(chat_answer));
        continue;
      }
      peer.start_stream();
      for (int i = 0; i < 200; ++i) {
        peer.send_event(chat_event(std::string(500, 'e')));
        if (i == 20) go.set();
      }
      peer.send(last_chunk);
    }
  });
  const GatewayProcess gateway(server, {.log = "capture: full, queue: 1MiB"});
  ScriptedClient stream(gateway.client());
  stream.send(gateway.chat("a stream", true));
  go.wait();
  const std::string prompt(6 << 20, 'p');
  for (int i = 0; i < 3; ++i) CHECK(chat(gateway, prompt) == 200);
  const Message whole = stream.read_answer();
  CHECK(whole.whole);
  const Records records = gateway.wait_for_records(4);
  for (const Json& record : records) {
    CHECK(record["outcome"] == "none");
    CHECK_FALSE(record.contains("content_lost"));
  }
  CHECK(gateway.metric("sallyport_log_lost_total") == 0);
}

TEST_CASE("metadata capture keeps no content", "[log]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.log = "capture: metadata"});
  CHECK(chat(gateway, "not to be kept") == 200);
  Records records = gateway.wait_for_records(1);
  REQUIRE(records.size() == 1);
  CHECK(records[0]["content_kept"] == false);
  CHECK(records[0].dump().find("not to be kept") == std::string::npos);
}

TEST_CASE("a second gateway does not write into a log that has a writer", "[log]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  const Finished second = gateway.command({"serve", "--config", gateway.config_file()});
  CHECK(second.exit_code == 1);
  CHECK_FALSE(second.errors.empty());
  CHECK(chat(gateway, "hello") == 200);
}

TEST_CASE("segments rotate by size, and the chain goes through all of them", "[log]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server, {.log = "capture: full, segment: { size: 64KiB }"});
  const std::string prompt(20'000, 'p');
  for (int i = 0; i < 12; ++i) REQUIRE(chat(gateway, prompt) == 200);
  gateway.signal(SIGTERM);
  REQUIRE(gateway.wait_for_exit() == 0);
  CHECK(gateway.verify().exit_code == 0);
  CHECK(gateway.records().size() == 12);
  std::vector<path> segments;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(gateway.log_directory())) {
    if (entry.is_regular_file() && entry.file_size() > 1000) segments.push_back(entry.path());
  }
  std::sort(segments.begin(), segments.end());
  REQUIRE(segments.size() >= 3);
  std::filesystem::remove(segments[1]);
  CHECK(gateway.verify().exit_code == 1);
}

TEST_CASE("a signed log is believed by the signer's public key, through kill -9, and a rolled-back one is not",
          "[log]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server);
  gateway.signal(SIGTERM);
  REQUIRE(gateway.wait_for_exit() == 0);
  const path signer = gateway.directory() / "signer", kept = gateway.directory() / "kept";
  REQUIRE(gateway.command({"key", "new", "--signing", "test-gateway", "--out", signer}).exit_code == 0);
  GatewayWish wish{.upstreams = {{.endpoint = "https://localhost:" + std::to_string(server.port())}},
                   .log = "checkpoints: {key: signer.key, directory: kept, interval: 200ms}"};
  gateway.write_config(wish);
  gateway.start();
  REQUIRE(chat(gateway, "before") == 200);
  const double so_far = gateway.metric("sallyport_log_checkpoints_total");
  CHECK(eventually([&] { return gateway.metric("sallyport_log_checkpoints_total") > so_far + 2; }));
  gateway.signal(SIGKILL);
  REQUIRE(gateway.wait_for_exit() == 128 + SIGKILL);
  gateway.start();
  REQUIRE(chat(gateway, "after") == 200);
  gateway.signal(SIGTERM);
  REQUIRE(gateway.wait_for_exit() == 0);

  const auto verify = [&] {
    return gateway.command(
        {"log", "verify", "--signer", signer.string() + ".vkey", "--checkpoints", kept, gateway.log_directory()});
  };
  const Finished whole = verify();
  INFO(whole.out << whole.errors);
  CHECK(whole.exit_code == 0);
  CHECK(whole.out.find("torn-declared") != std::string::npos);
  CHECK(whole.out.find("signed up to segment 3") != std::string::npos);
  for (const char* file : {"0000000003.segment", "0000000003.keys"}) {
    std::filesystem::remove(gateway.log_directory() / file);
  }
  const Finished rolled_back = verify();
  CHECK(rolled_back.exit_code == 1);
  CHECK(rolled_back.out.find("rolled-back") != std::string::npos);
}
