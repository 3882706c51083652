// HTTP/1.1 as clients speak it, through the real sockets.
#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

// Answers with what it got, so that a test sees which request an answer belongs to.
ScriptedServer::Script echo() {
  return [](Peer& peer) {
    for (;;) {
      const Message request = peer.read_request();
      peer.send_answer(200, request.body);
    }
  };
}

std::string prompt_in(const std::string& body) { return Json::parse(body)["messages"][0]["content"]; }

}  // namespace

TEST_CASE("a connection carries many requests, and pipelined ones are answered in order", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("one") + gateway.chat("two") + gateway.chat("three"));
  for (const std::string expected : {"one", "two", "three"}) CHECK(prompt_in(client.read_answer().body) == expected);
  client.send(gateway.chat("four"));
  CHECK(prompt_in(client.read_answer().body) == "four");
}

TEST_CASE("a body that comes after its head, together with the next request, ends where it says", "[http]") {
  const bool plain = GENERATE(false, true);
  const std::size_t size = GENERATE(15, 16, 17, 64, 65) * std::size_t{1024};
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const ReservedPort port;
  const GatewayProcess gateway(
      server, {.more_listeners = "  - { name: plain, address: \"127.0.0.1:" + std::to_string(port.number()) +
                                 "\", plaintext: allowed }\n"});
  ScriptedClient client(plain ? ClientWish{.port = port.number(), .plain = true} : gateway.client());
  const std::string prompt(size, 'p'), first = gateway.chat(prompt);
  const std::size_t head_size = first.find("\r\n\r\n") + 4;
  client.send(first.substr(0, head_size));
  client.send(first.substr(head_size) + gateway.chat("next"));
  CHECK(prompt_in(client.read_answer().body) == prompt);
  CHECK(prompt_in(client.read_answer().body) == "next");
}

TEST_CASE("a connection ends with an answer when it has lasted its time, and says so", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.limits = "{ keep_alive_time: 2s }"});
  ScriptedClient client(gateway.client());
  Message answer;
  int kept = 0;
  REQUIRE(eventually([&] {
    client.send(gateway.chat("hello"));
    answer = client.read_answer();
    const bool ends = answer.field("connection") == "close";
    kept += ends ? 0 : 1;
    return ends;
  }));
  CHECK(kept > 0);  // a first request within two seconds
  CHECK(answer.status() == 200);
  CHECK(client.wait_for_end() == Ending::clean);
}

TEST_CASE("a request that comes byte by byte is the same request", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send_byte_by_byte(gateway.chat("slowly"));
  CHECK(prompt_in(client.read_answer().body) == "slowly");
}

TEST_CASE("the body passes unchanged but for the model's name", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  const std::string before = "{ \"messages\": [],\n\t\"temperature\":1e-1, \"x\":{\"model\":\"inner\"}, \"model\" : ";
  client.send(request_text({.token = gateway.token(), .body = before + "\"gpt-4o\" }"}));
  CHECK(client.read_answer().body == before + "\"llama-3.1-8b-instruct\" }");
}

TEST_CASE("a chunked request arrives whole, and its trailers are dropped", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  const std::string body = chat_body("llama", "in chunks");
  client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + gateway.token() +
              "\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
  client.send(chunk(body.substr(0, 10)));
  client.send("2;extension=1\r\n" + body.substr(10, 2) + "\r\n");
  client.send(chunk(body.substr(12)));
  client.send("0\r\nX-Sum: 1\r\nAuthorization: Bearer other\r\nHost: other\r\n\r\n");
  const Message answer = client.read_answer();
  CHECK(answer.status() == 200);
  CHECK(prompt_in(answer.body) == "in chunks");
  REQUIRE(server.received().count() == 1);
  const Message got = server.received().requests()[0];
  CHECK(got.count("x-sum") == 0);
  CHECK(got.trailers.empty());
  CHECK(got.count("authorization") == 0);
  CHECK(got.count("trailer") == 0);
  CHECK(got.count("transfer-encoding") + got.count("content-length") == 1);
  CHECK(got.field("host").find("other") == std::string::npos);
}

TEST_CASE("an answer's trailers pass on", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), [](Peer& peer) {
    peer.read_request();
    peer.start_stream("Trailer: X-Sum\r\n");
    peer.send_event("[DONE]");
    peer.send("0\r\nX-Sum: 42\r\n\r\n");
    peer.wait_for_end();
  });
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello", true));
  const Message answer = client.read_answer();
  CHECK(answer.whole);
  REQUIRE(answer.trailers.size() == 1);
  CHECK(answer.trailers[0].second == "42");
}

TEST_CASE("Expect: 100-continue is answered once the caller is known and the size is right", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(server, {.limits = "{ body: 4KiB }"});
  const std::string body = chat_body("llama", "expected");
  const auto head = [&](const std::string& token, std::size_t size) {
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token +
           "\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  };
  SECTION("a good caller goes on") {
    ScriptedClient client(gateway.client());
    client.send(head(gateway.token(), body.size()));
    CHECK(read_head(client).status() == 100);
    client.send(body);
    CHECK(prompt_in(client.read_answer().body) == "expected");
    CHECK(server.received().requests().at(0).count("expect") == 0);
  }
  SECTION("a stranger is refused at once") {
    ScriptedClient client(gateway.client());
    client.send(head("sp-unknown", body.size()));
    CHECK(client.read_answer().status() == 401);
  }
  SECTION("too large a body is refused at once") {
    ScriptedClient client(gateway.client());
    client.send(head(gateway.token(), 4097));
    CHECK(client.read_answer().status() == 413);
  }
}

TEST_CASE("HTTP/1.0 without keep-alive gets its answer and the end", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), [](Peer& peer) {
    peer.read_request();
    peer.start_stream();
    peer.send_event("a");
    peer.send(last_chunk);
    peer.wait_for_end();
  });
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  std::string request = gateway.chat("hello", true);
  request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0");
  client.send(request);
  const Message answer = client.read_answer();
  CHECK(answer.status() == 200);
  CHECK(answer.count("transfer-encoding") == 0);
  CHECK(answer.body == "data: a\n\n");
  CHECK(client.wait_for_end() == Ending::clean);
}

TEST_CASE("HTTP/1.0 with keep-alive is told that its connection is kept", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  std::string request = gateway.chat("hello", false, {{"Connection", "keep-alive"}});
  request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0");
  const std::string models =
      "GET /v1/models HTTP/1.0\r\nConnection: keep-alive\r\nAuthorization: Bearer " + gateway.token() + "\r\n\r\n";
  for (const std::string& asked : {request, models}) {
    client.send(asked);
    const Message answer = client.read_answer();
    CHECK(answer.status() == 200);
    CHECK(answer.field("connection") == "keep-alive");
  }
}

TEST_CASE("a connection can be nominated away, but not what the gateway relies on", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello", false,
                           {{"Connection", "authorization, content-length, x-hop"},
                            {"X-Hop", "1"},
                            {"X-Stays", "1"},
                            {"Keep-Alive", "timeout=5"},
                            {"X-Forwarded-For", "10.0.0.1"},
                            {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}));
  CHECK(client.read_answer().status() == 200);
  const Message got = server.received().requests().at(0);
  CHECK(got.count("x-hop") == 0);
  CHECK(got.count("keep-alive") == 0);
  CHECK(got.count("x-forwarded-for") == 0);
  CHECK(got.field("x-stays") == "1");
  CHECK(got.count("traceparent") == 1);
  CHECK(got.count("content-length") == 1);
}

TEST_CASE("what must not reach a model server does not reach it spelt with _ either", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  const std::vector<std::string> names = {
      "X_Forwarded_For",         "X_Forwarded-Proto",   "x_forwarded_host",  "X-Forwarded-Port",
      "X_Forwarded_Client_Cert", "X_Real_IP",           "X_Api_Key",         "X_Request_Id",
      "X-Original-URL",          "X_Rewrite_Url",       "X-Method-Override", "X-HTTP-Method",
      "X_Http_Method_Override",  "Proxy_Authorization", "Transfer_Encoding", "Content_Length"};
  HeaderFields fields = {{"X_Stays", "1"}};
  for (const auto& name : names) fields.emplace_back(name, "forged");
  client.send(gateway.chat("hello", false, fields));
  CHECK(client.read_answer().status() == 200);
  const Message got = server.received().requests().at(0);
  for (const auto& name : names) {
    INFO(name);
    CHECK(got.count(name) == 0);
  }
  CHECK(got.field("x_stays") == "1");
}

TEST_CASE("every answer says when it was given: the model server's word, else the gateway's", "[http]") {
  const std::string theirs = "Sun, 06 Nov 1994 08:49:37 GMT";
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    for (;;) {
      const Message request = peer.read_request();
      const bool tells = request.field("x-tell") == "1";
      peer.send_answer(200, chat_answer, tells ? "Date: " + theirs + "\r\n" : "");
    }
  });
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  const auto dates = [&](const std::string& request) {
    client.send(request);
    const Message answer = client.read_answer();
    CHECK(answer.count("date") == 1);
    return answer.field("date");
  };
  CHECK(dates(gateway.chat("hello", false, {{"x-tell", "1"}})) == theirs);
  for (const std::string& request :
       {gateway.chat("hello"), std::string("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")}) {
    const std::string ours = dates(request);
    CHECK(ours.size() == theirs.size());
    CHECK(ours.ends_with(" GMT"));
    CHECK(ours != theirs);
  }
}

TEST_CASE("a request id is taken over, bounded and echoed", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(server);
  const auto id_for = [&](const std::string& sent) {
    ScriptedClient client(gateway.client());
    client.send(gateway.chat("hello", false, {{"X-Request-Id", sent}}));
    return client.read_answer().field("x-request-id");
  };
  CHECK(id_for("trace-42") == "trace-42");
  CHECK(id_for(std::string(5000, 'a')) != std::string(5000, 'a'));
  CHECK_FALSE(id_for("two words \"and quotes\"").empty());
  CHECK(id_for("two words \"and quotes\"").find('"') == std::string::npos);
}

TEST_CASE("GET /v1/models shows what the token may call, and nothing else", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(server);
  const std::string limited = gateway.create_token("team-b", {"--models", "embed"});
  const auto get = [&](const std::string& token, const std::string& target) {
    ScriptedClient client(gateway.client());
    client.send(request_text({.method = "GET", .target = target, .token = token}));
    return client.read_answer();
  };
  CHECK(Json::parse(get(gateway.token(), "/v1/models").body)["data"].size() >= 2);
  REQUIRE(eventually([&] { return get(limited, "/v1/models").status() == 200; }));  // the tokens file is watched
  const Json seen = Json::parse(get(limited, "/v1/models").body)["data"];
  REQUIRE(seen.size() == 1);
  CHECK(seen[0]["id"] == "embed");
  CHECK(get(limited, "/v1/models/embed").status() == 200);
  CHECK(get(limited, "/v1/models/llama").status() == 404);
  CHECK(server.connections() == 0);
}

TEST_CASE("a path without a model goes where its route says", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), [](Peer& peer) {
    for (;;) {
      const Message request = peer.read_request();
      peer.send_answer(200, request.method() + " " + request.target());
    }
  });
  const GatewayProcess gateway(server,
                               {.more = "routes:\n  - { name: files, path: /v1/files/, upstream: model-server }\n"});
  const auto get = [&](const std::string& target) {
    ScriptedClient client(gateway.client());
    client.send(request_text({.method = "GET", .target = target, .token = gateway.token()}));
    return client.read_answer();
  };
  const std::string odd_but_clear = "/v1/files/a%20b:c?x=%2F&y=../..//%63";
  CHECK(get(odd_but_clear).body == "GET " + odd_but_clear);
  CHECK(get("/v1/other").status() == 404);
}

TEST_CASE("a model is shown under the encoded name that clients ask for", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(
      server, {.models = "  - name: meta-llama/Llama:8b\n    targets: [{ upstream: model-server }]\n"});
  const auto get = [&](const std::string& target) {
    ScriptedClient client(gateway.client());
    client.send(request_text({.method = "GET", .target = target, .token = gateway.token()}));
    return client.read_answer();
  };
  for (const std::string name : {"meta-llama%2FLlama%3A8b", "meta-llama%2fLlama:8b", "meta-llama/Llama:8b"}) {
    INFO(name);
    const Message answer = get("/v1/models/" + name);
    CHECK(answer.status() == 200);
    CHECK(Json::parse(answer.body)["id"] == "meta-llama/Llama:8b");
  }
  CHECK(get("/v1/models/meta-llama%2").status() == 404);
}

TEST_CASE("a path of the gateway's own says which methods it takes", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(server);
  const auto ask = [&](const std::string& method, const std::string& target) {
    ScriptedClient client(gateway.client());
    client.send(request_text({.method = method, .target = target, .token = gateway.token()}));
    return client.read_answer();
  };
  for (const std::string method : {"GET", "PUT", "DELETE", "OPTIONS"}) {
    const Message answer = ask(method, "/v1/chat/completions");
    CHECK(answer.status() == 405);
    CHECK(answer.field("allow") == "POST");
  }
  const Message answer = ask("DELETE", "/v1/models/llama");
  CHECK(answer.status() == 405);
  CHECK(answer.field("allow") == "GET, HEAD");
  CHECK(Json::parse(answer.body)["error"]["code"] == "method_unsupported");
  CHECK(ask("GET", "/v1/other").status() == 404);
}

TEST_CASE("a compressed body is refused, for its model cannot be read", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(server);
  const auto status_with = [&](HeaderFields fields) {
    ScriptedClient client(gateway.client());
    client.send(gateway.chat("hello", false, std::move(fields)));
    return client.read_answer().status();
  };
  CHECK(status_with({{"Content-Encoding", "identity"}}) == 200);
  CHECK(status_with({{"Content-Encoding", "gzip"}}) == 415);
  CHECK(status_with({{"Content-Encoding", "identity"}, {"content-encoding", "br"}}) == 415);
  CHECK(status_with({{"Content_Encoding", "zstd"}}) == 415);
  CHECK(server.received().count() == 1);
}

TEST_CASE("Anthropic's clients find the request's id where they look for it", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(server);
  const auto ask = [&](const std::string& target, const std::string& model) {
    ScriptedClient client(gateway.client());
    client.send(request_text({.target = target, .token = gateway.token(), .body = chat_body(model, "hello")}));
    return client.read_answer();
  };
  for (const std::string model : {"llama", "nobody"}) {
    const Message answer = ask("/v1/messages", model);
    CHECK_FALSE(answer.field("request-id").empty());
    CHECK(answer.field("request-id") == answer.field("x-request-id"));
    CHECK(ask("/v1/chat/completions", model).count("request-id") == 0);
  }
}

TEST_CASE("who shows no key is told how to, and whose key is bad is not told why", "[http]") {
  ScriptedServer server(GatewayProcess::model_server(), echo());
  const GatewayProcess gateway(server);
  const auto words_for = [&](const std::string& token) {
    ScriptedClient client(gateway.client());
    client.send(request_text({.method = "GET", .target = "/v1/models", .token = token}));
    const Message answer = client.read_answer();
    CHECK(answer.status() == 401);
    return Json::parse(answer.body)["error"]["message"].get<std::string>();
  };
  CHECK(words_for("").find("Authorization: Bearer") != std::string::npos);
  const std::string mistyped = words_for("sp-wrong");
  CHECK(mistyped.find("There is no API key") == std::string::npos);
  const std::string unknown = "sp-" + std::string(49, 'A');
  CHECK(words_for(unknown) == mistyped);
}
