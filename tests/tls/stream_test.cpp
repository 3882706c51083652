// The TLS and plain ByteStream over real loopback sockets, both ends in one event loop, time turned by hand.
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <string>

#include "tests/support/catch.hpp"
#include "tests/support/test_pki.hpp"
#include "tests/support/waiting.hpp"
#include "tls/accept.hpp"
#include "tls/connect.hpp"
#include "tls/listen.hpp"
#include "tls/tcp_stream.hpp"
#include "tls/tls_stream.hpp"

using namespace sallyport;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using core::Reason;
using core::Result;
using core::Task;

namespace {

const tests::TestPki& pki() {
  static const tests::TemporaryDirectory directory;
  static const tests::TestPki made(directory.where());
  return made;
}

tls::ServerSettings server_settings(const tests::Identity& identity) {
  return {{{identity.certificate, identity.key}}, tls::ClientCertificates::off, {}};
}

tls::ServerSettings mutual_settings(const tests::Identity& identity) {
  return {{{identity.certificate, identity.key}}, tls::ClientCertificates::required, pki().ours.certificate()};
}

tls::ClientSettings client_settings() {
  return {pki().ours.certificate(), pki().gateway_client.certificate, pki().gateway_client.key, "localhost"};
}

// One event loop with a listening socket; both ends of a connection live here.
struct Bench final : tls::ReadySet::Watcher {
  boost::asio::io_context io{1};
  core::TimePoint now{};
  core::TimerWheel wheel{now};
  tls::Loop loop{io, wheel};
  core::Descriptor listening = tls::listen("127.0.0.1", 0);
  core::Event came;

  Bench() { loop.ready.add(listening.number(), *this); }
  ~Bench() { loop.ready.remove(listening.number(), *this); }
  void ready(std::uint32_t) override { came.wake(); }
  std::uint16_t port() const {
    tcp::endpoint own;
    auto size = static_cast<socklen_t>(own.capacity());
    REQUIRE(::getsockname(listening.number(), own.data(), &size) == 0);
    return own.port();
  }
  Task<tls::Socket> accept() {
    for (;;) {
      auto client = tls::take_client(listening);
      if (client && client->is_open()) co_return std::move(*client);
      co_await came.wait();
    }
  }

  template <class... Tasks>
  void run(Tasks... tasks) {
    std::size_t under_way = sizeof...(tasks);
    (start(std::move(tasks), [&under_way] { --under_way; }), ...);
    until([&] { return under_way == 0; });
  }
  // Lets the loop work until the condition holds. A watch may still be reading afterwards.
  template <class Condition>
  void until(Condition condition) {
    const auto begun = std::chrono::steady_clock::now();
    while (!condition()) {
      loop.turn(100ms);
      REQUIRE(std::chrono::steady_clock::now() - begun < 10s);
    }
  }
  template <class Done>
  void start(Task<void> task, Done done) {
    boost::asio::co_spawn(io.get_executor(), std::move(task), [done](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
      done();
    });
    settle();
  }
  // Lets the loop do what it can without waiting.
  void settle() { loop.turn(0s); }
  void pass(core::Duration time) { wheel.advance(now += time); }
};

Task<void> accept_one(Bench& bench, const tls::ServerIdentity& identity, Result<tls::Peer>& out) {
  auto socket = co_await bench.accept();
  std::function<void()> end;
  out = co_await tls::accept(std::move(socket), bench.loop, identity, core::TimerWheel::never, end);
}

Task<void> connect_one(Bench& bench, const tls::ClientIdentity& identity, Result<tls::Peer>& out,
                       std::shared_ptr<tls::SessionSlot> slot = nullptr) {
  out = co_await tls::connect(bench.loop, "127.0.0.1", bench.port(), &identity, slot, core::TimerWheel::never);
}

// A connection, handshakes done.
struct Pair {
  Bench bench;
  tls::ServerIdentity server_identity{mutual_settings(pki().model_server)};
  tls::ClientIdentity client_identity{client_settings()};
  Result<tls::Peer> server{Reason::internal}, client{Reason::internal};

  Pair() {
    bench.run(accept_one(bench, server_identity, server), connect_one(bench, client_identity, client));
    REQUIRE(server.has_value());
    REQUIRE(client.has_value());
  }
  core::ByteStream& from() { return *client->stream; }
  core::ByteStream& to() { return *server->stream; }
};

// The same without TLS.
struct PlainPair {
  Bench bench;
  Result<tls::Peer> server{Reason::internal}, client{Reason::internal};

  PlainPair() {
    auto accept = [](Bench& on, Result<tls::Peer>& out) -> Task<void> {
      out = tls::accept_plain(co_await on.accept(), on.loop);
    };
    auto connect = [](Bench& on, Result<tls::Peer>& out) -> Task<void> {
      out = co_await tls::connect(on.loop, "127.0.0.1", on.port(), nullptr, nullptr, core::TimerWheel::never);
    };
    bench.run(accept(bench, server), connect(bench, client));
    REQUIRE(server.has_value());
    REQUIRE(client.has_value());
  }
  core::ByteStream& from() { return *client->stream; }
  core::ByteStream& to() { return *server->stream; }
};

// The check of a connection without TLS, and of one with it.
template <class Check>
void on_either(Check check) {
  PlainPair plain;
  check(plain);
  Pair pair;
  check(pair);
}

Task<void> write_text(core::ByteStream& stream, std::string_view text, Result<void>& out) {
  out = co_await stream.write_all(core::bytes_of(text));
}

constexpr std::size_t usual_read = 16384;

Task<void> read_text(core::ByteStream& stream, std::size_t size, std::string& out, Result<void>& result,
                     std::size_t at_once = usual_read) {
  std::vector<std::byte> buffer(at_once);
  while (out.size() < size) {
    auto got = co_await stream.read_some(core::MutableBytes(buffer));
    if (!got) {
      result = got.error();
      co_return;
    }
    if (*got == 0) co_return;
    out += core::text_of(core::ConstBytes(buffer).first(*got));
  }
}

// The same by one who waits before each read; counts them.
Task<void> read_awaited(core::ByteStream& stream, std::size_t size, std::string& out, int& reads,
                        std::size_t at_once = usual_read) {
  for (; out.size() < size; ++reads) {
    const auto readable = co_await stream.wait_readable();
    REQUIRE(readable.has_value());
    Result<void> read;
    co_await read_text(stream, out.size() + 1, out, read, at_once);
    REQUIRE(read.has_value());
  }
}

// The peer sends `pieces`, each seen before the next, then leaves; nobody reads. What is read afterwards.
template <class AnyPair>
std::string leave_behind(AnyPair& pair, const std::vector<std::string>& pieces, bool reset) {
  int left = 0;
  pair.to().watch([&] { ++left; });
  for (const auto& piece : pieces) {
    Result<void> written;
    pair.bench.run(write_text(pair.from(), piece, written));
    pair.bench.until([&] { return pair.to().has_unread(); });
    pair.bench.settle();
    CHECK(left == 0);
  }
  reset ? pair.from().abort() : pair.client->stream.reset();
  pair.bench.until([&] { return left > 0; });
  CHECK(left == 1);
  std::string text;
  Result<void> read;
  std::size_t size = 0;
  for (const auto& piece : pieces) size += piece.size();
  pair.bench.run(read_text(pair.to(), size, text, read));
  return text;
}

// The first error of a connection attempt against a server identity: what the client sees, then what its first read
// says.
Reason connect_failure(const tls::ServerSettings& server, const tls::ClientSettings& client) {
  Bench bench;
  tls::ServerIdentity server_identity(server);
  tls::ClientIdentity client_identity(client);
  Result<tls::Peer> accepted{Reason::internal}, connected{Reason::internal};
  bench.run(accept_one(bench, server_identity, accepted), connect_one(bench, client_identity, connected));
  if (!connected) return connected.error().reason;
  if (accepted) return Reason::none;
  std::string text;
  Result<void> read;
  bench.run(read_text(*connected->stream, 1, text, read));
  return read ? Reason::none : read.error().reason;
}

std::string refusal_of(const tls::ServerSettings& settings) {
  try {
    tls::ServerIdentity identity(settings);
    return {};
  } catch (const std::runtime_error& problem) {
    return problem.what();
  }
}

}  // namespace

TEST_CASE("a handshake proves both sides to each other") {
  Pair pair;
  CHECK(pair.server->identity.verified);
  CHECK(pair.client->identity.verified);
  CHECK(pair.client->identity.dns_names == std::vector<std::string>{"localhost"});
  CHECK(pair.server->identity.fingerprint.size() == 64);
  CHECK(pair.server->identity.address == "127.0.0.1");
  const auto left = pair.server->identity.valid_until - std::chrono::system_clock::now();
  CHECK(left > 29 * 24h);
  CHECK(left <= 30 * 24h);
  CHECK_FALSE(pair.client->identity.key_exchange.empty());
}

TEST_CASE("content of any size arrives whole, in both directions at once") {
  const std::size_t size = GENERATE(1, 100, 16383, 16384, 16385, 100'000, 5'000'000);
  Pair pair;
  std::string there(size, 'a'), back(size, 'b'), got_there, got_back;
  for (std::size_t i = 0; i < size; i += 97) there[i] = static_cast<char>('c' + i % 20);
  Result<void> results[4];
  pair.bench.run(write_text(pair.from(), there, results[0]), read_text(pair.to(), size, got_there, results[1]),
                 write_text(pair.to(), back, results[2]), read_text(pair.from(), size, got_back, results[3]));
  for (const auto& result : results) CHECK(result.has_value());
  CHECK(got_there == there);
  CHECK(got_back == back);
}

TEST_CASE("many small pieces leave as one write and arrive in order") {
  Pair pair;
  std::vector<std::string> texts;
  std::vector<core::ConstBytes> pieces;
  std::string whole, got;
  for (int i = 0; i < 1000; ++i)
    texts.push_back(std::string(static_cast<std::size_t>(i % 40), static_cast<char>('a' + i % 26)));
  for (const auto& text : texts) {
    pieces.push_back(core::bytes_of(text));
    whole += text;
  }
  Result<void> written, read;
  auto write = [](core::ByteStream& stream, std::span<const core::ConstBytes> all, Result<void>& out) -> Task<void> {
    out = co_await stream.write_all(all);
  };
  pair.bench.run(write(pair.from(), pieces, written), read_text(pair.to(), whole.size(), got, read));
  CHECK(written.has_value());
  CHECK(got == whole);
}

TEST_CASE("a peer that says goodbye ends cleanly, one that vanishes does not") {
  Pair pair;
  std::string text;
  Result<void> read;
  SECTION("close_notify") {
    pair.from().close();
    pair.bench.run(read_text(pair.to(), 1, text, read));
    CHECK(read.has_value());
    CHECK(text.empty());
  }
  SECTION("FIN alone") {
    pair.client->stream.reset();
    pair.bench.run(read_text(pair.to(), 1, text, read));
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().reason == Reason::truncated);
  }
  SECTION("RST") {
    pair.from().abort();
    pair.bench.run(read_text(pair.to(), 1, text, read));
    REQUIRE_FALSE(read.has_value());
  }
}

TEST_CASE("a read ends when its deadline passes, and works again when it is moved") {
  Pair pair;
  std::string text;
  Result<void> read;
  pair.to().set_deadline(pair.bench.now + 10s);
  bool done = false;
  pair.bench.start(read_text(pair.to(), 1, text, read), [&] { done = true; });
  pair.bench.pass(9s);
  pair.bench.settle();
  CHECK_FALSE(done);
  pair.bench.pass(2s);
  pair.bench.until([&] { return done; });
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().reason == Reason::timeout);

  pair.to().set_deadline(core::TimerWheel::never);
  Result<void> written, again;
  pair.bench.run(write_text(pair.from(), "x", written), read_text(pair.to(), 1, text, again));
  CHECK(again.has_value());
  CHECK(text == "x");
}

// A process that stood still (SIGSTOP, a paused machine) finds what came meanwhile together with its deadlines.
TEST_CASE("what has come by the deadline is read, though both are seen in one turn") {
  on_either([](auto& pair) {
    std::string text;
    Result<void> read, again;
    pair.to().set_deadline(pair.bench.now + 10s);
    bool done = false, done_again = false;
    pair.bench.start(read_text(pair.to(), 1, text, read), [&] { done = true; });
    const auto send_and_pass = [](auto& both) -> Task<void> {
      const auto written = co_await both.from().write_all(core::bytes_of("x"));
      REQUIRE(written.has_value());
      both.bench.pass(11s);
    };
    pair.bench.run(send_and_pass(pair));
    pair.bench.until([&] { return done; });
    CHECK(read.has_value());
    CHECK(text == "x");
    pair.bench.start(read_text(pair.to(), 2, text, again), [&] { done_again = true; });
    pair.bench.until([&] { return done_again; });
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().reason == Reason::timeout);
  });
}

TEST_CASE("a write to a peer that does not read ends at its deadline, its memory bounded by what was asked") {
  Pair pair;
  const std::string much(64 << 20, 'x');
  Result<void> written;
  pair.from().set_deadline(pair.bench.now + 60s);
  bool done = false;
  pair.bench.start(write_text(pair.from(), much, written), [&] { done = true; });
  const auto sent = pair.from().bytes_sent();
  CHECK(sent < much.size());
  CHECK(pair.bench.loop.outbox.capacity() < (1u << 20));
  pair.bench.pass(61s);
  pair.bench.until([&] { return done; });
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().reason == Reason::timeout);
}

TEST_CASE("a watch tells once that the peer left, and keeps what it sent instead") {
  Pair pair;
  int left = 0;
  pair.to().watch([&] { ++left; });
  pair.bench.settle();
  SECTION("it left with a goodbye") {
    pair.from().close();
    pair.bench.until([&] { return left > 0; });
    CHECK(left == 1);
    CHECK(pair.to().has_unread());
  }
  SECTION("it left without one") {
    pair.client->stream.reset();
    pair.bench.until([&] { return left > 0; });
    CHECK(left == 1);
  }
  SECTION("it sent the next request, then left") {
    Result<void> written;
    pair.bench.run(write_text(pair.from(), "next", written));
    pair.bench.until([&] { return pair.to().has_unread(); });
    CHECK(left == 0);
    CHECK(pair.to().has_unread());
    pair.to().watch({});
    std::string text;
    Result<void> read;
    pair.bench.run(read_text(pair.to(), 4, text, read));
    CHECK(text == "next");
  }
}

TEST_CASE("a peer that leaves behind bytes that nobody has read is noticed, and they are kept", "[watch]") {
  const bool reset = GENERATE(false, true);
  const auto pieces = GENERATE(std::vector<std::string>{"\r\n"}, std::vector<std::string>{"one", "two", "three"},
                               std::vector<std::string>{std::string(1'000, 'a'), std::string(2'000, 'b')});
  std::string whole;
  for (const auto& piece : pieces) whole += piece;
  SECTION("with TLS") {
    Pair pair;
    CHECK(leave_behind(pair, pieces, reset) == whole);
  }
  SECTION("without") {
    PlainPair pair;
    CHECK(leave_behind(pair, pieces, reset) == whole);
  }
}

TEST_CASE("what a watched stream is sent while it is read stays in order", "[watch]") {
  PlainPair pair;
  int left = 0;
  std::string sent, got;
  Result<void> written, read;
  for (int round = 0; round < 50; ++round) {
    const std::string first(static_cast<std::size_t>(1 + round * 83), static_cast<char>('a' + round % 26));
    pair.to().watch([&] { ++left; });
    pair.bench.run(write_text(pair.from(), first, written));
    pair.bench.until([&] { return pair.to().has_unread(); });
    sent += first;
    const std::string second = std::string(static_cast<std::size_t>(5'000 - round * 97), 'z');
    sent += second;
    pair.bench.run(read_text(pair.to(), sent.size() - second.size(), got, read),
                   write_text(pair.from(), second, written));
    pair.to().watch({});
    pair.bench.run(read_text(pair.to(), sent.size(), got, read));
    REQUIRE(got == sent);
  }
  CHECK(left == 0);
}

TEST_CASE("a read after a watch waits for the next bytes and takes long ones whole") {
  Pair pair;
  for (const std::size_t size : {100'000, 4'096, 1'000'000, 1}) {
    const std::string sent(size, 'x');
    std::string got;
    Result<void> written, read;
    pair.bench.run(write_text(pair.from(), sent, written), read_text(pair.to(), size, got, read));
    CHECK(got == sent);
    pair.to().watch([] { FAIL("nobody left"); });
    bool done = false;
    got.clear();
    pair.bench.start(read_text(pair.to(), 4, got, read), [&] { done = true; });
    CHECK_FALSE(done);  // it waits, instead of asking over and over
    pair.bench.run(write_text(pair.from(), "next", written));
    pair.bench.until([&] { return done; });
    CHECK(got == "next");
    pair.to().watch({});
  }
}

TEST_CASE("a stream may be destroyed while it is watched and its peer has left") {
  Pair pair;
  pair.to().watch([] { FAIL("called after the stream was gone"); });
  pair.bench.settle();
  pair.from().close();
  pair.server->stream.reset();
  pair.bench.settle();
}

TEST_CASE("a cancelled stream ends what waits and refuses what follows") {
  Pair pair;
  std::string text;
  Result<void> read, written;
  bool done = false;
  pair.bench.start(read_text(pair.to(), 1, text, read), [&] { done = true; });
  pair.to().cancel();
  pair.bench.until([&] { return done; });
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().reason == Reason::cancelled);
  pair.bench.run(write_text(pair.to(), "x", written));
  CHECK_FALSE(written.has_value());
}

TEST_CASE("a cancelled stream gives nothing more, whatever has come") {
  on_either([](auto& pair) {
    std::string text;
    Result<void> written, read;
    pair.bench.run(write_text(pair.from(), "x", written));
    pair.bench.until([&] { return pair.to().has_unread(); });
    pair.to().cancel();
    pair.bench.run(read_text(pair.to(), 1, text, read));
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().reason == Reason::cancelled);
  });
}

TEST_CASE("what is left in the kernel counts as unread, also while its reader has had its share of the turn") {
  PlainPair pair;
  const std::string much(4 << 20, 'x');
  std::string text;
  Result<void> written, read;
  bool done = false;
  pair.bench.start(write_text(pair.from(), much, written), [] {});
  pair.bench.start(read_text(pair.to(), much.size(), text, read, 1024), [&] { done = true; });
  // The reader waits although there is more.
  REQUIRE(text.size() < much.size());
  CHECK(pair.to().has_unread());
  pair.bench.until([&] { return done; });
}

TEST_CASE("what breaks a connection behind good bytes is told with the next read, though nothing more comes") {
  Pair pair;
  auto& from = static_cast<tls::TlsStream&>(pair.from());
  std::string text;
  Result<void> written, read;
  pair.bench.run(write_text(from, "good", written));
  const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  REQUIRE(from.transport().send(core::bytes_of(forged)).has_value());
  pair.bench.run(read_text(pair.to(), 5, text, read));
  CHECK(text == "good");
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().reason == Reason::tls_failed);
}

TEST_CASE("a record that may not follow a handshake ends the connection, and its sender is told") {
  const std::string head = GENERATE(std::string("\x15\x03\x03\x00\x02\x01\x00", 7),  // an alert that is not sealed
                                    std::string("\x14\x03\x03\x00\x01\x01", 6),      // change_cipher_spec
                                    std::string("\x17\x03\x03\x41\x01", 5),          // more than a record may hold
                                    std::string("\x17\x03\x03\x00\x00", 5));         // less than a tag
  Pair pair;
  std::string text;
  Result<void> read, told;
  REQUIRE(static_cast<tls::TlsStream&>(pair.from()).transport().send(core::bytes_of(head)).has_value());
  pair.bench.run(read_text(pair.to(), 1, text, read));
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().reason == Reason::tls_failed);
  pair.bench.run(read_text(pair.from(), 1, text, told));
  REQUIRE_FALSE(told.has_value());
  CHECK(told.error().reason == Reason::tls_failed);
  pair.bench.run(write_text(pair.to(), "more", told));
  CHECK_FALSE(told.has_value());
}

TEST_CASE("a record is given piece by piece to reads that are smaller than it") {
  Pair pair;
  std::string got;
  Result<void> written, read;
  const std::string sent(5'000, 'x');
  pair.bench.run(write_text(pair.from(), sent, written));
  pair.bench.run(read_text(pair.to(), sent.size(), got, read, 7));
  REQUIRE(read.has_value());
  CHECK(got == sent);
  CHECK_FALSE(pair.to().has_unread());
}

TEST_CASE("records that came together are all given, though each is awaited before it is read") {
  const std::size_t room = GENERATE(16384, 3);
  Pair pair;
  Result<void> written;
  for (const std::string text : {"one", "two", "and three"}) pair.bench.run(write_text(pair.from(), text, written));
  const std::string sent = "onetwoand three";
  std::string got;
  int reads = 0;
  pair.bench.run(read_awaited(pair.to(), sent.size(), got, reads, room));
  CHECK(got == sent);
}

TEST_CASE("what came together is read together, also by one who waits before each read") {
  Pair pair;
  constexpr int records = 150;  // about as many as one read of the socket brings
  const std::string text(100, 'x');
  Result<void> written;
  for (int i = 0; i < records; ++i) pair.bench.run(write_text(pair.from(), text, written));
  std::string got;
  int reads = 0;
  pair.bench.run(read_awaited(pair.to(), records * text.size(), got, reads));
  CHECK(got.size() == records * text.size());
  CHECK(reads < 10);
}

TEST_CASE("nothing is sent behind a fatal alert, also by a write that waited meanwhile") {
  Pair pair;
  auto& from = static_cast<tls::TlsStream&>(pair.from());
  const std::string much(64 << 20, 'x');
  Result<void> written, read;
  bool done = false, left = false;
  pair.to().watch([&] { left = true; });
  pair.bench.start(write_text(pair.to(), much, written), [&] { done = true; });
  REQUIRE(from.transport().send(core::bytes_of(std::string("\x17\x03\x03\x00\x00", 5))).has_value());
  pair.bench.until([&] { return left; });
  CHECK_FALSE(done);
  std::string got;
  pair.bench.run(read_text(from, much.size(), got, read));
  CHECK(got.size() < much.size());
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().reason == Reason::tls_failed);
  pair.bench.until([&] { return done; });
  CHECK_FALSE(written.has_value());
}

TEST_CASE("a reset that a write met first is not taken for a clean end by the read that follows") {
  PlainPair pair;
  std::string text;
  Result<void> written, read;
  pair.bench.run(write_text(pair.from(), "half an ans", written));
  pair.from().abort();
  pair.bench.settle();
  REQUIRE(tests::eventually([&] {
    pair.bench.run(write_text(pair.to(), "the rest of a request", written));
    return !written;
  }));
  pair.bench.run(read_text(pair.to(), 100, text, read));
  CHECK(text == "half an ans");
  CHECK_FALSE(read.has_value());
}

TEST_CASE("nothing sent is told apart from something sent") {
  Pair pair;
  const auto before = pair.from().bytes_sent();
  Result<void> written;
  pair.bench.run(write_text(pair.from(), "hello", written));
  CHECK(pair.from().bytes_sent() > before);
}

TEST_CASE("a second connection resumes the first one's session") {
  Pair pair;
  auto slot = tls::make_session_slot();
  for (int round = 0; round < 2; ++round) {
    Result<tls::Peer> server{Reason::internal}, client{Reason::internal};
    pair.bench.run(accept_one(pair.bench, pair.server_identity, server),
                   connect_one(pair.bench, pair.client_identity, client, slot));
    REQUIRE(server.has_value());
    REQUIRE(client.has_value());
    // The ticket comes after the handshake, with the first thing that is read.
    std::string text;
    Result<void> written, read;
    pair.bench.run(write_text(*server->stream, "x", written), read_text(*client->stream, 1, text, read));
    CHECK(text == "x");
    CHECK(server->identity.verified);  // the client's certificate is known in a resumed session too
    CHECK(client->identity.resumed == (round == 1));
  }
}

TEST_CASE("a server that cannot prove who it is is refused, with the reason") {
  CHECK(connect_failure(mutual_settings(pki().model_server), client_settings()) == Reason::none);
  CHECK(connect_failure(mutual_settings(pki().expired), client_settings()) == Reason::upstream_certificate_expired);
  CHECK(connect_failure(mutual_settings(pki().wrong_name), client_settings()) == Reason::upstream_certificate_name);
  CHECK(connect_failure(mutual_settings(pki().foreign), client_settings()) == Reason::upstream_certificate_untrusted);
}

TEST_CASE("a server that does not like our certificate is told apart") {
  auto without = client_settings();
  without.certificate.clear();
  CHECK(connect_failure(mutual_settings(pki().model_server), without) == Reason::upstream_rejected_certificate);
  auto foreign = client_settings();
  foreign.certificate = pki().foreign_client.certificate;
  foreign.key = pki().foreign_client.key;
  CHECK(connect_failure(mutual_settings(pki().model_server), foreign) == Reason::upstream_rejected_certificate);
}

TEST_CASE("a plain server's bytes before the handshake are never taken for an answer") {
  Bench bench;
  tls::ClientIdentity identity(client_settings());
  Result<tls::Peer> connected{Reason::internal};
  auto serve = [](Bench& on) -> Task<void> {
    auto socket = co_await on.accept();
    tls::TcpStream stream(std::move(socket), on.loop);
    (void)co_await stream.write_all(core::bytes_of("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    std::array<std::byte, 4096> buffer;
    while (true) {
      auto got = co_await stream.read_some(buffer);
      if (!got || *got == 0) break;
    }
  };
  bench.run(serve(bench), connect_one(bench, identity, connected));
  REQUIRE_FALSE(connected.has_value());
  CHECK(connected.error().reason == Reason::upstream_tls_failed);
}

TEST_CASE("an identity with a key that belongs elsewhere is refused with words that name the file") {
  auto settings = server_settings(pki().gateway);
  settings.certificates.front().key = pki().model_server.key;
  CHECK(refusal_of(settings).find(pki().model_server.key.filename().string()) != std::string::npos);
  settings.certificates.front().chain = "does-not-exist.pem";
  CHECK(refusal_of(settings).find("does-not-exist.pem") != std::string::npos);
}
