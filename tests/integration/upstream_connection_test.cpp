// Connections to model servers: kept while they are good, never trusted when they are not.
#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdio>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

unsigned chat_status(const GatewayProcess& gateway, std::string_view prompt = "hello") {
  ScriptedClient client(gateway.client());
  client.send(gateway.chat(prompt));
  return client.read_answer().status();
}

// A token that has the allowance for one such chat in a minute, not for two.
const std::map<std::string, std::vector<std::string>> once = {
    {"once", {"--models", "*", "--tokens-per-minute", "1000"}}};
std::string costly_chat(const GatewayProcess& gateway) {
  return request_text({.token = gateway.token_of("once"), .body = R"({"model":"llama","max_tokens":600})"});
}

bool is_stopped(pid_t process) {
  return read_file("/proc/" + std::to_string(process) + "/status").find("State:\tT") != std::string::npos;
}

// Whether the peer's kernel has all that was sent.
bool has_arrived(Wire& client) {
  int on_the_way = 0;
  REQUIRE(::ioctl(SSL_get_fd(client.tls()), SIOCOUTQ, &on_the_way) == 0);
  return on_the_way == 0;
}

// Whether anybody is connected to that port of loopback.
bool is_connected(std::uint16_t port) {
  char established[32];
  std::snprintf(established, sizeof established, " 0100007F:%04X 01 ", port);
  return read_file("/proc/net/tcp").find(established) != std::string::npos;
}

}  // namespace

TEST_CASE("a connection is used again for the next call", "[upstream-connection]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.workers = 1});
  for (int i = 0; i < 5; ++i) CHECK(chat_status(gateway) == 200);
  CHECK(server.connections() == 1);
  CHECK(server.received().count() == 5);
}

TEST_CASE("a pooled connection that the model server closed is never used", "[upstream-connection]") {
  Signal close, closed;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.send_answer(200, chat_answer);
    if (peer.number() == 1) {
      close.wait();
      peer.close();
      closed.set();
      return;
    }
    peer.wait_for_end();
  });
  const GatewayProcess gateway(server, {.workers = 1});
  CHECK(chat_status(gateway) == 200);
  close.set();
  closed.wait();
  CHECK(chat_status(gateway) == 200);
  CHECK(server.connections() == 2);
  CHECK(gateway.wait_for_records(2).back()["attempts"] == 1);
}

TEST_CASE("bytes that nobody asked for end a pooled connection", "[upstream-connection]") {
  Signal speak, spoken;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.send_answer(200, chat_answer);
    if (peer.number() == 1) {
      speak.wait();
      peer.send_answer(200, "{\"for\":\"somebody else\"}");
      spoken.set();
    }
    peer.wait_for_end();
  });
  const GatewayProcess gateway(server, {.workers = 1});
  CHECK(chat_status(gateway) == 200);
  speak.set();
  spoken.wait();
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello"));
  CHECK(client.read_answer().body == chat_answer);
  CHECK(server.connections() == 2);
}

TEST_CASE("bytes after an answer's end are dropped with their connection", "[upstream-connection]") {
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    peer.wait_for_end();
  });
  const GatewayProcess gateway(server, {.workers = 1});
  ScriptedClient client(gateway.client());
  for (int i = 0; i < 2; ++i) {
    client.send(gateway.chat("hello"));
    CHECK(client.read_answer().body == "{}");
  }
  CHECK(server.connections() == 2);
}

TEST_CASE("a call that was written is not tried again", "[upstream-connection]") {
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    const Message request = peer.read_request();
    if (request.body.find("die") != std::string::npos) return peer.reset();
    peer.send_answer(200, chat_answer);
    peer.read_request();
    peer.reset();
  });
  const GatewayProcess gateway(server, {.workers = 1});
  SECTION("on a fresh connection") {
    CHECK(chat_status(gateway, "die") == 502);
    CHECK(server.received().count() == 1);
  }
  SECTION("on a pooled connection") {
    CHECK(chat_status(gateway) == 200);
    CHECK(chat_status(gateway, "again") == 502);
    CHECK(server.received().count() == 2);
  }
  CHECK(gateway.wait_for_records(1).back()["outcome"] == "upstream_closed");
}

TEST_CASE("a call that finds its pooled connection dead before a byte of it was sent goes out on a fresh one",
          "[upstream-connection]") {
  Signal reset, gone;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.send_answer(200, chat_answer);
    if (peer.number() != 1) return (void)peer.wait_for_end();
    reset.wait();
    peer.reset();
    gone.set();
  });
  GatewayProcess gateway(server, {.log = "capture: metadata", .workers = 1});
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello"));
  CHECK(client.read_answer().status() == 200);
  // It stands still meanwhile, so that it hears of the request first, and of the reset after it.
  gateway.signal(SIGSTOP);
  REQUIRE(eventually([&] { return is_stopped(gateway.process().id()); }));
  client.send(gateway.chat("again"));
  REQUIRE(eventually([&] { return has_arrived(client); }));
  reset.set();
  gone.wait();
  REQUIRE(eventually([&] { return !is_connected(server.port()); }));
  gateway.signal(SIGCONT);
  CHECK(client.read_answer().status() == 200);
  CHECK(gateway.records().back()["attempts"] == 2);
  CHECK(server.connections() == 2);
  CHECK(server.received().count() == 2);
}

TEST_CASE("an answer that the gateway gives in the model server's place costs no tokens", "[upstream-connection]") {
  const std::string said =
      GENERATE(as<std::string>{}, "", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
  INFO(said);
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    if (peer.number() == 1) return peer.send(said);
    peer.send_answer(200, "{}");
  });
  const GatewayProcess gateway(server, {.tokens = once});
  ScriptedClient client(gateway.client());
  for (const unsigned status : {502, 200, 429}) {
    client.send(costly_chat(gateway));
    CHECK(client.read_answer().status() == status);
  }
}

TEST_CASE("who leaves before the answer pays for it", "[upstream-connection]") {
  Signal asked;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    asked.set();
    peer.wait_for_end();
  });
  const GatewayProcess gateway(server, {.tokens = once});
  ScriptedClient leaving(gateway.client()), client(gateway.client());
  leaving.send(costly_chat(gateway));
  asked.wait();
  leaving.reset();
  REQUIRE(gateway.wait_for_records(1)[0]["outcome"] == "client_left");
  client.send(costly_chat(gateway));
  CHECK(client.read_answer().status() == 429);
}

TEST_CASE("the next endpoint is tried when one cannot be reached", "[upstream-connection]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const ReservedPort nobody;
  const std::string both =
      "https://127.0.0.1:" + std::to_string(nobody.number()) + ", https://127.0.0.1:" + std::to_string(server.port());
  const GatewayProcess gateway(GatewayWish{.upstreams = {{.endpoint = both}}});
  for (int i = 0; i < 4; ++i) CHECK(chat_status(gateway) == 200);
  CHECK(gateway.metric("sallyport_upstream_connects_total{outcome=\"upstream_unreachable\"}") >= 1);
}

TEST_CASE("answers that two readers could read differently are refused", "[upstream-connection]") {
  const std::string head =
      GENERATE(as<std::string>{},  //
               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
               "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
               "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n");
  INFO(head);
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.send(head + "{}");
    peer.wait_for_end();
  });
  const GatewayProcess gateway(server);
  CHECK(chat_status(gateway) == 502);
  CHECK(gateway.wait_for_records(1).back()["outcome"] == "upstream_malformed");
}

TEST_CASE("a flood of interim answers is refused, a few are passed over", "[upstream-connection]") {
  const int count = GENERATE(3, 1000);
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    for (int i = 0; i < count; ++i) peer.send("HTTP/1.1 102 Processing\r\n\r\n");
    peer.send_answer(200, chat_answer);
    peer.wait_for_end();
  });
  const GatewayProcess gateway(server);
  CHECK(chat_status(gateway) == (count == 3 ? 200 : 502));
}

TEST_CASE("an answer that comes before the whole request was sent is passed on", "[upstream-connection]") {
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    read_head(peer);
    peer.send_answer(413, "{\"error\":{\"message\":\"too much for me\"}}", "Connection: close\r\n");
    peer.wait_for_end();
  });
  const GatewayProcess gateway(server, {.log = "capture: metadata"});
  ScriptedClient client(gateway.client());
  client.send(gateway.chat(std::string(16 << 20, 'x')), 30s);
  CHECK(client.read_answer(30s).status() == 413);
}

TEST_CASE("a model server that stops reading a request is left with 504, or heard if it has said why",
          "[upstream-connection]") {
  const bool says_why = GENERATE(false, true);
  INFO("says why: " << says_why);
  Signal left, done;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    const int little = 64 * 1024;  // else its kernel takes all of it
    ::setsockopt(SSL_get_fd(peer.tls()), SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    read_head(peer);
    if (says_why) peer.send_answer(413, "{\"error\":{\"message\":\"too much for me\"}}", "Connection: close\r\n");
    done.wait(60s);
    if (peer.wait_for_end() != Ending::open) left.set();
  });
  const GatewayProcess gateway(server, {.log = "capture: metadata", .limits = "{ write_stall: 1s }"});
  ScriptedClient client(gateway.client());
  client.send(gateway.chat(std::string(16 << 20, 'x')), 30s);
  const Message answer = client.read_answer(30s);
  done.set();
  CHECK(answer.status() == (says_why ? 413 : 504));
  Json body = Json::parse(answer.body, nullptr, false);
  CHECK(body["error"].value("code", "") == (says_why ? "" : "upstream_timeout"));
  CHECK(left.wait_for(patience));
  CHECK(gateway.wait_for_records(1).at(0)["outcome"] == (says_why ? "none" : "upstream_first_byte_timeout"));
}
