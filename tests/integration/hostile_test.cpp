// Bytes that no well-meaning client sends, through the real socket. Each gets its clear refusal, reaches no model
// server, leaves one record, and costs the next caller nothing.
#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

struct Hostile {
  std::string name;
  std::string bytes;
  unsigned status;
  std::string outcome;
};

// TOKEN stands for a valid one.
std::string post(const std::string& fields, const std::string& body = "") {
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\n" + fields + "\r\n" +
         body;
}
std::string get(const std::string& line_and_host, const std::string& fields = "") {
  return line_and_host + "Authorization: Bearer TOKEN\r\n" + fields + "\r\n";
}
const std::string smuggled = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n";
const std::string bad = "malformed_request";

// The cases of two servers reading one request differently, and their kin.
std::vector<Hostile> framing() {
  const std::string coding = "transfer_coding_unsupported";
  return {
      {"length and chunks", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + smuggled), 400,
       bad},
      {"chunks and length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n" + smuggled), 400,
       bad},
      {"coding xchunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n" + smuggled), 501, coding},
      {"coding gzip", post("Transfer-Encoding: gzip\r\n", smuggled), 501, coding},
      {"coding gzip and length", post("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", smuggled), 400, bad},
      {"coding chunked, gzip", post("Transfer-Encoding: chunked, gzip\r\n", smuggled), 501, coding},
      {"two codings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400, bad},
      {"folded coding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n" + smuggled), 400, bad},
      {"two lengths", post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"), 400, bad},
      {"a list of lengths", post("Content-Length: 2, 2\r\n", "{}"), 400, bad},
      {"a signed length", post("Content-Length: +2\r\n", "{}"), 400, bad},
      {"a hexadecimal length", post("Content-Length: 0x2\r\n", "{}"), 400, bad},
      {"an empty length", post("Content-Length: \r\n", "{}"), 400, bad},
      {"a length of 20 digits", post("Content-Length: 99999999999999999999\r\n", "{}"), 400, bad},
      {"a space before the colon", post("Content-Length : 2\r\n", "{}"), 400, bad},
      {"a field without a name", post(": x\r\n"), 400, bad},
      {"a bare line feed", post("X: 1\nY: 2\r\n"), 400, bad},
      {"a bare carriage return", post("X: 1\rY: 2\r\n"), 400, bad},
      {"a zero byte", post(std::string("X: 1\0 2\r\n", 9)), 400, bad},
      {"a folded field", post("X: 1\r\n 2\r\n"), 400, bad},
      {"HTTP/1.0 with chunks",
       "POST /v1/chat/completions HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
       bad},
  };
}

std::vector<Hostile> lines_and_hosts() {
  const std::string version = "version_unsupported", method = "method_unsupported";
  return {
      {"no host", get("GET /v1/models HTTP/1.1\r\n"), 400, bad},
      {"two hosts", get("GET /v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\n"), 400, bad},
      {"a host with a comma", get("GET /v1/models HTTP/1.1\r\nHost: a,b\r\n"), 400, bad},
      {"a foreign authority", get("GET http://other/v1/models HTTP/1.1\r\nHost: localhost\r\n"), 400, bad},
      {"a fragment", get("GET /v1/models#x HTTP/1.1\r\nHost: localhost\r\n"), 400, bad},
      {"a byte 0xff", get("GET /v1/\xff HTTP/1.1\r\nHost: localhost\r\n"), 400, bad},
      {"two spaces", get("GET  /v1/models HTTP/1.1\r\nHost: localhost\r\n"), 400, bad},
      {"a leading space", " " + get("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"), 400, bad},
      {"CONNECT", get("CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n"), 405, method},
      {"TRACE", get("TRACE /v1/models HTTP/1.1\r\nHost: localhost\r\n"), 405, method},
      {"HTTP/2.0", get("GET /v1/models HTTP/2.0\r\nHost: localhost\r\n"), 505, version},
      {"HTTP/1.2", get("GET /v1/models HTTP/1.2\r\nHost: localhost\r\n"), 505, version},
      {"http/1.1", get("GET /v1/models http/1.1\r\nHost: localhost\r\n"), 400, bad},
      {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, version},
      {"33 KB of fields",
       get("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n", "X: " + std::string(33'000, 'x') + "\r\n"), 431,
       "head_too_large"},
      {"a target of 9 KB", get("GET /" + std::string(9'000, 'x') + " HTTP/1.1\r\nHost: localhost\r\n"), 414,
       "target_too_long"},
      {"another expectation", post("Expect: 200-ok\r\nContent-Length: 2\r\n", "{}"), 417, "expectation_unsupported"},
  };
}

std::vector<Hostile> bodies() {
  const std::string chunked = "Transfer-Encoding: chunked\r\n", body = "malformed_body", json = "malformed_json";
  const auto sized = [](const std::string& text) {
    return post("Content-Length: " + std::to_string(text.size()) + "\r\n", text);
  };
  return {
      {"a chunk size 0x5", post(chunked, "0x5\r\nhello\r\n0\r\n\r\n"), 400, body},
      {"a chunk size with a space", post(chunked, "5 \r\nhello\r\n0\r\n\r\n"), 400, body},
      {"a negative chunk size", post(chunked, "-1\r\n"), 400, body},
      {"a chunk size of 17 digits", post(chunked, "00000000000000005\r\nhello\r\n0\r\n\r\n"), 400, body},
      {"a chunk longer than it says", post(chunked, "3\r\nhello\r\n0\r\n\r\n"), 400, body},
      {"a chunk extension of 9 KB", post(chunked, "5;" + std::string(9'000, 'x') + "\r\nhello\r\n0\r\n\r\n"), 400,
       body},
      {"a bare line feed after a chunk", post(chunked, "5\r\nhello\n0\r\n\r\n"), 400, body},
      {"no JSON", sized("hello"), 400, json},
      {"half a JSON", sized("{\"model\":\"llama\""), 400, json},
      {"more than one JSON", sized("{\"model\":\"llama\"} {}"), 400, json},
      {"a list", sized("[1]"), 400, json},
      {"NaN", sized("{\"model\":\"llama\",\"x\":NaN}"), 400, json},
      {"two models", sized("{\"model\":\"llama\",\"model\":\"embed\"}"), 400, "duplicate_field"},
      {"two models, one escaped", sized("{\"model\":\"llama\",\"mod\\u0065l\":\"embed\"}"), 400, "duplicate_field"},
      {"no model", sized("{\"messages\":[]}"), 400, "model_missing"},
      {"10,000 levels", sized("{\"model\":\"llama\",\"x\":" + std::string(10'000, '[')), 400, json},
      {"an unknown model", sized("{\"model\":\"nobody\"}"), 404, "model_unknown"},
  };
}

std::vector<Hostile> callers() {
  const std::string body = "Content-Length: 2\r\n\r\n{}";
  const std::string line = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n";
  return {
      {"nobody", line + body, 401, "credential_missing"},
      {"a malformed token", line + "Authorization: Bearer sp-short\r\n" + body, 401, "credential_malformed"},
      {"another scheme", line + "Authorization: Basic dTpw\r\n" + body, 401, "credential_malformed"},
      {"two authorizations", line + "Authorization: Bearer TOKEN\r\nAuthorization: Bearer x\r\n" + body, 400,
       "credential_ambiguous"},
      {"two kinds that differ", line + "Authorization: Bearer TOKEN\r\nX-Api-Key: other\r\n" + body, 400,
       "credential_ambiguous"},
  };
}

std::string with_token(std::string text, const std::string& token) {
  const std::size_t at = text.find("TOKEN");
  return at == std::string::npos ? text : text.replace(at, 5, token);
}

}  // namespace

TEST_CASE("hostile requests are refused, recorded, and reach no model server", "[hostile]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server);
  std::vector<Hostile> all;
  for (auto part : {framing(), lines_and_hosts(), bodies(), callers()}) all.insert(all.end(), part.begin(), part.end());
  for (const Hostile& one : all) {
    INFO(one.name);
    ScriptedClient client(gateway.client());
    client.send(with_token(one.bytes, gateway.token()));
    const Message answer = client.read_answer();
    CHECK(answer.status() == one.status);
    CHECK(answer.whole);
    const Json body = Json::parse(answer.body, nullptr, false);
    REQUIRE(body.is_object());
    for (const char* key : {"message", "type", "param", "code"}) CHECK(body["error"].contains(key));
    // A connection whose framing is in doubt is not used again: nothing of what was smuggled is answered.
    const bool framing_known = one.outcome == "model_unknown" || one.outcome == "duplicate_field" ||
                               one.outcome == "model_missing" || one.outcome == "malformed_json" ||
                               one.outcome.starts_with("credential_");
    if (!framing_known) {
      CHECK(answer.field("connection") == "close");
      client.finish_sending();
      CHECK(client.read_to_end().empty());
    }
  }
  CHECK(server.connections() == 0);
  Records records = gateway.wait_for_records(all.size());
  REQUIRE(records.size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO(all[i].name);
    CHECK(records[i]["outcome"] == all[i].outcome);
    CHECK(records[i]["status"] == all[i].status);
  }
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("still here"));
  CHECK(client.read_answer().status() == 200);
}

TEST_CASE("the same refusals when every byte comes alone", "[hostile]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server);
  for (const Hostile& one : framing()) {
    INFO(one.name);
    ScriptedClient client(gateway.client());
    try {
      client.send_byte_by_byte(with_token(one.bytes, gateway.token()));
    } catch (const WireError&) {
      // It may be refused before its last byte.
    }
    CHECK(client.read_answer().status() == one.status);
  }
  CHECK(server.connections() == 0);
}

TEST_CASE("no spelling of a model path gets by the token's models through a route for all paths", "[hostile]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server,
                               {.more = "routes:\n  - { name: everything-else, path: /, upstream: model-server }\n",
                                .tokens = {{"embeds", {"--models", "embed", "--routes", "*"}}}});
  struct Case {
    std::string line;
    unsigned status;
    std::string outcome;
  };
  const std::string ambiguous = "path_ambiguous", misspelt = "path_misspelt", forbidden = "model_forbidden";
  const std::vector<Case> cases = {{"POST /v1/chat/completions", 404, forbidden},
                                   {"post /v1/chat/completions", 404, forbidden},
                                   {"POST /v1/%63hat/completions", 400, ambiguous},
                                   {"POST /v1/chat%2Fcompletions", 400, ambiguous},
                                   {"POST /v1/chat/completions%0A", 400, ambiguous},
                                   {"POST /v1/chat/completions;x=1", 400, ambiguous},
                                   {"POST /v1/audio/../chat/completions", 400, ambiguous},
                                   {"POST /v1/audio/%2E%2E/chat/completions", 400, ambiguous},
                                   {"POST //v1/chat/completions", 400, ambiguous},
                                   {"POST http://localhost/v1/./chat/completions", 400, ambiguous},
                                   {"POST /v1/chat/completions/", 404, misspelt},
                                   {"POST /v1/Chat/Completions", 404, misspelt},
                                   {"GET /v1/models/", 404, misspelt}};
  const std::string body = chat_body("llama", "round the back");
  for (const Case& one : cases) {
    INFO(one.line);
    ScriptedClient client(gateway.client());
    client.send(one.line + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + gateway.token_of("embeds") +
                "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    const Message answer = client.read_answer();
    CHECK(answer.status() == one.status);
    CHECK(Json::parse(answer.body, nullptr, false).contains("error"));
  }
  CHECK(server.connections() == 0);
  Records records = gateway.wait_for_records(cases.size());
  REQUIRE(records.size() == cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    INFO(cases[i].line);
    CHECK(records[i]["outcome"] == cases[i].outcome);
  }
  ScriptedClient client(gateway.client());
  client.send(request_text({.target = "/v1/files", .token = gateway.token_of("embeds"), .body = body}));
  CHECK(client.read_answer().status() == 200);
}

TEST_CASE("garbage after a good request gets the good one's answer first", "[hostile]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello") + "garbage\r\n\r\n");
  CHECK(client.read_answer().status() == 200);
  CHECK(client.read_answer().status() == 400);
  CHECK(client.wait_for_end() != Ending::open);
}

TEST_CASE("a body past the limit is a 413, sized or chunked, and one at the limit is not", "[hostile]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.limits = "{ body: 64KiB }"});
  const std::size_t overhead = chat_body("llama", "").size();
  const auto status = [&](std::size_t size, bool chunked) {
    const std::string body = chat_body("llama", std::string(size - overhead, 'x'));
    ScriptedClient client(gateway.client());
    client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + gateway.token() +
                "\r\n" +
                (chunked ? "Transfer-Encoding: chunked\r\n\r\n" + chunk(body) + std::string(last_chunk)
                         : "Content-Length: " + std::to_string(size) + "\r\n\r\n" + body));
    return client.read_answer().status();
  };
  for (const bool chunked : {false, true}) {
    INFO("chunked: " << chunked);
    CHECK(status(64 * 1024, chunked) == 200);
    CHECK(status(64 * 1024 + 1, chunked) == 413);
  }
}

TEST_CASE("a client that sends all of a refused body, however long, still reads why", "[hostile]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.limits = "{ body: 2MiB }"});
  const std::string body(3 * 1024 * 1024, 'x');
  ScriptedClient client(gateway.client());
  client.send(request_text({.token = gateway.token(), .body = body}));
  const Message answer = client.read_answer();
  CHECK(answer.status() == 413);
  CHECK(answer.field("connection") == "close");
  CHECK(client.wait_for_end() == Ending::clean);
}

TEST_CASE("a refusal reads a small body away and keeps the connection", "[hostile]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  const std::string refused = request_text({.token = "wrong", .body = std::string(20'000, 'x')});
  ScriptedClient client(gateway.client());
  client.send(refused);
  CHECK(client.read_answer().status() == 401);
  client.send(refused + gateway.chat("and a good one behind it"));
  CHECK(client.read_answer().status() == 401);
  CHECK(client.read_answer().status() == 200);
  SECTION("but not for a large one") {
    client.send(request_text({.token = "wrong", .body = std::string(64 * 1024 + 1, 'x')}));
    CHECK(client.read_answer().field("connection") == "close");
    CHECK(client.wait_for_end() != Ending::open);
  }
  SECTION("nor for one that does not come") {
    client.send(refused.substr(0, refused.size() - 1));
    CHECK(client.read_answer().status() == 401);
    CHECK(client.wait_for_end(10s) != Ending::open);
  }
}

TEST_CASE("what a known caller was allowed is not left to a stranger on the same connection", "[hostile]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(request_text({.token = gateway.token(), .body = "{\"model\": oops}"}));
  CHECK(client.read_answer().status() == 400);
  client.send(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n"
      "Content-Length: 60000000\r\n\r\n");
  CHECK(client.read_answer().status() == 401);
  // It would go on reading for ten seconds if the body were a known caller's.
  CHECK(client.wait_for_end(5s) == Ending::clean);
  CHECK_THROWS_AS(client.send(std::string(60'000'000, 'x'), 5s), WireError);
}

TEST_CASE("a client that there is no memory for is let go, and the next is served", "[hostile]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const TemporaryDirectory directory;
  const path no_memory = directory / "no-memory";
  const char* options = std::getenv("ASAN_OPTIONS");
  const GatewayProcess gateway(
      server, {.environment = {"LD_PRELOAD=" SCARCE_MEMORY, "SCARCE_MEMORY=" + no_memory.string(),
                               std::string("ASAN_OPTIONS=verify_asan_link_order=0:") + (options ? options : "")},
               .workers = 1});
  write_file(no_memory, "");
  CHECK_THROWS_AS(ScriptedClient(gateway.client()), WireError);
  std::filesystem::remove(no_memory);
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello"));
  CHECK(client.read_answer().status() == 200);
  CHECK(gateway.errors().find("accept_failed error=") != std::string::npos);
}

TEST_CASE("what is no TLS on the TLS port is closed, and costs nobody else anything", "[hostile]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string(5000, '\0'),
                                   std::string("\x16\x03\x01\xff\xff") + std::string(70'000, 'x')}) {
    Wire wire = Wire::dial(gateway.client().port);
    try {
      wire.send(bytes);
    } catch (const WireError&) {
    }
    CHECK(wire.wait_for_end() != Ending::open);
  }
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("still here"));
  CHECK(client.read_answer().status() == 200);
}

TEST_CASE("a client may change its keys now and then, but not flood us with it", "[hostile]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  for (int i = 0; i < 20; ++i) REQUIRE(client.update_keys(i % 2 == 0));  // every second one asks for ours too
  client.send(gateway.chat("with new keys"));
  CHECK(client.read_answer().status() == 200);
  for (int i = 0; i < 5000 && client.update_keys(); ++i) continue;
  CHECK(client.wait_for_end() != Ending::open);
}

TEST_CASE("a client that can take only small records gets them", "[hostile]") {
  const std::string answer(5'000, 'x');
  ScriptedServer server(GatewayProcess::model_server(), answer_always(answer));
  const GatewayProcess gateway(server);
  const TlsContext context = make_client_context({});
  SSL_CTX_set_tlsext_max_fragment_length(context.get(), TLSEXT_max_fragment_length_512);
  Wire client = Wire::dial(gateway.client().port);
  client.connect_tls(*context, "localhost");
  client.send(gateway.chat("hello"));
  CHECK(read_message(client, BodyReader::Of::answer).body == answer);
}

TEST_CASE("however often a client asks for new keys, it gets them once before the next answer", "[hostile]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  int updates = 0;
  const auto count = [](int is_sent, int, int type, const void* bytes, std::size_t, SSL*, void* counted) {
    const bool is_update = type == SSL3_RT_HANDSHAKE && *static_cast<const unsigned char*>(bytes) == SSL3_MT_KEY_UPDATE;
    if (is_sent == 0 && is_update) ++*static_cast<int*>(counted);
  };
  SSL_set_msg_callback(client.tls(), count);
  SSL_set_msg_callback_arg(client.tls(), &updates);
  for (int round = 1; round <= 2; ++round) {
    for (int i = 0; i < 10; ++i) REQUIRE(client.update_keys(true));
    client.send(gateway.chat("hello"));
    CHECK(client.read_answer().status() == 200);
    CHECK(updates == round);
  }
}
