// The relay between two streams in memory: what the client gets, byte for byte, and when.
#include "gateway/relay.hpp"

#include <string>

#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/memory_stream.hpp"
#include "tests/support/run_task.hpp"

using namespace sallyport;
using namespace sallyport::gateway;
using namespace std::chrono_literals;
using core::Reason;
using core::Result;
using core::Task;
using routing::Family;

namespace {

constexpr std::string_view event_head =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

std::string chunk(std::string_view data) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string size;
  for (std::size_t rest = data.size(); rest > 0; rest /= 16) size.insert(size.begin(), digits[rest % 16]);
  return size + "\r\n" + std::string(data) + "\r\n";
}

// The content of a chunked body, or nothing when it does not end as it should.
std::optional<std::string> unchunk(std::string_view text) {
  http::BodyDecoder decoder({http::BodyKind::chunked, 0});
  std::string out;
  while (!decoder.finished()) {
    const auto step = decoder.decode(core::bytes_of(text));
    if (!step || (step->consumed == 0 && !step->finished)) return std::nullopt;
    out += core::text_of(step->content);
    text.remove_prefix(step->consumed);
  }
  return text.empty() ? std::optional(out) : std::nullopt;
}

struct Bench {
  boost::asio::io_context io{1};
  tests::FakeClock clock;
  core::TimerWheel wheel{clock.now()};
  LogWait log_wait{wheel, 10s};
  BufferPool buffers;
  tests::MemoryPair client = tests::memory_pair(io.get_executor());
  tests::MemoryPair upstream = tests::memory_pair(io.get_executor());
  RelayPlan plan{"POST", 1, Family::openai_chat, false, true, 120s, 60s, 60s};
  std::string own_fields = "x-request-id: r1\r\n";
  std::optional<Relay> relay;

  // Head, start, pass; the last bytes are not sent.
  Result<void> pass() {
    relay.emplace(clock, *client.stream, *upstream.stream, buffers, plan, nullptr, log_wait);
    return tests::run(io, pass_task(*relay, own_fields));
  }
  Result<void> whole() {
    if (auto passed = pass(); !passed) return passed;
    return tests::run(io, relay->finish(60s));
  }
  static Task<Result<void>> pass_task(Relay& relay, std::string own_fields) {
    if (auto head = co_await relay.read_head(); !head) co_return head;
    relay.start(own_fields);
    co_return co_await relay.pass();
  }
  static Task<int> break_off(Relay& relay) {
    co_await relay.break_off(Reason::upstream_truncated);
    co_return 0;
  }
  std::string head() const { return client.peer.received().substr(0, client.peer.received().find("\r\n\r\n") + 4); }
  std::string body() const { return client.peer.received().substr(client.peer.received().find("\r\n\r\n") + 4); }
};

}  // namespace

TEST_CASE("a plain answer leaves whole, in one write, with the gateway's own framing and fields") {
  Bench bench;
  bench.upstream.peer.send(
      "HTTP/1.1 201 Made\r\ncontent-type: application/json\r\nx-kept: yes\r\nconnection: x-gone\r\n"
      "x-gone: 1\r\nkeep-alive: 5\r\ncontent-length: 2\r\n\r\n{}");
  REQUIRE(bench.whole().has_value());
  CHECK(bench.client.peer.received() ==
        "HTTP/1.1 201 Made\r\ncontent-type: application/json\r\nx-kept: yes\r\ndate: Fri, 02 Jan 2026 03:00:00 "
        "GMT\r\nx-request-id: r1\r\ncontent-length: "
        "2\r\n\r\n{}");
  CHECK(bench.client.peer.writes() == 1);
  CHECK(bench.relay->upstream_reusable());
}

TEST_CASE("of a field that the gateway sets, the client gets the gateway's alone") {
  Bench bench;
  bench.own_fields += "x-ratelimit-limit-requests: 3\r\n";
  bench.upstream.peer.send(
      "HTTP/1.1 200 OK\r\nx-request-id: theirs\r\nX-RateLimit-Limit-Requests: 9\r\n"
      "x-ratelimit-limit-tokens: 8\r\nx-accel-buffering: yes\r\ncontent-length: 0\r\n\r\n");
  REQUIRE(bench.whole().has_value());
  CHECK(bench.client.peer.received() ==
        "HTTP/1.1 200 OK\r\nx-ratelimit-limit-tokens: 8\r\ndate: Fri, 02 Jan 2026 03:00:00 GMT\r\nx-request-id: r1\r\n"
        "x-ratelimit-limit-requests: 3\r\ncontent-length: 0\r\n\r\n");
}

TEST_CASE("an answer does not tell the model server's software") {
  Bench bench;
  bench.upstream.peer.send(
      "HTTP/1.1 200 OK\r\nServer: uvicorn\r\nX-Powered-By: Express\r\nx-server: kept\r\ncontent-length: 0\r\n\r\n");
  REQUIRE(bench.whole().has_value());
  CHECK(bench.client.peer.received() ==
        "HTTP/1.1 200 OK\r\nx-server: kept\r\ndate: Fri, 02 Jan 2026 03:00:00 GMT\r\nx-request-id: r1\r\n"
        "content-length: 0\r\n\r\n");
}

TEST_CASE("a trailer cannot speak of framing or of the connection") {
  Bench bench;
  bench.upstream.peer.send(std::string(event_head) + chunk("data: one\n\n") +
                           "0\r\nContent-Length: 5\r\ntransfer_encoding: chunked\r\nconnection: x-sum\r\n"
                           "trailer: x-sum\r\nTE: gzip\r\nkeep-alive: 1\r\nx-sum: 42\r\n\r\n");
  REQUIRE(bench.whole().has_value());
  CHECK(bench.body() == chunk("data: one\n\n") + "0\r\nx-sum: 42\r\n\r\n");
}

TEST_CASE("the last bytes stay here until finish, so that the record can come first") {
  Bench bench;
  bench.upstream.peer.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
  REQUIRE(bench.pass().has_value());
  CHECK(bench.client.peer.received().empty());
  REQUIRE(tests::run(bench.io, bench.relay->finish(60s)).has_value());
  CHECK(bench.body() == "hello");
}

TEST_CASE("all that the last read brought stays here, also where usage is hidden and an event lost its end") {
  Bench bench;
  bench.plan.hide_usage = true;
  const std::string events = "data: one\n\n", cut = "data: two";
  bench.upstream.peer.send(std::string(event_head) + chunk(events) + chunk(cut) + "0\r\n\r\n");
  REQUIRE(bench.pass().has_value());
  CHECK(bench.client.peer.received().empty());
  REQUIRE(tests::run(bench.io, bench.relay->finish(60s)).has_value());
  CHECK(unchunk(bench.body()) == events + cut);
}

TEST_CASE("an event is at the client before the next one exists") {
  Bench bench;
  bench.upstream.peer.send(event_head);
  bench.upstream.peer.send(chunk("data: one\n\n"));
  bool done = false;
  bench.relay.emplace(bench.clock, *bench.client.stream, *bench.upstream.stream, bench.buffers, bench.plan, nullptr,
                      bench.log_wait);
  boost::asio::co_spawn(bench.io.get_executor(), Bench::pass_task(*bench.relay, bench.own_fields),
                        [&](std::exception_ptr, Result<void>) { done = true; });
  bench.io.poll();
  CHECK(bench.body() == chunk("data: one\n\n"));
  CHECK_FALSE(done);
  bench.upstream.peer.send(chunk("data: two\n\n"));
  bench.io.restart();
  bench.io.poll();
  CHECK(bench.body() == chunk("data: one\n\n") + chunk("data: two\n\n"));
  bench.upstream.peer.send("0\r\n\r\n");
  bench.io.restart();
  bench.io.run();
  CHECK(done);
}

TEST_CASE("the head of an event stream does not wait for its first event") {
  Bench bench;
  bench.upstream.peer.send(event_head);
  bench.relay.emplace(bench.clock, *bench.client.stream, *bench.upstream.stream, bench.buffers, bench.plan, nullptr,
                      bench.log_wait);
  boost::asio::co_spawn(bench.io.get_executor(), Bench::pass_task(*bench.relay, bench.own_fields),
                        [](std::exception_ptr, Result<void>) {});
  bench.io.poll();
  CHECK(bench.head().find("x-accel-buffering: no\r\n") != std::string::npos);
  CHECK(bench.head().find("cache-control: no-cache\r\n") != std::string::npos);
  bench.upstream.peer.end();
  bench.io.restart();
  bench.io.run();
}

TEST_CASE("all events that one read brought leave in one write") {
  Bench bench;
  std::string several = std::string(event_head);
  for (int i = 0; i < 20; ++i) several += chunk("data: word\n\n");
  bench.upstream.peer.send(several);
  bench.upstream.peer.send("0\r\n\r\n");
  REQUIRE(bench.whole().has_value());
  std::string expected;
  for (int i = 0; i < 20; ++i) expected += "data: word\n\n";
  CHECK(unchunk(bench.body()) == expected);
  CHECK(bench.client.peer.writes() == 2);  // the events; the end
}

TEST_CASE("any cut of the upstream's bytes gives the client the same content") {
  const std::string answer = std::string(event_head) + chunk("data: {\"a\":1}\n\n") + chunk("data: [DO") +
                             chunk("NE]\n\n") + "0\r\nx-trailer: t\r\n\r\n";
  for (std::size_t cut = 1; cut < answer.size(); ++cut) {
    Bench bench;
    bench.upstream.peer.send(answer.substr(0, cut));
    bench.upstream.peer.send(answer.substr(cut));
    REQUIRE(bench.whole().has_value());
    const std::string body = bench.body();
    CHECK(unchunk(body) == "data: {\"a\":1}\n\ndata: [DONE]\n\n");
    CHECK(body.find("x-trailer: t\r\n") != std::string::npos);
    CHECK(bench.relay->upstream_reusable());
  }
  Bench bench;
  bench.upstream.peer.send_byte_by_byte(answer);
  REQUIRE(bench.whole().has_value());
  CHECK(unchunk(bench.body()) == "data: {\"a\":1}\n\ndata: [DONE]\n\n");
}

TEST_CASE("an answer cut anywhere is never given a clean end") {
  const std::string answer = std::string(event_head) + chunk("data: one\n\n") + chunk("data: two\n\n") + "0\r\n\r\n";
  for (std::size_t cut = 0; cut < answer.size(); ++cut) {
    Bench bench;
    bench.upstream.peer.send(answer.substr(0, cut));
    const bool by_reset = cut % 2 == 0;
    if (by_reset) {
      bench.upstream.peer.fail(Reason::truncated);
    } else {
      bench.upstream.peer.end();
    }
    const auto passed = bench.pass();
    REQUIRE_FALSE(passed.has_value());
    const bool in_head = cut < event_head.size();
    CHECK(passed.error().reason == (in_head ? Reason::upstream_closed : Reason::upstream_truncated));
    tests::run(bench.io, Bench::break_off(*bench.relay));
    CHECK_FALSE(unchunk(bench.client.peer.received()).has_value());
    CHECK(bench.client.peer.received().find("0\r\n\r\n") == std::string::npos);
    if (!in_head) CHECK(bench.body().find("data: {\"error\":") != std::string::npos);
    CHECK_FALSE(bench.relay->upstream_reusable());
  }
}

TEST_CASE("what is said of a failure does not run into an event whose end was held back") {
  Bench bench;
  bench.upstream.peer.send(std::string(event_head) + chunk("data: half"));
  bench.upstream.peer.send(chunk(" an event\n\n") + "0\r\n\r\n");
  REQUIRE(bench.pass().has_value());
  tests::run(bench.io, Bench::break_off(*bench.relay));  // the record could not be sealed
  CHECK(bench.body().starts_with(chunk("data: half")));
  CHECK(bench.body().find("\r\n\n\ndata: {\"error\":{") != std::string::npos);
}

TEST_CASE("what is encoded passes as it is, and nothing is said behind it") {
  Bench bench;
  bench.plan.hide_usage = true;
  const std::string coding = GENERATE("gzip", "identity");
  bench.upstream.peer.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: " + coding +
                           "\r\ntransfer-encoding: chunked\r\n\r\n" + chunk("data: half"));
  bench.upstream.peer.fail(Reason::truncated);
  REQUIRE_FALSE(bench.pass().has_value());
  const bool passed_at_once = bench.body() == chunk("data: half");
  tests::run(bench.io, Bench::break_off(*bench.relay));
  CHECK(passed_at_once == (coding == "gzip"));
  CHECK((bench.body().find("error") == std::string::npos) == (coding == "gzip"));
}

TEST_CASE("an event stream of a stated size that is cut is not whole for its client") {
  Bench bench;
  bench.upstream.peer.send(
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 75\r\n\r\ndata: 1\n\ndata: ");
  bench.upstream.peer.end();
  CHECK(bench.pass().error().reason == Reason::upstream_truncated);
  tests::run(bench.io, Bench::break_off(*bench.relay));
  CHECK(bench.head().find("content-length") == std::string::npos);
  CHECK(bench.body().find("data: {\"error\":{") != std::string::npos);
  CHECK(!unchunk(bench.body()));
}

TEST_CASE("a client that takes nothing keeps the upstream from being read") {
  Bench bench;
  bench.upstream.peer.send(event_head);
  for (int i = 0; i < 1000; ++i) bench.upstream.peer.send(chunk(std::string(1000, 'x')));
  bench.client.peer.stall_writes(true);
  bench.relay.emplace(bench.clock, *bench.client.stream, *bench.upstream.stream, bench.buffers, bench.plan, nullptr,
                      bench.log_wait);
  Result<void> result;
  boost::asio::co_spawn(bench.io.get_executor(), Bench::pass_task(*bench.relay, bench.own_fields),
                        [&](std::exception_ptr, Result<void> ended) { result = ended; });
  bench.io.poll();
  CHECK(bench.upstream.peer.unread() > 900'000);
  CHECK(bench.client.peer.deadline() == bench.clock.now() + 60s);
  bench.client.peer.time_is(bench.clock.now() + 61s);
  bench.io.restart();
  bench.io.run();
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().reason == Reason::client_left);
}

TEST_CASE("an upstream that stays silent is given up at its first byte's and its idle time") {
  Bench bench;
  SECTION("before its head") {
    bench.upstream.peer.time_is(bench.clock.now() + 121s);
    const auto passed = bench.pass();
    REQUIRE_FALSE(passed.has_value());
    CHECK(passed.error().reason == Reason::upstream_first_byte_timeout);
    CHECK_FALSE(bench.relay->started());
  }
  SECTION("between events") {
    bench.upstream.peer.send(std::string(event_head) + chunk("data: one\n\n"));
    bench.upstream.peer.time_is(bench.clock.now() + 61s);
    bench.plan.first_byte = 1000s;
    const auto passed = bench.pass();
    REQUIRE_FALSE(passed.has_value());
    CHECK(passed.error().reason == Reason::upstream_idle_timeout);
  }
}

TEST_CASE("an upstream that ends before its answer's head has told no usage") {
  Bench bench;
  bench.upstream.peer.fail(Reason::truncated);
  const auto passed = bench.pass();
  REQUIRE_FALSE(passed.has_value());
  CHECK(passed.error().reason == Reason::upstream_closed);
  CHECK_FALSE(bench.relay->usage().has_value());
  CHECK_FALSE(bench.relay->upstream_reusable());
}

TEST_CASE("bytes after an answer make its connection unfit for another call") {
  Bench bench;
  bench.upstream.peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n");
  REQUIRE(bench.whole().has_value());
  CHECK(bench.body() == "{}");
  CHECK_FALSE(bench.relay->upstream_reusable());
}

TEST_CASE("interim answers are dropped, a flood of them is refused") {
  Bench bench;
  const int count = GENERATE(1, 10, 11, 1000);
  std::string answer;
  for (int i = 0; i < count; ++i) answer += "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
  answer += "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
  bench.upstream.peer.send_byte_by_byte(answer.substr(0, 60));
  bench.upstream.peer.send(answer.substr(60));
  const auto passed = bench.pass();
  CHECK(passed.has_value() == (count <= 10));
  if (!passed) CHECK(passed.error().reason == Reason::upstream_malformed);
}

TEST_CASE("an answer that RFC 9112 forbids never reaches the client") {
  for (const std::string_view answer :
       {"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\ncontent-length: 0\n\n"}) {
    Bench bench;
    bench.upstream.peer.send(answer);
    bench.upstream.peer.end();
    const auto passed = bench.pass();
    REQUIRE_FALSE(passed.has_value());
    CHECK(passed.error().reason == Reason::upstream_malformed);
    CHECK(bench.client.peer.received().empty());
  }
  Bench bench;
  bench.upstream.peer.send("HTTP/1.1 200 OK\r\nx-long: " + std::string(1 << 20, 'x') + "\r\n\r\n");
  CHECK_FALSE(bench.pass().has_value());
}

TEST_CASE("usage that the gateway asked for is read and taken out again, whatever the cut") {
  const std::string words = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\n";
  const std::string usage =
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2,\"total_tokens\":9}}\n\n";
  const std::string stream =
      std::string(event_head) + chunk(words) + chunk(usage) + chunk("data: [DONE]\n\n") + "0\r\n\r\n";
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    Bench bench;
    bench.plan.hide_usage = true;
    bench.upstream.peer.send(stream.substr(0, cut));
    bench.upstream.peer.send(stream.substr(cut));
    REQUIRE(bench.whole().has_value());
    CHECK(unchunk(bench.body()) == words + "data: [DONE]\n\n");
    REQUIRE(bench.relay->usage().has_value());
    CHECK(bench.relay->usage()->total_tokens == 9);
  }
}

TEST_CASE("an HTTP/1.0 client gets a stream that ends with its connection") {
  Bench bench;
  bench.plan.client_minor_version = 0;
  bench.upstream.peer.send(std::string(event_head) + chunk("data: one\n\n") + "0\r\n\r\n");
  REQUIRE(bench.whole().has_value());
  CHECK(bench.body() == "data: one\n\n");
  CHECK(bench.head().find("connection: close\r\n") != std::string::npos);
  CHECK_FALSE(bench.relay->client_reusable());
}

TEST_CASE("a failure in mid-stream is told in the words of the family") {
  struct Case {
    Family family;
    std::string_view expected;
  };
  const auto [family, expected] = GENERATE(Case{Family::openai_chat, "data: {\"error\":{\"message\":"},
                                           Case{Family::anthropic_messages, "event: error\ndata: {\"type\":\"error\""},
                                           Case{Family::openai_responses, "event: response.failed\ndata: {\"type\":"});
  Bench bench;
  bench.plan.family = family;
  bench.upstream.peer.send(std::string(event_head) + chunk("data: {}\n\n"));
  bench.upstream.peer.fail(Reason::truncated);
  REQUIRE_FALSE(bench.pass().has_value());
  tests::run(bench.io, Bench::break_off(*bench.relay));
  CHECK(bench.body().find(expected) != std::string::npos);
}

TEST_CASE("a server that refuses the gateway's certificate is told as such only where it has said nothing before") {
  Bench bench;
  const std::string said = GENERATE(as<std::string>{}, "", "HTTP/1.1 102 Processing\r\n\r\n", "HTTP/1.1 2");
  INFO(said);
  if (!said.empty()) bench.upstream.peer.send(said);
  bench.upstream.peer.fail(Reason::upstream_rejected_certificate);
  const Reason told = said.empty() ? Reason::upstream_rejected_certificate : Reason::upstream_closed;
  CHECK(bench.pass().error().reason == told);
}
