// Everything that can grow has a limit with a name: past it there is a clear refusal, and what was held is given back.
#include <signal.h>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

// Of a process's files without a name, which is where bodies wait.
std::uintmax_t spooled_bytes(pid_t process) {
  std::uintmax_t bytes = 0;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd")) {
    const bool nameless = std::filesystem::read_symlink(entry.path(), gone).string().ends_with(" (deleted)");
    const auto size = nameless ? std::filesystem::file_size(entry.path(), gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

Message chat(const GatewayProcess& gateway, std::size_t prompt_size = 1) {
  ScriptedClient client(gateway.client());
  client.send(gateway.chat(std::string(prompt_size, 'x')));
  return client.read_answer();
}

bool is_overloaded(const Message& answer) {
  return answer.status() == 503 && answer.field("retry-after") == "1" &&
         Json::parse(answer.body)["error"]["code"] == "overloaded";
}

// Sends it as slowly as a patient attacker would, until it is answered: a byte every tenth of a second.
Message drip(ScriptedClient& client, std::string_view bytes) {
  std::string answered;
  while (!bytes.empty() && answered.empty()) {
    client.send(bytes.substr(0, 1));
    bytes.remove_prefix(1);
    answered = client.read_some(100ms);
  }
  client.put_back(answered);
  return client.read_answer();
}

}  // namespace

// Connections.

TEST_CASE("at the limit of connections every listener waits for a slot, and each gets one", "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const ReservedPort ports[2];
  GatewayWish wish{.limits = "{ connections: 4, connections_per_address: 4 }", .workers = 1};
  for (const auto& port : ports) {
    const std::string number = std::to_string(port.number());
    wish.more_listeners +=
        "  - { name: plain-" + number + ", address: \"127.0.0.1:" + number + "\", plaintext: allowed }\n";
  }
  const GatewayProcess gateway(server, wish);
  std::vector<std::unique_ptr<ScriptedClient>> held, waiting;
  for (int i = 0; i < 4; ++i) {
    held.push_back(std::make_unique<ScriptedClient>(gateway.client()));
    held.back()->send(gateway.chat("hello"));
    CHECK(held.back()->read_answer().status() == 200);
  }
  for (const auto& port : ports) {
    waiting.push_back(std::make_unique<ScriptedClient>(ClientWish{.port = port.number(), .plain = true}));
    waiting.back()->send(gateway.chat("when there is room"));
  }
  CHECK(eventually([&] { return gateway.metric("sallyport_connections_waited_total") == 2; }));
  CHECK(waiting[0]->wait_for_end(100ms) == Ending::open);
  held.resize(2);
  for (const auto& client : waiting) CHECK(client->read_answer().status() == 200);
}

TEST_CASE("the limit of connections from one address holds for all workers together", "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.limits = "{ connections: 100, connections_per_address: 4 }", .workers = 2});
  std::vector<std::unique_ptr<ScriptedClient>> held;
  const auto try_another = [&] {
    try {
      held.push_back(std::make_unique<ScriptedClient>(gateway.client()));
      return true;
    } catch (const WireError&) {
      return false;
    }
  };
  // The kernel spreads them over the workers: of 16 each would have its 4.
  for (int i = 0; i < 16; ++i) try_another();
  CHECK(held.size() == 4);
  held.pop_back();
  CHECK(eventually(try_another));  // what has ended is given back
  CHECK_FALSE(try_another());
}

TEST_CASE("handshakes that fail give their slots back", "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.limits = "{ connections: 4, connections_per_address: 4 }"});
  const TlsContext old = make_client_context({.least_version = TLS1_2_VERSION, .most_version = TLS1_2_VERSION});
  for (int i = 0; i < 100; ++i) {
    Wire stranger = Wire::dial(gateway.client().port);
    if (i % 4 == 0) stranger.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    if (i % 4 == 1) CHECK_THROWS_AS(stranger.connect_tls(*old, "localhost"), WireError);
    if (i % 4 == 2) stranger.send("\x16\x03\x01");
    if (i % 4 >= 2) stranger.finish_sending();
    CHECK(stranger.wait_for_end() != Ending::open);
  }
  CHECK(eventually([&] { return gateway.metric("sallyport_connections_open") == 0; }));
  CHECK(chat(gateway).status() == 200);
}

TEST_CASE("a connection that says nothing between two requests is ended", "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.limits = "{ keep_alive_idle: 300ms }"});
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello"));
  CHECK(client.read_answer().status() == 200);
  CHECK(client.wait_for_end() == Ending::clean);
}

TEST_CASE("the last request of a connection is answered with that word", "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.limits = "{ keep_alive_requests: 3 }"});
  ScriptedClient client(gateway.client());
  for (const char* connection : {"", "", "close"}) {
    client.send(gateway.chat("hello"));
    const Message answer = client.read_answer();
    CHECK(answer.status() == 200);
    CHECK(answer.field("connection") == connection);
  }
  CHECK(client.wait_for_end() == Ending::clean);
}

TEST_CASE("connections that come and go leave no descriptor behind", "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server);
  const auto visit = [&](int way) {
    ScriptedClient client(gateway.client());
    const std::string request = gateway.chat("hello");
    client.send(request.substr(0, way % 3 == 0 ? request.size() : request.size() / std::size_t(way)));
    if (way % 3 == 0) client.read_answer();
    way % 2 == 0 ? client.reset() : client.close();
  };
  for (int i = 1; i <= 12; ++i) visit(i);
  const std::size_t before = gateway.process().open_descriptors();
  for (int i = 1; i <= 120; ++i) visit(i);
  // Pooled upstream connections may differ by a few.
  CHECK(eventually([&] { return gateway.process().open_descriptors() <= before + 4; }));
}

TEST_CASE("clients that do nothing do not take the descriptors that a call and the log need", "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.under = {"prlimit", "--nofile=200:200"}});
  CHECK(gateway.errors().find("connections_limited") != std::string::npos);
  ScriptedClient client(gateway.client());
  std::vector<Wire> strangers;
  for (int i = 0; i < 250; ++i) strangers.push_back(Wire::dial(gateway.client().port));
  client.send(gateway.chat("hello"));
  CHECK(client.read_answer().status() == 200);
  CHECK(gateway.errors().find("accept_failed") == std::string::npos);
}

TEST_CASE("what the workers and their listeners take of the descriptors is left out of what clients may", "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server, {.under = {"prlimit", "--nofile=1000:1000"}, .workers = 20});
  // (1000 - 128 - 20 workers x (6 + 2 for their one listener)) / 2 for each client
  CHECK(gateway.errors().find(" connections=356 ") != std::string::npos);
  CHECK(gateway.process().open_descriptors() < 128 + 20 * 8);
}

// Time.

TEST_CASE("a client that is slow with its head or its body is told so in time", "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.limits = "{ head_time: 500ms, body_stall: 500ms, handshake: 500ms }"});
  const std::string request = gateway.chat("hello");
  SECTION("half a head") {
    ScriptedClient client(gateway.client());
    client.send(request.substr(0, 20));
    CHECK(client.read_answer(5s).status() == 408);
  }
  SECTION("half a body") {
    ScriptedClient client(gateway.client());
    client.send(request.substr(0, request.size() - 3));
    CHECK(client.read_answer(5s).status() == 408);
  }
  SECTION("no handshake") {
    Wire wire = Wire::dial(gateway.client().port);
    CHECK(wire.wait_for_end(5s) != Ending::open);
  }
}

TEST_CASE("a head or a body that comes a byte at a time is not waited for longer than one that does not", "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.limits = "{ head_time: 1s, body_stall: 1s }"});
  const std::string request = gateway.chat(std::string(100, 'x'));  // either half would take more than ten seconds
  const std::size_t body = request.find("\r\n\r\n") + 4;
  const std::size_t sent_at_once = GENERATE_COPY(std::size_t{0}, body);
  ScriptedClient client(gateway.client());
  const auto started = std::chrono::steady_clock::now();
  client.send(request.substr(0, sent_at_once));
  const Message answer = drip(client, std::string_view(request).substr(sent_at_once));
  CHECK(answer.status() == 408);
  CHECK(Json::parse(answer.body)["error"]["code"] == "request_timeout");
  CHECK(std::chrono::steady_clock::now() - started < 5s);
  CHECK(gateway.records().at(0)["outcome"] == "request_timeout");
  CHECK(server.connections() == 0);
}

TEST_CASE("of a stranger's refused body little more is read, however slowly or quickly it comes", "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n"
      "Content-Length: 60000000\r\n\r\n");
  CHECK(client.read_answer().status() == 401);
  const auto is_refused = [&](std::string_view piece) {
    try {
      client.send(piece);
      return false;
    } catch (const WireError&) {
      return true;
    }
  };
  SECTION("slowly: until its time is over") {
    CHECK(eventually([&] { return is_refused("x"); }, 5s));
  }
  SECTION("quickly: until there was much of it, long before that time") {
    const std::string much(64 * 1024, 'x');
    CHECK(eventually([&] { return is_refused(much); }, 1500ms));
  }
}

TEST_CASE("a client that takes nothing of its answer is cut off, and its model server's work with it", "[limits]") {
  Signal left;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 67108864\r\n\r\n");
    try {
      peer.send(std::string(64 << 20, 'x'), 30s);
    } catch (const WireError&) {
      left.set();
    }
  });
  const GatewayProcess gateway(server, {.log = "capture: metadata", .limits = "{ write_stall: 500ms }"});
  ClientWish wish = gateway.client();
  wish.receive_buffer = 16 * 1024;
  ScriptedClient client(wish);
  client.send(gateway.chat("much"));
  CHECK(left.wait_for(patience));
  CHECK(gateway.wait_for_records(1).at(0)["outcome"] == "client_left");
  CHECK(client.wait_for_end() == Ending::cut);
}

TEST_CASE("with a delay the gateway says that it is not ready while it still serves, and only then closes",
          "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server, {.limits = "{ ready_delay: 2s }"});
  gateway.signal(SIGTERM);
  REQUIRE(eventually([&] { return gateway.admin("/readyz").status() == 503; }));
  CHECK(chat(gateway).status() == 200);
  CHECK(gateway.wait_for_exit() == 0);
  CHECK_THROWS_AS(ScriptedClient(gateway.client()), WireError);
}

// Bodies.

TEST_CASE("bodies that would fill the disk are refused, and those under way go on", "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server, {.limits = "{ spool_memory: 4KiB, body_disk_total: 256KiB }"});
  CHECK(is_overloaded(chat(gateway, 400 * 1024)));
  const std::string request = gateway.chat(std::string(200 * 1024, 'x'));  // three blocks, and no more fit
  ScriptedClient under_way(gateway.client());
  under_way.send(request.substr(0, request.size() - 10));
  REQUIRE(eventually([&] { return spooled_bytes(gateway.process().id()) > 3 * 64 * 1024; }));
  CHECK(is_overloaded(chat(gateway, 100 * 1024)));
  under_way.send(request.substr(request.size() - 10));
  CHECK(under_way.read_answer().status() == 200);
  CHECK(server.received().requests().back().body.size() > 200 * 1024);
  CHECK(eventually([&] { return chat(gateway, 200 * 1024).status() == 200; }));  // what was taken has been given back
}

TEST_CASE("bodies that would fill the memory are refused, and those under way go on", "[limits]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.limits = "{ spool_memory: 256KiB, body_memory_total: 384KiB }"});
  const std::string request = gateway.chat(std::string(200 * 1024, 'x'));
  ScriptedClient under_way(gateway.client());
  under_way.send(request.substr(0, request.size() - 10));
  CHECK(eventually([&] { return is_overloaded(chat(gateway, 200 * 1024)); }));  // once the other one's has come
  const Json refused = gateway.records().back();
  CHECK(refused["outcome"] == "overloaded");
  under_way.send(request.substr(request.size() - 10));
  CHECK(under_way.read_answer().status() == 200);
  CHECK(chat(gateway, 200 * 1024).status() == 200);  // what was taken has been given back
}
