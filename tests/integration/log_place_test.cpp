// The directory of a running gateway's log, or of its checkpoints, goes, or the file it writes to. It is told of with
// the file's path and the reason, counts as a log that fails, and passes without a restart.
#include <signal.h>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;
namespace fs = std::filesystem;

namespace {

struct MovedLog {
  explicit MovedLog(const std::string& overload = "refuse") : gateway(server, {.log = "overload: " + overload}) {
    CHECK(ask() == 200);
  }

  unsigned ask() const {
    ScriptedClient client(gateway.client());
    client.send(gateway.chat("hello"));
    return client.read_answer().status();
  }
  bool ready() const { return gateway.admin("/readyz").status() == 200; }
  bool says(const std::string& what) const {
    return eventually([&] { return gateway.errors().find(what) != std::string::npos; });
  }
  std::string first() const { return (log / "0000000001.segment").string(); }
  bool comes_back() const {
    return eventually([&] { return ready(); }) && says("log_works") && ask() == 200 &&
           gateway.metric("sallyport_log_healthy") == 1;
  }

  ScriptedServer server{GatewayProcess::model_server(), answer_always(std::string(chat_answer))};
  GatewayProcess gateway;
  const path log = gateway.log_directory(), aside = gateway.directory() / "aside";
};

}  // namespace

TEST_CASE("a log whose directory is moved away or removed fails within seconds, and goes on in one that is made anew",
          "[log]") {
  const std::string how = GENERATE("moved", "removed");
  INFO(how);
  MovedLog test;
  how == "moved" ? fs::rename(test.log, test.aside) : (void)fs::remove_all(test.log);
  REQUIRE(eventually([&] { return !test.ready(); }));
  CHECK(test.says("log_fails"));
  CHECK(test.says(" path=" + test.log.string() + "/000000000"));
  CHECK(test.says(".segment reason=\"No such file or directory\""));
  CHECK(test.gateway.metric("sallyport_log_healthy") == 0);
  CHECK(test.ask() == 503);

  fs::create_directory(test.log);
  CHECK(test.comes_back());
  CHECK(test.gateway.wait_for_records(1).size() == 1);
  const std::string verified = test.gateway.verify().out;
  CHECK(verified.find("segment 1: missing") != std::string::npos);
  CHECK(verified.find("open: it is being written") != std::string::npos);  // it is locked as the other was
}

TEST_CASE("with overload count calls are answered while the log's directory is away, and sealed when it is back",
          "[log]") {
  MovedLog test("count");
  fs::rename(test.log, test.aside);
  REQUIRE(eventually([&] { return !test.ready(); }));
  CHECK(test.ask() == 200);
  fs::rename(test.aside, test.log);
  CHECK(test.comes_back());
  CHECK(test.gateway.wait_for_records(3).size() == 3);
  test.gateway.signal(SIGTERM);
  CHECK(test.gateway.wait_for_exit() == 0);
  const Finished verified = test.gateway.verify();
  INFO(verified.out << verified.errors);
  CHECK(verified.exit_code == 0);
  CHECK(verified.out.find("torn-declared") != std::string::npos);
}

TEST_CASE("a log whose open segment is removed goes on in the next, and says so", "[log]") {
  const MovedLog test;
  fs::remove(test.first());
  CHECK(test.says("log_fails"));
  CHECK(test.says("path=" + test.first() + " reason=\"No such file or directory\""));
  CHECK(test.comes_back());
  CHECK(fs::exists(test.log / "0000000002.segment"));
}

TEST_CASE("a stop soon after the log's directory went does not say that all was kept", "[log]") {
  MovedLog test;
  fs::rename(test.log, test.aside);
  test.gateway.signal(SIGTERM);
  CHECK(test.gateway.wait_for_exit() == 1);
  CHECK(test.says("log_not_ended"));
}

TEST_CASE("a checkpoint directory that goes is told of with the file and the reason, and that it works again",
          "[log]") {
  MovedLog test;
  test.gateway.signal(SIGTERM);
  REQUIRE(test.gateway.wait_for_exit() == 0);
  const path kept = test.gateway.directory() / "kept";
  REQUIRE(
      test.gateway.command({"key", "new", "--signing", "test-gateway", "--out", test.gateway.directory() / "signer"})
          .exit_code == 0);
  test.gateway.write_config({.upstreams = {{.endpoint = "https://localhost:" + std::to_string(test.server.port())}},
                             .log = "checkpoints: {key: signer.key, directory: kept, interval: 100ms}"});
  test.gateway.start();
  REQUIRE(eventually([&] { return test.gateway.metric("sallyport_log_checkpoints_total") > 1; }));
  fs::remove_all(kept);
  CHECK(test.says("checkpoint_directory_fails errors="));
  CHECK(test.says(" path=" + (kept / "0000000002.checkpoints").string() + " reason=\"No such file or directory\""));
  fs::create_directory(kept);
  CHECK(test.says("checkpoint_directory_works"));
}
