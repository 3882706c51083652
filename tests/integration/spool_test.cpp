// A body that is too large for memory waits in a file without a name: what happens when its disk is full, or changes
// what was written.
#include <fcntl.h>
#include <unistd.h>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

constexpr std::size_t large = 1 << 20;

path make_directory(const path& place) {
  std::filesystem::create_directory(place);
  return place;
}

// A gateway that keeps little of a body in memory, and the rest in a directory that goes with it.
struct SpoolingGateway {
  GatewayWish wish(const std::string& capture, std::vector<std::string> environment) const {
    return {.log = "capture: " + capture,
            .limits = "{ spool_memory: 4KiB }",
            .more = "spool_directory: " + place.string() + "\n",
            .environment = std::move(environment)};
  }
  explicit SpoolingGateway(const ScriptedServer& server, const std::string& capture = "metadata",
                           std::vector<std::string> environment = {})
      : gateway(server, wish(capture, std::move(environment))) {}

  // The file in which a body waits; empty: there is none. It can be opened though it has no name.
  path spool() {
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(gateway.process().id()) + "/fd")) {
      std::error_code gone;
      const std::string target = std::filesystem::read_symlink(entry.path(), gone);
      if (!gone && target.starts_with(place.string())) return entry.path();
    }
    return {};
  }
  // Waits until that much of a body is in it.
  bool has_spooled(std::size_t bytes) {
    return eventually([&] {
      std::error_code gone;
      const path file = spool();
      return !file.empty() && std::filesystem::file_size(file, gone) >= bytes && !gone;
    });
  }
  Message ask(std::size_t prompt_size) const {
    ScriptedClient client(gateway.client());
    client.send(gateway.chat(std::string(prompt_size, 'x')));
    return client.read_answer();
  }

  TemporaryDirectory directory;
  const path place = make_directory(directory / "the-spool");
  GatewayProcess gateway;
};

void change_a_byte(const path& file, off_t at) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(descriptor >= 0);
  char byte = 0;
  CHECK(::pread(descriptor, &byte, 1, at) == 1);
  byte = static_cast<char>(byte ^ 1);
  CHECK(::pwrite(descriptor, &byte, 1, at) == 1);
  ::close(descriptor);
}

}  // namespace

TEST_CASE("a body that its disk has changed is a 500, and no model server takes it for a request", "[spool]") {
  const std::string capture = GENERATE("metadata", "full");
  const bool first_block = GENERATE(true, false);
  INFO(capture << ", first block: " << first_block);
  Signal ended;
  std::atomic<std::size_t> came = 0;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    came += peer.read_to_end().size();
    ended.set();
  });
  SpoolingGateway test(server, capture);
  ScriptedClient client(test.gateway.client());
  const std::string request = test.gateway.chat(std::string(large, 'x'));
  client.send(request.substr(0, request.size() - 1));
  REQUIRE(test.has_spooled(large / 2));
  change_a_byte(test.spool(), first_block ? 100 : 200'000);
  client.send(request.substr(request.size() - 1));
  const Message answer = client.read_answer();
  CHECK(answer.status() == 500);
  CHECK(Json::parse(answer.body)["error"]["code"] == "internal_error");
  const Records records = test.gateway.records();
  REQUIRE(records.size() == 1);
  CHECK(records[0].at("outcome") == "internal");
  CHECK(records[0].at("status") == 500);
  CHECK(records[0].at("content_kept") == false);
  if (server.connections() > 0) ended.wait();
  CHECK(came < large / 2);                  // no more than what comes before the damage
  if (capture == "full") CHECK(came == 0);  // the log has read all of it first
}

TEST_CASE("while the spool's disk is full large bodies are refused, and small ones are not", "[spool]") {
  const bool from_the_start = GENERATE(true, false);
  INFO("from the start: " << from_the_start);
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const TemporaryDirectory moods;
  const path mood = moods / "mood";
  SpoolingGateway test(server, "metadata",
                       preload(MOODY_DISK, {"MOODY_DISK=" + mood.string(), "MOODY_DISK_PATH=/the-spool"}));
  ScriptedClient client(test.gateway.client());
  const std::string request = test.gateway.chat(std::string(large, 'x'));
  const std::size_t before = from_the_start ? 0 : request.size() / 2;
  client.send(request.substr(0, before));
  if (before > 0) REQUIRE(test.has_spooled(64 * 1024));
  write_file(mood, "full");
  client.send(request.substr(before));
  const Message refused = client.read_answer();
  CHECK(refused.status() == 503);
  CHECK(Json::parse(refused.body)["error"]["code"] == "overloaded");
  CHECK(refused.field("retry-after") == "1");
  CHECK(test.ask(1000).status() == 200);
  CHECK(server.received().count() == 1);
  write_file(mood, "working");
  CHECK(test.ask(large).status() == 200);
}
