// Whoever seizes a running gateway gets what is in its memory now, and nothing of the calls that have ended.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

constexpr std::size_t largest_region = 1 << 30;  // larger ones are a sanitizer's shadow

// Where in what the process can write to `what` is: the lines of its map.
std::vector<std::string> found_in_memory(pid_t process, const std::string& what) {
  const std::string proc = "/proc/" + std::to_string(process);
  const int file = ::open((proc + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(file >= 0);
  std::vector<std::string> found;
  std::ifstream maps(proc + "/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::string mode;
    words >> std::hex >> begin >> dash >> end >> mode;
    if (mode.substr(0, 2) != "rw" || end - begin > largest_region) continue;
    std::string region(end - begin, '\0');
    const ssize_t got = ::pread(file, region.data(), region.size(), static_cast<off_t>(begin));
    region.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    for (std::size_t at = region.find(what); at != std::string::npos; at = region.find(what, at + 1)) {
      std::ostringstream place;
      place << std::hex << begin + at << " in " << line << ": " << region.substr(at < 40 ? 0 : at - 40, 120);
      found.push_back(place.str());
    }
  }
  ::close(file);
  return found;
}

}  // namespace

TEST_CASE("of a call that has ended nothing is left in the gateway's memory", "[memory]") {
  const std::string capture = GENERATE("full", "metadata");
  Signal arrived, go;
  ScriptedServer server(GatewayProcess::model_server(), [&](Peer& peer) {
    peer.read_request();
    arrived.set();
    go.wait();
    peer.send_answer(200, R"({"choices":[{"message":{"content":"canary-answer-2f8d"}}]})");
    peer.wait_for_end();
  });
  GatewayProcess gateway(server, {.log = "capture: " + capture, .workers = 1});
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("canary-prompt-60ce"));
  arrived.wait();
  const pid_t process = gateway.process().id();
  CHECK_FALSE(found_in_memory(process, gateway.token()).empty());  // the search finds what is there
  go.set();
  CHECK(client.read_answer().status() == 200);
  client.close();
  REQUIRE(eventually([&] { return gateway.metric("sallyport_connections_open") == 0; }));
  gateway.wait_for_records(1);
  for (const std::string& what :
       {std::string("canary-prompt-60ce"), std::string("canary-answer-2f8d"), gateway.token()}) {
    CHECK(found_in_memory(process, what) == std::vector<std::string>{});
  }
}
