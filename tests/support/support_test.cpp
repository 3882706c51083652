// The harness itself, tested against itself: what it claims to see must be what happened.
#include <unistd.h>

#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/scripted_client.hpp"
#include "tests/support/scripted_server.hpp"

using namespace sallyport::tests;

namespace {

// One PKI for the whole program: making keys is the slowest thing here.
const TestPki& pki() {
  static const TemporaryDirectory directory;
  static const TestPki made(directory.where());
  return made;
}

ClientWish client_of(const ScriptedServer& server) { return {server.port(), {pki().client, pki().ours.certificate()}}; }

ServerWish our_server() { return mutual_tls(pki().model_server, pki().ours.certificate()); }

}  // namespace

TEST_CASE("a scripted client and a scripted server exchange a message over mutual TLS 1.3") {
  ScriptedServer server(our_server(), answer_always("{\"ok\":true}"));
  ScriptedClient client(client_of(server));
  client.send(request_text({.body = chat_body("m", "hello")}));
  const Message answer = client.read_answer();
  CHECK(answer.status() == 200);
  CHECK(answer.body == "{\"ok\":true}");
  CHECK(answer.whole);
  REQUIRE(server.received().count() == 1);
  CHECK(server.received().requests()[0].target() == "/v1/chat/completions");
  CHECK(server.received().requests()[0].body == chat_body("m", "hello"));
  CHECK(std::string(SSL_get_version(client.tls())) == "TLSv1.3");
}

TEST_CASE("a request sent byte by byte is the same request") {
  ScriptedServer server({}, answer_always("x"));
  ScriptedClient client({.port = server.port(), .plain = true});
  client.send_byte_by_byte(request_text({.body = "{}"}));
  CHECK(client.read_answer().body == "x");
}

TEST_CASE("a clean end, a cut and a reset are told apart") {
  const bool tls = GENERATE(true, false);
  ServerWish wish = tls ? our_server() : ServerWish{};
  std::atomic<int> how = 0;
  ScriptedServer server(wish, [&](Peer& peer) {
    peer.read_exactly(1);
    if (how == 0) peer.close();
    if (how == 1) peer.cut();
    if (how == 2) peer.reset();
  });
  const Ending expected[] = {Ending::clean, tls ? Ending::cut : Ending::clean, Ending::cut};
  for (how = 0; how < 3; ++how) {
    INFO("tls " << tls << ", how " << how);
    ClientWish to = client_of(server);
    to.plain = !tls;
    ScriptedClient client(to);
    client.send("x");
    CHECK(client.wait_for_end() == expected[how]);
  }
}

TEST_CASE("events of a stream are read one by one, as they are sent") {
  Signal next;
  ScriptedServer server({}, [&](Peer& peer) {
    peer.read_request();
    peer.start_stream();
    peer.send_event("one");
    next.wait();
    peer.send_event("two");
    peer.send(last_chunk);
  });
  ScriptedClient client({.port = server.port(), .plain = true});
  client.send(request_text({.method = "GET"}));
  Message head = read_head(client);
  BodyReader body(client, head, BodyReader::Of::answer);
  CHECK(body.next_event() == "data: one\n\n");
  CHECK(body.next_event(std::chrono::milliseconds(50)).empty());
  CHECK_FALSE(body.finished());
  next.set();
  CHECK(body.next_event() == "data: two\n\n");
  CHECK(body.next_event().empty());
  CHECK(body.finished());
}

TEST_CASE("a body that is cut short is not called whole") {
  ScriptedServer server({}, [](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  });
  ScriptedClient client({.port = server.port(), .plain = true});
  client.send(request_text({.method = "GET"}));
  const Message answer = client.read_answer();
  CHECK(answer.body == "half");
  CHECK_FALSE(answer.whole);
}

TEST_CASE("a client refuses an expired, a foreign and a misnamed server") {
  const Identity shown = GENERATE(pki().expired, pki().foreign, pki().wrong_name);
  ScriptedServer server({TlsWish{shown, {}}}, answer_always("x"));
  CHECK_THROWS_AS(ScriptedClient(client_of(server)), WireError);
}

TEST_CASE("a server that wants a certificate of ours refuses none and a foreign one") {
  ScriptedServer server(our_server(), answer_always("x"));
  ClientWish wish = client_of(server);
  SECTION("none") { wish.tls.identity.reset(); }
  SECTION("foreign") { wish.tls.identity = pki().foreign_client; }
  ScriptedClient client(wish);  // a TLS 1.3 client is done before the server has judged it
  CHECK(client.wait_for_end() == Ending::cut);
  CHECK(server.handshakes() == 0);
}

TEST_CASE("a server that does not read makes the sender stall") {
  Signal done;
  ScriptedServer server({}, [&](Peer&) { done.wait(); });
  ScriptedClient client({.port = server.port(), .plain = true});
  const std::string much(64 << 20, 'x');
  CHECK(client.send_until_stalled(much, std::chrono::milliseconds(50)) < much.size());
  done.set();
}

TEST_CASE("a script that never ends is woken when its server goes") {
  auto server = std::make_unique<ScriptedServer>(ServerWish{}, [](Peer& peer) { peer.wait_for_end(3600s); });
  ScriptedClient client({.port = server->port(), .plain = true});
  REQUIRE(eventually([&] { return server->connections() == 1; }));
  server.reset();
  CHECK(client.wait_for_end() != Ending::open);
}

TEST_CASE("a fake clock moves only when told, and its wall clock can be stepped alone") {
  FakeClock clock;
  const auto before = clock.now();
  CHECK(clock.wall() == FakeClock::start);
  clock.advance(90s);
  CHECK(clock.now() - before == 90s);
  clock.step_wall(-1h);
  CHECK(clock.now() - before == 90s);
  CHECK(clock.wall() == FakeClock::start + 90s - 1h);
}
