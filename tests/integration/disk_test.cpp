// The log's disk fails under the real process: full, read-only, giving errors, hanging, slow; each with both overload
// policies. It is told, it has a limit, and it passes without a restart.
#include <signal.h>
#include <sys/mount.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/skipped.hpp"

using namespace sallyport::tests;
using Steady = std::chrono::steady_clock;

namespace {

constexpr long queue_kib = 1024;
// Buffers of connections, and what the allocator keeps. A sanitizer keeps freed memory back.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long slack_kib = 400 * 1024;
#else
constexpr long slack_kib = 30 * 1024;
#endif
constexpr auto stall_limit = 500ms;
const std::string large(64 * 1024, 'p');  // a prompt: sixteen of them fill the queue

// Where `place` is part of a file's path.
std::vector<std::string> on_moody_disk(const std::string& place = "/log/") {
  return preload(MOODY_DISK, {"MOODY_DISK=disk-mood", "MOODY_DISK_PATH=" + place});
}

// A gateway whose log is on a disk of the test's own mood (tests/support/moody_disk.cpp).
struct MoodyGateway {
  explicit MoodyGateway(const std::string& overload, const std::string& limits = "{}")
      : gateway(server, {.log = "capture: full, queue: 1MiB, stall_limit: 500ms, overload: " + overload,
                         .limits = limits,
                         .environment = on_moody_disk()}) {
    CHECK(ask("before") == 200);
  }

  void disk(const std::string& mood) const { write_file(gateway.directory() / "disk-mood", mood); }

  // 0: the answer was cut short.
  unsigned ask(std::string_view prompt) {
    const unsigned call = ++calls;
    ScriptedClient client(gateway.client());
    client.send(gateway.chat(prompt, false, {{"X-Request-Id", "call-" + std::to_string(call)}}));
    const Message answer = client.read_answer();
    return answer.whole ? answer.status() : 0;
  }
  bool ready() const { return gateway.admin("/readyz").status() == 200; }
  bool tells_of_failure() const {
    return eventually([&] { return !ready(); }) && gateway.metric("sallyport_log_healthy") == 0 &&
           eventually([&] { return gateway.errors().find("log_fails") != std::string::npos; });
  }
  // The operator's log names the file, and why.
  bool says_why(const std::string& reason) const {
    const std::string said = gateway.errors();
    const auto line = said.substr(said.find("log_fails"));
    return line.find(" path=" + (gateway.log_directory() / "000000000").string()) < line.find('\n') &&
           line.find(".segment reason=\"" + reason + "\"") < line.find('\n');
  }
  bool recovers() {
    disk("working");
    return eventually([&] { return ready(); }) && gateway.metric("sallyport_log_healthy") == 1 &&
           eventually([&] { return gateway.errors().find("log_works") != std::string::npos; });
  }
  // What is held stays under the limit, and with it the process.
  void check_memory(long before_kib) {
    CHECK(gateway.metric("sallyport_log_queued_bytes") <= queue_kib * 1024.0);
    CHECK(gateway.process().resident_kib() < before_kib + queue_kib + slack_kib);
  }
  bool says_not_ended(const std::string& fields) const {
    return gateway.errors().find("log_not_ended " + fields) != std::string::npos;
  }
  // The log after its end: intact or as it declares, and each call there or counted, or both where its content is cut.
  void check_log() {
    const double lost = gateway.metric("sallyport_log_lost_total");
    gateway.signal(SIGTERM);
    CHECK(gateway.wait_for_exit() == 0);
    const Finished verified = gateway.verify();
    INFO(verified.out << verified.errors);
    CHECK(verified.exit_code == 0);
    const Records records = gateway.records();
    const auto cut = std::ranges::count_if(records, [](const Json& one) { return one.contains("content_lost"); });
    CHECK(static_cast<double>(records.size() - static_cast<std::size_t>(cut)) + lost == static_cast<double>(calls));
    CHECK(std::ranges::any_of(records, [&](const Json& one) {
      return one["request_id"].get<std::string>() == "call-" + std::to_string(calls);
    }));
  }

  ScriptedServer server{GatewayProcess::model_server(), answer_always(std::string(chat_answer))};
  GatewayProcess gateway;
  std::atomic<unsigned> calls = 0;
};

// A call to a gateway whose log's disk hangs from then on, until it waits for the log with "its prompt", "its answer"
// or "its record".
struct WaitingCall {
  explicit WaitingCall(const std::string& with, const std::string& limit = "1m")
      : gateway(server, {.log = "capture: full, queue: 1MiB, stall_limit: " + limit,
                         .limits = "{drain: 1m}",
                         .environment = on_moody_disk()}) {
    if (with == "its answer") answer_size = 64 << 20;
    client.emplace(gateway.client());
    disk("hangs");
    client->send(gateway.chat(std::string(with == "its prompt" ? 4 << 20 : 1, 'x')), 30s);
    const bool with_record = with == "its record";
    // LogQueue calls more than a sixteenth of its room behind.
    REQUIRE(eventually([&] {
      return with_record ? gateway.metric("sallyport_requests_total") == 1
                         : gateway.metric("sallyport_log_queued_bytes") > (1 << 20) / 16;
    }));
  }
  void disk(const std::string& mood) const { write_file(gateway.directory() / "disk-mood", mood); }

  std::atomic<std::size_t> answer_size = 1;
  Signal model_server_left;
  ScriptedServer server{
      GatewayProcess::model_server(), [this](Peer& peer) {
        peer.read_request();
        const std::string size = std::to_string(answer_size);
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + size + "\r\n\r\n");
        peer.send_until_stalled(std::string(answer_size, 'x'), 500ms);
        if (peer.wait_for_end(30s) != Ending::open) model_server_left.set();
      }};
  GatewayProcess gateway;
  std::optional<ScriptedClient> client;
};

Milliseconds time_of(const std::function<void()>& work) {
  const auto start = Steady::now();
  work();
  return std::chrono::duration_cast<Milliseconds>(Steady::now() - start);
}

}  // namespace

TEST_CASE("refuse: on a disk that is full, read-only or broken calls are refused, and taken again when it works",
          "[disk]") {
  const auto [mood, error] =
      GENERATE(table<std::string, int>({{"full", ENOSPC}, {"read-only", EROFS}, {"errors", EIO}}));
  INFO(mood);
  MoodyGateway test("refuse");
  test.disk(mood);
  CHECK(test.ask("the first that finds out") != 200);
  CHECK(test.tells_of_failure());
  CHECK(test.says_why(std::strerror(error)));
  CHECK(test.gateway.metric("sallyport_log_write_errors_total") > 0);
  const long memory = test.gateway.process().resident_kib();
  for (int i = 0; i < 100; ++i) CHECK(test.ask(large) == 503);
  test.check_memory(memory);
  CHECK(test.recovers());
  CHECK(test.ask("after") == 200);
  test.check_log();
}

TEST_CASE("a call that is refused because no record can be kept is told so, and counted", "[disk]") {
  MoodyGateway test("refuse");
  test.disk("full");
  CHECK(test.ask("the first that finds out") != 200);
  REQUIRE(test.tells_of_failure());
  const double lost = test.gateway.metric("sallyport_log_lost_total");
  ScriptedClient client(test.gateway.client());
  client.send(test.gateway.chat("hello"));
  const Message refused = client.read_answer();
  CHECK(refused.status() == 503);
  CHECK(refused.field("retry-after") == "1");
  Json body = Json::parse(refused.body, nullptr, false);
  CHECK(body["error"]["type"] == "server_error");
  CHECK(body["error"]["code"] == "log_unavailable");
  CHECK(test.gateway.metric("sallyport_log_lost_total") == lost + 1);
  CHECK(test.server.received().count() <= 2);
  CHECK(test.recovers());
}

TEST_CASE("count: on a disk that is full, read-only or broken calls are answered, and what is missing is counted",
          "[disk]") {
  const std::string mood = GENERATE("full", "read-only", "errors");
  INFO(mood);
  MoodyGateway test("count");
  test.disk(mood);
  CHECK(test.ask("the first that finds out") == 200);
  CHECK(test.tells_of_failure());
  const long memory = test.gateway.process().resident_kib();
  for (int i = 0; i < 100; ++i) CHECK(test.ask(large) == 200);
  test.check_memory(memory);
  CHECK(test.gateway.metric("sallyport_log_lost_total") > 0);
  CHECK(test.recovers());
  CHECK(test.ask("after") == 200);
  test.check_log();
}

TEST_CASE("on a disk that hangs calls are refused, or answered and counted, and no worker waits for it", "[disk]") {
  const std::string overload = GENERATE("refuse", "count");
  INFO(overload);
  const bool refuses = overload == "refuse";
  MoodyGateway test(overload);
  test.disk("hangs");
  unsigned first = 0;
  const Milliseconds found_out = time_of([&] { first = test.ask("the first that finds out"); });
  CHECK((first == 200) == !refuses);
  CHECK(found_out >= stall_limit / 2);
  CHECK(found_out < 10 * stall_limit);
  CHECK(test.tells_of_failure());
  CHECK(test.says_why("the disk hangs"));
  const long memory = test.gateway.process().resident_kib();
  const Milliseconds hundred = time_of([&] {
    for (int i = 0; i < 100; ++i) CHECK(test.ask(large) == (refuses ? 503 : 200));
  });
  CHECK(hundred < 50 * stall_limit);  // not each the whole limit
  test.check_memory(memory);
  CHECK(test.gateway.metric("sallyport_log_lost_total") > 0);
  CHECK(test.recovers());
  CHECK(test.ask("after") == 200);
  test.check_log();
}

TEST_CASE("a disk ten times slower than it was makes calls slower, and loses none of what it can take", "[disk]") {
  const std::string overload = GENERATE("refuse", "count");
  INFO(overload);
  MoodyGateway test(overload);
  test.disk("slow");
  const long memory = test.gateway.process().resident_kib();
  const Milliseconds twenty = time_of([&] {
    for (int i = 0; i < 20; ++i) CHECK(test.ask(large) == 200);
  });
  CHECK(twenty >= 20 * 10ms);  // each waited for the disk: durability is `written`
  CHECK(test.gateway.metric("sallyport_log_lost_total") == 0);
  std::atomic<int> otherwise = 0;
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 8; ++i) {
      clients.emplace_back([&] {
        for (int call = 0; call < 10; ++call) {
          const unsigned status = test.ask(large);
          otherwise += status != 200 && (status != 503 || overload == "count");
        }
      });
    }
  }
  CHECK(otherwise == 0);
  CHECK(test.ready());
  test.check_memory(memory);
  test.disk("working");
  CHECK(test.ask("after") == 200);
  test.check_log();
}

TEST_CASE("a gateway that is stopped on a disk that hangs ends after the drain, and says what is not written",
          "[disk]") {
  const std::string overload = GENERATE("refuse", "count");
  INFO(overload);
  MoodyGateway test(overload, "{drain: 1500ms}");
  test.disk("hangs");
  const bool answered = test.ask("never written") == 200;
  CHECK(answered == (overload == "count"));
  const auto stopped = Steady::now();
  test.gateway.signal(SIGTERM);
  CHECK(test.gateway.wait_for_exit() == 1);
  CHECK(Steady::now() - stopped >= 1500ms);  // the disk had until then
  CHECK(test.says_not_ended("records_not_written=1 reason=\"the disk hangs\""));

  test.disk("working");
  CHECK(test.gateway.records().size() == 1);    // "before"
  CHECK(test.gateway.verify().exit_code == 1);  // it has no end yet, and no lie either
  test.gateway.start();
  CHECK(test.ask("after") == 200);
  test.gateway.signal(SIGTERM);
  CHECK(test.gateway.wait_for_exit() == 0);
  const Finished verified = test.gateway.verify();
  INFO(verified.out << verified.errors);
  CHECK(verified.exit_code == 0);
  CHECK(verified.out.find("torn-declared") != std::string::npos);
  CHECK(test.gateway.records().size() == 2);
}

TEST_CASE("a stopped gateway waits for a disk that hangs until the drain's end, or a second SIGTERM", "[disk]") {
  const bool second_signal = GENERATE(true, false);
  MoodyGateway test("refuse", "{drain: 60s}");
  test.disk("hangs");
  CHECK(test.ask("written late, or not") != 200);
  test.gateway.signal(SIGTERM);
  REQUIRE(eventually([&] { return test.gateway.errors().find("draining") != std::string::npos; }));
  CHECK_FALSE(test.gateway.wait_for_exit(2 * stall_limit).has_value());
  if (second_signal) {
    test.gateway.signal(SIGTERM);
    CHECK(test.gateway.wait_for_exit(20s) == 1);
    return;
  }
  test.disk("working");
  CHECK(test.gateway.wait_for_exit(20s) == 0);
  CHECK(test.gateway.verify().exit_code == 0);
  CHECK(test.gateway.records().size() == 2);
}

TEST_CASE("a gateway that is stopped on a disk that refuses ends with 1, and says what is not written", "[disk]") {
  MoodyGateway test("count");
  test.disk("full");
  CHECK(test.ask("never written") == 200);
  test.gateway.signal(SIGTERM);
  CHECK(test.gateway.wait_for_exit() == 1);
  CHECK(test.says_not_ended("records_not_written=1 reason=\"the disk refuses\""));
}

TEST_CASE("a file system that is really full refuses, and what makes room on it ends that", "[disk]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayProcess gateway(server);
  gateway.signal(SIGTERM);
  REQUIRE(gateway.wait_for_exit() == 0);
  const std::string place = gateway.log_directory();
  if (::mount("none", place.c_str(), "tmpfs", 0, "size=2m") != 0) {
    return skipped(std::string("this account cannot mount a tmpfs: ") + std::strerror(errno));
  }
  const auto unmount = [&place](void*) { ::umount2(place.c_str(), MNT_DETACH); };
  const std::unique_ptr<void, decltype(unmount)> mounted(&gateway, unmount);
  gateway.start();
  const auto ask = [&] {
    ScriptedClient client(gateway.client());
    client.send(gateway.chat(large));
    const Message answer = client.read_answer();
    return answer.whole ? answer.status() : 0;
  };
  CHECK(ask() == 200);
  write_file(gateway.log_directory() / "filler", std::string(1'850'000, 'x'));
  CHECK(eventually([&] { return ask() == 503; }));
  CHECK(eventually([&] { return gateway.admin("/readyz").status() != 200; }));
  std::filesystem::remove(gateway.log_directory() / "filler");
  CHECK(eventually([&] { return gateway.admin("/readyz").status() == 200; }));
  CHECK(ask() == 200);
  gateway.signal(SIGTERM);
  CHECK(gateway.wait_for_exit() == 0);
  const Finished verified = gateway.verify();
  INFO(verified.out << verified.errors);
  CHECK(verified.exit_code == 0);
}

TEST_CASE("a client that leaves ends the model server's work at once, also while the log's disk hangs", "[disk]") {
  Signal seen;
  ScriptedServer server(GatewayProcess::model_server(), begin_stream(seen));
  const GatewayProcess gateway(server, {.log = "stall_limit: 1m", .environment = on_moody_disk()});
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello", true));
  client.read_until("\n\n\r\n");
  write_file(gateway.directory() / "disk-mood", "hanging");
  client.reset();
  CHECK(seen.wait_for(5s));
  write_file(gateway.directory() / "disk-mood", "working");
  Records records = gateway.wait_for_records(1);
  REQUIRE(records.size() == 1);
  CHECK(records[0]["outcome"] == "client_left");
}

TEST_CASE("a client that leaves ends the model server's work at once, also while its answer waits for the log",
          "[disk]") {
  Signal stalled, seen;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 67108864\r\n\r\n");
    peer.send_until_stalled(std::string(64 << 20, 'x'), 500ms);
    stalled.set();
    if (peer.wait_for_end() != Ending::open) seen.set();
  });
  const GatewayProcess gateway(server,
                               {.log = "capture: full, queue: 1MiB, stall_limit: 1m", .environment = on_moody_disk()});
  ScriptedClient client(gateway.client());
  write_file(gateway.directory() / "disk-mood", "hanging");
  client.send(gateway.chat("much"));
  std::size_t received = 0;
  const auto receives = [&] {
    const std::size_t more = client.read_some(200ms).size();
    received += more;
    return more > 0;
  };
  // The model server has more to send, the client waits for it, and the log is behind by what LogQueue calls behind: a
  // sixteenth of its queue. So it is the log that is waited for.
  REQUIRE(eventually([&] {
    return !receives() && stalled.is_set() && gateway.metric("sallyport_log_queued_bytes") > (1 << 20) / 16;
  }));
  CHECK_FALSE(receives());
  CHECK(received > 0);
  CHECK(received < (64 << 20));
  REQUIRE(client.ending() == Ending::open);
  client.reset();
  CHECK(seen.wait_for(5s));
  CHECK(eventually([&] { return gateway.metric("sallyport_connections_open") == 0; }));
  write_file(gateway.directory() / "disk-mood", "working");
}

TEST_CASE("a client that leaves while its prompt or its record waits for a log's disk that hangs is gone at once",
          "[disk]") {
  const std::string waits_with = GENERATE("its prompt", "its record");
  INFO(waits_with);
  WaitingCall call(waits_with);
  call.client->reset();
  CHECK(eventually([&] { return call.gateway.metric("sallyport_connections_open") == 0; }));
  call.disk("working");
  Records records = call.gateway.wait_for_records(1);
  REQUIRE(records.size() == 1);
  CHECK(records[0]["outcome"] == (waits_with == "its prompt" ? "client_left" : "none"));
}

TEST_CASE("a client that leaves while an answer of the gateway's own waits for a log's disk that hangs is soon gone",
          "[disk]") {
  const std::string how = GENERATE("asks for the models", "shows no token", "has more to send");
  INFO(how);
  const GatewayProcess gateway(GatewayWish{
      .upstreams = {{.endpoint = "https://127.0.0.1:1"}}, .log = "stall_limit: 1m", .environment = on_moody_disk()});
  write_file(gateway.directory() / "disk-mood", "hanging");
  ScriptedClient client(gateway.client());
  RequestWish request{.method = "GET", .target = "/v1/models"};
  if (how != "shows no token") request.token = gateway.token();
  if (how == "has more to send") request.more_fields = {{"Content-Length", "1000"}};
  client.send(request_text(request));
  REQUIRE(eventually([&] { return gateway.metric("sallyport_requests_total") == 1; }));
  client.reset();
  CHECK(eventually([&] { return gateway.metric("sallyport_connections_open") == 0; }));
  write_file(gateway.directory() / "disk-mood", "working");
  CHECK(gateway.wait_for_records(1).size() == 1);
}

TEST_CASE("a client that ends its side at once gets an answer of the gateway's own, also from a slow disk", "[disk]") {
  MoodyGateway test("refuse");
  test.disk("slow");
  for (int i = 0; i < 20; ++i) {  // a wait ends with a tick of the wheel, so that one could be lucky
    ScriptedClient client(test.gateway.client());
    client.send(request_text({.method = "GET", .target = "/v1/models", .token = test.gateway.token()}));
    client.finish_sending();
    CHECK(client.read_answer().status() == 200);
  }
  test.disk("working");
}

TEST_CASE("a connection that ends with its answer leaves its place while that answer waits for the log", "[disk]") {
  ScriptedServer server(GatewayProcess::model_server(), [](Peer& peer) {
    peer.read_request();
    peer.send_answer(200, chat_answer, "Connection: close\r\n");
    peer.wait_for_end();
  });
  const GatewayProcess gateway({.upstreams = {{.endpoint = "https://127.0.0.1:" + std::to_string(server.port()),
                                               .more = "    pool: { connections: 1 }\n"}},
                                .log = "stall_limit: 1m",
                                .environment = on_moody_disk(),
                                .workers = 1});
  write_file(gateway.directory() / "disk-mood", "hanging");
  ScriptedClient first(gateway.client()), second(gateway.client());
  first.send(gateway.chat("one"));
  REQUIRE(eventually([&] { return gateway.metric("sallyport_requests_total") == 1; }));
  second.send(gateway.chat("two"));
  CHECK(eventually([&] { return server.received().count() == 2; }));
  write_file(gateway.directory() / "disk-mood", "working");
  CHECK(first.read_answer().status() == 200);
  CHECK(second.read_answer().status() == 200);
}

TEST_CASE("a second SIGTERM ends a call that waits for a log's disk that hangs", "[disk]") {
  const std::string waits_with = GENERATE("its prompt", "its answer", "its record");
  INFO(waits_with);
  WaitingCall call(waits_with);
  call.gateway.signal(SIGTERM);
  REQUIRE(eventually([&] { return call.gateway.errors().find("draining") != std::string::npos; }));
  call.gateway.signal(SIGTERM);
  CHECK(call.client->wait_for_end() != Ending::open);
  call.disk("working");
  CHECK(call.gateway.wait_for_exit() == 0);
  CHECK(call.gateway.records().size() == 1);
}

TEST_CASE("an answer that the log has no room for is cut at once, and its model server's work with it", "[disk]") {
  WaitingCall call("its answer", "3s");
  REQUIRE(eventually([&] { return call.gateway.metric("sallyport_log_healthy") == 0; }));
  // From now on it does not wait for room; nor for the record, for another three seconds.
  CHECK(call.client->wait_for_end(1500ms) == Ending::cut);
  CHECK(call.model_server_left.wait_for(1500ms));
  call.disk("working");
}

TEST_CASE("a model server that has failed is left at once, also while the log's disk hangs", "[disk]") {
  Signal left;
  ScriptedServer server(GatewayProcess::model_server(), begin_stream(left));
  const GatewayProcess gateway({.upstreams = {{.endpoint = "https://127.0.0.1:" + std::to_string(server.port()),
                                               .more = "    timeouts: { idle: 1s }\n"}},
                                .log = "stall_limit: 1m",
                                .environment = on_moody_disk()});
  write_file(gateway.directory() / "disk-mood", "hanging");
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello", true));
  CHECK(left.wait_for(5s));
  write_file(gateway.directory() / "disk-mood", "working");
  Records records = gateway.wait_for_records(1);
  REQUIRE(records.size() == 1);
  CHECK(records[0]["outcome"] == "upstream_idle_timeout");
}

TEST_CASE("a client that leaves while its prompt waits for a slow log is not waited for", "[disk]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.log = "capture: full, queue: 1MiB", .environment = on_moody_disk()});
  constexpr std::size_t prompt = 48 << 20;
  write_file(gateway.directory() / "disk-mood", "slow");
  ScriptedClient client(gateway.client());
  client.send(gateway.chat(std::string(prompt, 'x')), 30s);
  REQUIRE(eventually([&] { return gateway.metric("sallyport_log_bytes_total") > 256 * 1024; }));
  client.reset();
  REQUIRE(eventually([&] { return gateway.metric("sallyport_requests_in_flight") == 0; }, 30s));
  CHECK(gateway.metric("sallyport_log_bytes_total") < prompt / 2);
  CHECK(server.connections() == 0);
  write_file(gateway.directory() / "disk-mood", "working");
  CHECK(eventually([&] {
    const Records records = gateway.records();
    return records.size() == 1 && records[0].value("outcome", "") == "client_left";
  }));
}

TEST_CASE("a prompt is spooled also where the file system knows no files without a name, and leaves none", "[disk]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const TemporaryDirectory directory;
  const path spool = directory / "spool";
  std::filesystem::create_directory(spool);
  const GatewayProcess gateway(server, {.log = "capture: metadata",
                                        .more = "spool_directory: " + spool.string() + "\n",
                                        .environment = on_moody_disk("/spool")});
  write_file(gateway.directory() / "disk-mood", "no files without a name");
  ScriptedClient client(gateway.client());
  const std::string prompt(4 << 20, 'x');
  client.send(gateway.chat(prompt));
  CHECK(client.read_answer().status() == 200);
  REQUIRE(server.received().count() == 1);
  CHECK(server.received().requests()[0].body.find(prompt) != std::string::npos);
  CHECK(std::filesystem::is_empty(spool));
}
