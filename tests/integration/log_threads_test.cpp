// What the log has beside its writer hangs under the real process: a second place of its checkpoints, and the removal
// of old segments. Neither an answer nor a stop waits for it.
#include <signal.h>
#include <sys/stat.h>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;
using Steady = std::chrono::steady_clock;
namespace fs = std::filesystem;

namespace {

// A gateway that signs its log, on a disk of the test's own mood (tests/support/moody_disk.cpp) where `moody` is part
// of the path.
struct SigningGateway {
  explicit SigningGateway(const std::string& moody)
      : gateway(server, {.environment = preload(MOODY_DISK, {"MOODY_DISK=disk-mood", "MOODY_DISK_PATH=" + moody})}) {
    stop();
    const path signer = gateway.directory() / "signer";
    REQUIRE(gateway.command({"key", "new", "--signing", "test-gateway", "--out", signer}).exit_code == 0);
  }

  void start(const std::string& log, const std::string& limits = "{}") {
    gateway.write_config({.upstreams = {{.endpoint = "https://localhost:" + std::to_string(server.port())}},
                          .log = "capture: full, stall_limit: 500ms, " + log,
                          .limits = limits});
    gateway.start();
  }
  // The exit code.
  int stop(Milliseconds limit = patience) {
    gateway.signal(SIGTERM);
    return gateway.wait_for_exit(limit).value_or(-1);
  }
  void disk(const std::string& mood) const { write_file(gateway.directory() / "disk-mood", mood); }
  unsigned ask(std::string_view prompt = "hello") {
    ScriptedClient client(gateway.client());
    client.send(gateway.chat(prompt));
    const Message answer = client.read_answer();
    return answer.whole ? answer.status() : 0;
  }
  bool says(const std::string& event) const {
    return eventually([&] { return gateway.errors().find(event) != std::string::npos; });
  }
  void check_log(const path& checkpoints) const {
    const Finished verified = gateway.command({"log", "verify", "--signer", gateway.directory() / "signer.vkey",
                                               "--checkpoints", checkpoints, gateway.log_directory()});
    INFO(verified.out << verified.errors);
    CHECK(verified.exit_code == 0);
  }

  ScriptedServer server{GatewayProcess::model_server(), answer_always(std::string(chat_answer))};
  GatewayProcess gateway;
};

}  // namespace

TEST_CASE("a second place that hangs holds up neither an answer nor a reload, and is told of", "[disk]") {
  SigningGateway test("/kept");
  test.start("checkpoints: {key: signer.key, directory: kept, interval: 100ms}");
  REQUIRE(eventually([&] { return test.gateway.metric("sallyport_log_checkpoints_total") > 1; }));
  test.disk("hangs");
  REQUIRE(test.says("checkpoint_directory_fails errors=1 path="));
  CHECK(test.says("kept/0000000002.checkpoints reason=\"the disk hangs\""));
  const double kept = test.gateway.metric("sallyport_log_checkpoints_total");
  for (int i = 0; i < 10; ++i) CHECK(test.ask() == 200);
  CHECK(test.gateway.admin("/readyz").status() == 200);
  CHECK(test.gateway.metric("sallyport_log_checkpoint_errors_total") == 1);
  CHECK(test.gateway.metric("sallyport_log_checkpoints_total") == kept);
  test.gateway.signal(SIGHUP);
  CHECK(test.says("reloaded"));
  test.disk("working");
  CHECK(test.says("checkpoint_directory_works"));
  CHECK(eventually([&] { return test.gateway.metric("sallyport_log_checkpoints_total") > kept + 5; }));
  CHECK(test.gateway.metric("sallyport_log_checkpoints_dropped_total") == 0);
  CHECK(test.stop() == 0);
  test.check_log(test.gateway.directory() / "kept");
}

TEST_CASE("a start goes on without a second place that hangs, which gets all when it works", "[disk]") {
  SigningGateway test("/kept");
  const path kept = test.gateway.directory() / "kept";
  const bool is_there = GENERATE(false, true);
  INFO(is_there);
  if (is_there) fs::create_directory(kept);
  test.disk("hangs");
  test.start("checkpoints: {key: signer.key, directory: kept, interval: 100ms}");
  CHECK(test.ask() == 200);
  CHECK(test.gateway.admin("/readyz").status() == 200);
  CHECK(test.says("checkpoint_directory_fails"));
  CHECK((test.gateway.errors().find("kept hangs; a start goes on without it") != std::string::npos) == is_there);
  test.disk("working");
  CHECK(test.says("checkpoint_directory_works"));
  CHECK(eventually([&] { return test.gateway.metric("sallyport_log_checkpoints_total") > 3; }));
  CHECK(test.stop() == 0);
  test.check_log(kept);
}

TEST_CASE("a second place that cannot be made refuses the start", "[disk]") {
  SigningGateway test("/kept");
  CHECK_THROWS_WITH(test.start("checkpoints: {key: signer.key, directory: none/kept}"),
                    Catch::Matchers::Contains("none does not exist; create it"));
  test.gateway.wait_for_exit();
}

TEST_CASE("a stop waits for a second place that hangs no longer than for the log's disk, and the log has its end",
          "[disk]") {
  SigningGateway test("/kept");
  test.start("checkpoints: {key: signer.key, directory: kept, interval: 100ms}");
  REQUIRE(eventually([&] { return test.gateway.metric("sallyport_log_checkpoints_total") > 1; }));
  test.disk("hangs");
  CHECK(test.ask() == 200);
  REQUIRE(test.says("checkpoint_directory_fails"));
  CHECK(test.gateway.metric("sallyport_log_checkpoints_waiting") > 0);
  CHECK(test.stop() == 0);
  CHECK(test.says("checkpoints_not_kept directory="));
  test.disk("working");
  test.check_log(test.gateway.directory() / "kept");
}

TEST_CASE("a removal that hangs holds up no answer, and a stop until the drain's end; the program still gets the last",
          "[disk]") {
  SigningGateway test("/log/");
  const path program = test.gateway.directory() / "keep", kept = test.gateway.directory() / "kept";
  fs::create_directory(kept);
  write_file(program, "#!/bin/sh\nsleep 2\ncat >> " + (kept / "all.checkpoints").string() + "\n");
  ::chmod(program.c_str(), 0700);
  const std::string signs = "checkpoints: {key: signer.key, command: [" + program.string() + "]}";
  test.start(signs);
  CHECK(test.ask(std::string(2 << 20, 'x')) == 200);
  CHECK(test.stop() == 0);

  test.disk("deletions hang");
  test.start(signs + ", retention: {size: 1MiB}", "{drain: 1s}");
  REQUIRE(eventually([&] { return fs::exists(test.gateway.directory() / "disk-mood.deletes"); }));
  const auto segments = [&] { return std::distance(fs::directory_iterator(test.gateway.log_directory()), {}); };
  const auto before = segments();
  for (int i = 0; i < 10; ++i) CHECK(test.ask() == 200);
  CHECK(test.gateway.metric("sallyport_log_healthy") == 1);
  CHECK(test.stop(30s) == 0);
  CHECK(segments() == before);
  test.disk("working");
  test.check_log(kept);
  const std::string size = std::to_string(fs::file_size(test.gateway.log_directory() / "0000000003.segment"));
  CHECK(read_file(kept / "all.checkpoints").find(" " + size + "\ntime") != std::string::npos);

  test.start(signs + ", retention: {size: 1MiB}");
  CHECK(eventually([&] { return segments() < before; }));
  CHECK(test.stop(30s) == 0);
  test.check_log(kept);
}
