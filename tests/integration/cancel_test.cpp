// A client that leaves must not keep a model busy.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

enum class Leaving { reset, close, cut };

void leave(Wire& client, Leaving how) {
  if (how == Leaving::reset) client.reset();
  if (how == Leaving::close) client.close();
  if (how == Leaving::cut) client.cut();
}

// A model server's script: tells that it was asked, and that the gateway left.
ScriptedServer::Script never_answers(Signal& asked, Signal& seen) {
  return [&](Peer& peer) {
    peer.read_request();
    asked.set();
    if (peer.wait_for_end() != Ending::open) seen.set();
  };
}

// While true, the kernel gathers what is sent, so that it arrives together.
void hold_back(Wire& client, bool whether) {
  const int value = whether ? 1 : 0;
  REQUIRE(::setsockopt(SSL_get_fd(client.tls()), IPPROTO_TCP, TCP_CORK, &value, sizeof value) == 0);
}

}  // namespace

TEST_CASE("a client that leaves a stream ends the model server's work at once", "[cancel]") {
  const Leaving how = GENERATE(Leaving::reset, Leaving::close, Leaving::cut);
  Signal seen;
  // It writes nothing more: the gateway must notice without the help of a failing write.
  ScriptedServer server(GatewayProcess::model_server(), begin_stream(seen));
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello", true));
  client.read_until("\n\n\r\n");
  leave(client, how);
  INFO("way of leaving: " << int(how));
  CHECK(seen.wait_for(5s));
  Records records = gateway.wait_for_records(1);
  REQUIRE(records.size() == 1);
  CHECK(records[0]["outcome"] == "client_left");
}

TEST_CASE("a client that leaves before a plain answer ends the model server's work at once", "[cancel]") {
  const Leaving how = GENERATE(Leaving::reset, Leaving::close, Leaving::cut);
  Signal asked, seen;
  ScriptedServer server(GatewayProcess::model_server(), never_answers(asked, seen));
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello"));
  asked.wait();
  leave(client, how);
  INFO("way of leaving: " << int(how));
  CHECK(seen.wait_for(5s));
  Records records = gateway.wait_for_records(1);
  REQUIRE(records.size() == 1);
  CHECK(records[0]["outcome"] == "client_left");
  CHECK(records[0]["status"] == 0);
}

TEST_CASE("a client that says goodbye along with its request has left, though it sends no FIN", "[cancel]") {
  ScriptedServer server(GatewayProcess::model_server(), [](Peer& peer) { peer.wait_for_end(); });
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  hold_back(client, true);
  client.send(gateway.chat("hello"));
  SSL_shutdown(client.tls());
  hold_back(client, false);
  Records records = gateway.wait_for_records(1);
  REQUIRE(records.size() == 1);
  CHECK(records[0]["outcome"] == "client_left");
}

TEST_CASE("a client's goodbye is seen behind large records that hold nothing, though it sends no FIN", "[cancel]") {
  Signal asked, seen;
  ScriptedServer server(GatewayProcess::model_server(), never_answers(asked, seen));
  const GatewayProcess gateway(server);
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello"));
  REQUIRE(asked.wait_for(5s));
  const auto fill_records = [](SSL*, int, std::size_t size, void*) { return SSL3_RT_MAX_PLAIN_LENGTH - size; };
  SSL_set_record_padding_callback(client.tls(), fill_records);
  hold_back(client, true);
  for (int i = 0; i < 3; ++i) REQUIRE(client.update_keys());
  SSL_shutdown(client.tls());
  hold_back(client, false);
  CHECK(seen.wait_for(5s));
}

TEST_CASE("a client that sent a byte too many and then leaves ends the model server's work at once", "[cancel]") {
  const Leaving how = GENERATE(Leaving::reset, Leaving::close, Leaving::cut);
  const bool plain = GENERATE(false, true);
  Signal asked, seen;
  ScriptedServer server(GatewayProcess::model_server(), never_answers(asked, seen));
  const ReservedPort port;
  const GatewayProcess gateway(
      server, {.more_listeners = "  - { name: plain, address: \"127.0.0.1:" + std::to_string(port.number()) +
                                 "\", plaintext: allowed }\n"});
  ScriptedClient client(plain ? ClientWish{.port = port.number(), .plain = true} : gateway.client());
  client.send(gateway.chat("hello"));
  asked.wait();
  const std::string more = GENERATE(as<std::string>{}, "\r\n", "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.send(more);
  leave(client, how);
  INFO("way of leaving: " << int(how) << ", plain: " << plain << ", after: " << more);
  CHECK(seen.wait_for(5s));
  Records records = gateway.wait_for_records(1);
  REQUIRE(records.size() >= 1);
  CHECK(records[0]["outcome"] == "client_left");
}

TEST_CASE("a client that leaves while its request is on its way leaves a record and nothing else", "[cancel]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  {
    ScriptedClient client(gateway.client());
    client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + gateway.token() +
                "\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n");
    REQUIRE(read_head(client).status() == 100);  // the gateway waits for the body now
    client.send("{\"model\":");
    client.reset();
  }
  Records records = gateway.wait_for_records(1);
  REQUIRE(records.size() == 1);
  CHECK(records[0]["outcome"] == "client_left");
  CHECK(server.connections() == 0);
}
