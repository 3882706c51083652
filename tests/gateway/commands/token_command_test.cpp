#include "gateway/commands/commands.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "auth/authenticator.hpp"
#include "auth/token_file.hpp"
#include "gateway/commands/tokens_in_force.hpp"
#include "tests/gateway/commands/run_command.hpp"
#include "tests/gateway/config/config_fixture.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scripted_server.hpp"

using namespace sallyport;
using namespace sallyport::tests;
using nlohmann::json;

namespace {

Outcome run(std::vector<std::string> arguments) {
  return run_command(gateway::add_token_commands, std::move(arguments));
}

class Desk {
 public:
  Desk() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sallyport-token-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = pattern;
  }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;
  ~Desk() { std::filesystem::remove_all(folder_); }

  std::filesystem::path file() const { return folder_ / "tokens.jsonl"; }
  void write(std::string_view text) const { std::ofstream(file(), std::ios::binary | std::ios::app) << text; }
  std::vector<auth::Token> tokens() const { return auth::read_token_file(file()).tokens; }

  Outcome token(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "token");
    arguments.insert(arguments.end(), {"--file", file().string()});
    return run(std::move(arguments));
  }
  Outcome create(const std::string& name = "team-a") const {
    return token({"create", "--name", name, "--models", "llama*,embed"});
  }

 private:
  std::filesystem::path folder_;
};

const std::string expired_line =
    R"({"version":1,"id":"tk-00000000000000ee","name":"old","hash":")" + std::string(64, 'e') +
    R"(","created":"2020-01-01T00:00:00Z","expires":"2020-02-01T00:00:00Z","models":["*"]})" + "\n";

}  // namespace

TEST_CASE("token create prints the token alone on stdout, and it proves its principal") {
  const Desk desk;
  const Outcome outcome = desk.create();
  CHECK(outcome.exit_code == 0);
  REQUIRE(outcome.out.size() == 53);
  CHECK(outcome.out.back() == '\n');
  const std::string text = outcome.out.substr(0, 52);
  CHECK(auth::is_well_formed_token(text));
  CHECK_FALSE(has(outcome.err, text));

  const auth::Authenticator authenticator(desk.tokens(), {});
  const auto principal = authenticator.identify({{}, {text}, nullptr}, core::SystemClock().wall());
  REQUIRE(principal.has_value());
  CHECK(principal->name() == "team-a");
  CHECK(principal->may_call_model("llama-3"));
  CHECK(principal->may_call_model("embed"));
  CHECK_FALSE(principal->may_use_route("audio"));
}

TEST_CASE("token create writes every option down") {
  const Desk desk;
  const Outcome outcome = desk.token({"create", "--name", "team-a", "--models", "a,b*", "--models", "c", "--routes",
                                      "audio*", "--expires", "30d", "--requests-per-minute", "60",
                                      "--tokens-per-minute", "100000", "--concurrent", "4", "--tenant", "acme"});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const auth::Token token = desk.tokens().at(0);
  CHECK(token.grant.models == std::vector<std::string>{"a", "b*", "c"});
  CHECK(token.grant.routes == std::vector<std::string>{"audio*"});
  CHECK(token.grant.allowance == auth::Allowance{60, 100000, 4});
  CHECK(token.grant.tenant == "acme");
  CHECK(has(outcome.err, "tenant   acme"));
  CHECK(has(desk.token({"list"}).out, "acme"));
  REQUIRE(token.expires);
  CHECK(*token.expires - token.created == std::chrono::days(30));
}

TEST_CASE("token create says which other token of the name is still active") {
  const Desk desk;
  desk.create();
  const Outcome second = desk.create();
  CHECK(second.exit_code == 0);
  CHECK(has(second.err, desk.tokens().at(0).grant.id + " has the same name"));
  CHECK_FALSE(has(desk.create("team-b").err, "same name"));
}

TEST_CASE("wrong use of token is 2 and writes nothing") {
  const Desk desk;
  const std::string file = desk.file().string();
  const std::vector<std::vector<std::string>> wrong = {
      {"token"},
      {"token", "make"},
      {"token", "create"},
      {"token", "create", "--file", file, "--models", "a"},
      {"token", "create", "--file", file, "--name", "team-a"},
      {"token", "create", "--name", "team-a", "--models", "a"},
      {"token", "create", "--file", file, "--name", "team a", "--models", "a"},
      {"token", "create", "--file", file, "--name", "tk-a", "--models", "a"},
      {"token", "create", "--file", file, "--name", "team-a", "--models", "ll*ma"},
      {"token", "create", "--file", file, "--name", "team-a", "--models", "a,*b"},
      {"token", "create", "--file", file, "--name", "team-a", "--models", "a", "b"},
      {"token", "create", "--file", file, "--name", "team-a", "--routes", ""},
      {"token", "create", "--file", file, "--name", "team-a", "--models", "a", "--expires", "0d"},
      {"token", "create", "--file", file, "--name", "team-a", "--models", "a", "--expires", "2020-01-01"},
      {"token", "create", "--file", file, "--name", "team-a", "--models", "a", "--expires", "soon"},
      {"token", "create", "--file", file, "--name", "team-a", "--models", "a", "--requests-per-minute", "0"},
      {"token", "create", "--file", file, "--name", "team-a", "--models", "a", "--tokens-per-minute", "-1"},
      {"token", "create", "--file", file, "--name", "team-a", "--models", "a", "--concurrent", "1000001"},
      {"token", "create", "--file", file, "--name", "team-a", "--models", "a", "--concurrent", "many"},
      {"token", "revoke", "--file", file},
      {"token", "list"},
      {"token", "list", "--config", "gateway.yaml", "--file", file},
  };
  for (const auto& arguments : wrong) {
    std::string line;
    for (const auto& argument : arguments) line += argument + " ";
    INFO(line);
    const Outcome outcome = run(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    CHECK_FALSE(outcome.err.empty());
  }
  CHECK_FALSE(std::filesystem::exists(desk.file()));
}

TEST_CASE("help teaches with an example and is no failure") {
  for (const std::string command : {"create", "list", "revoke"}) {
    const Outcome outcome = run({"token", command, "--help"});
    CHECK(outcome.exit_code == 0);
    CHECK(has(outcome.out, "sallyport token " + command));
  }
  CHECK(has(run({"token", "--help"}).out, "--models 'llama*,embed'"));
}

TEST_CASE("token list shows each token with its state and never a hash") {
  const Desk desk;
  desk.write(expired_line);
  desk.create("team-a");
  desk.create("team-b");
  desk.token({"revoke", "team-b"});
  const Outcome outcome = desk.token({"list"});
  CHECK(outcome.exit_code == 0);
  for (const char* part : {"ID", "STATE", "tk-00000000000000ee", "llama*,embed", "expired", "active", "revoked",
                           "never", "2020-02-01T00:00:00Z"}) {
    INFO(part);
    CHECK(has(outcome.out, part));
  }
  CHECK_FALSE(has(outcome.out, "eeeeeeeeeeeeeeee"));
}

TEST_CASE("token list --json is one array that a script can read") {
  const Desk desk;
  desk.write(expired_line);
  desk.token({"create", "--name", "team-a", "--models", "*", "--tokens-per-minute", "9"});
  const Outcome outcome = desk.token({"list", "--json"});
  const json list = json::parse(outcome.out, nullptr, false);
  REQUIRE(list.is_array());
  REQUIRE(list.size() == 2);
  CHECK(list[0]["state"] == "expired");
  CHECK(list[0]["expires"] == "2020-02-01T00:00:00Z");
  CHECK(list[1]["name"] == "team-a");
  CHECK(list[1]["models"] == json({"*"}));
  CHECK(list[1]["limits"]["tokens_per_minute"] == 9);
  CHECK(list[1]["limits"]["requests_per_minute"].is_null());
  CHECK(list[1]["revoked"].is_null());
  CHECK(list[1]["tenant"].is_null());
  CHECK_FALSE(list[1].contains("hash"));
}

TEST_CASE("an empty tokens file lists as nothing") {
  const Desk desk;
  desk.write("");
  CHECK(desk.token({"list"}).exit_code == 0);
  CHECK(json::parse(desk.token({"list", "--json"}).out, nullptr, false) == json::array());
}

TEST_CASE("token revoke takes an id or a name") {
  const Desk desk;
  desk.create("team-a");
  desk.create("team-b");
  CHECK(desk.token({"revoke", desk.tokens().at(0).grant.id}).exit_code == 0);
  CHECK(desk.tokens().at(0).revoked);
  CHECK_FALSE(desk.tokens().at(1).revoked);
  CHECK(desk.token({"revoke", "team-b"}).exit_code == 0);
  CHECK(desk.tokens().at(1).revoked);
}

TEST_CASE("token revoke twice changes nothing and says so") {
  const Desk desk;
  desk.create();
  desk.token({"revoke", "team-a"});
  const auto revoked = desk.tokens().at(0).revoked;
  const auto size = std::filesystem::file_size(desk.file());
  const Outcome again = desk.token({"revoke", "team-a"});
  CHECK(again.exit_code == 0);
  CHECK(has(again.err, "already revoked"));
  CHECK(desk.tokens().at(0).revoked == revoked);
  CHECK(std::filesystem::file_size(desk.file()) == size);
}

TEST_CASE("a name that several active tokens have is not revoked by guess") {
  const Desk desk;
  desk.create();
  desk.create();
  const Outcome outcome = desk.token({"revoke", "team-a"});
  CHECK(outcome.exit_code == 1);
  for (const auto& token : desk.tokens()) {
    CHECK_FALSE(token.revoked);
    CHECK(has(outcome.err, token.grant.id));
  }
  desk.token({"revoke", desk.tokens().at(0).grant.id});
  CHECK(desk.token({"revoke", "team-a"}).exit_code == 0);
  CHECK(desk.tokens().at(1).revoked);
}

TEST_CASE("what is not there is a problem, not wrong use") {
  const Desk desk;
  CHECK(desk.token({"list"}).exit_code == 1);
  CHECK(has(desk.token({"list"}).err, desk.file().string()));
  CHECK(desk.token({"revoke", "team-a"}).exit_code == 1);
  desk.create();
  CHECK(desk.token({"revoke", "team-b"}).exit_code == 1);
  CHECK(run({"token", "create", "--name", "a", "--models", "a", "--file", "/proc/no/tokens"}).exit_code == 1);
}

TEST_CASE("nothing is built on a file with problems, and each is named with its line") {
  const Desk desk;
  desk.create();
  desk.write("?\n");
  const auto size = std::filesystem::file_size(desk.file());
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"list"}, {"revoke", "team-a"}, {"create", "--name", "b", "--models", "b"}}) {
    const Outcome outcome = desk.token(arguments);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.empty());
    CHECK(has(outcome.err, desk.file().string() + ":2: "));
  }
  CHECK(std::filesystem::file_size(desk.file()) == size);
}

TEST_CASE("a token that could not be shown is revoked again") {
  const Desk desk;
  struct Full : std::streambuf {
  } full;  // takes no character
  std::ostringstream err;
  const Redirect redirect_out(std::cout, &full), redirect_err(std::cerr, err.rdbuf());
  const std::vector<std::string> create = {"token",    "create", "--name", "a",
                                           "--models", "a",      "--file", desk.file().string()};
  CHECK(parse_and_run(gateway::add_token_commands, create) == 1);
  REQUIRE(desk.tokens().size() == 1);
  CHECK(desk.tokens()[0].revoked);
}

// A gateway's configuration with a tokens file beside it, which is served as it is.
struct Gateway {
  Gateway() {
    config.listeners = "listeners:\n  - {name: in, address: 127.0.0.1:8443, plaintext: allowed}\n";
    config.upstreams = "upstreams:\n  - {name: up, endpoints: [\"http://10.0.0.5:8000\"], plaintext: allowed}\n";
    write();
  }
  void write() const { write_file(folder.file(), config.text()); }
  Outcome token(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "token");
    arguments.insert(arguments.end(), {"--config", folder.file().string()});
    return run(std::move(arguments));
  }
  auto tokens() const { return auth::read_token_file(folder / "tokens.jsonl").tokens; }

  ConfigFolder folder;
  ConfigText config;
};

TEST_CASE("a configuration may stand in place of the tokens file") {
  const Gateway gateway;
  REQUIRE(gateway.token({"create", "--name", "team-a", "--models", "m"}).exit_code == 0);
  CHECK(has(gateway.token({"list"}).out, "team-a"));
  CHECK(run({"token", "list", "--config", (gateway.folder / "other.yaml").string()}).exit_code == 1);
  CHECK(run({"token", "list"}).exit_code == 2);
}

TEST_CASE("a token that would keep the gateway from taking up its file is not made") {
  const Gateway gateway;
  REQUIRE(gateway.token({"create", "--name", "team-a", "--models", "m"}).exit_code == 0);
  const Outcome refused = gateway.token({"create", "--name", "team-b", "--models", "m", "--tenant", "nobody"});
  CHECK(refused.exit_code == 1);
  CHECK(refused.out.empty());
  CHECK(has(refused.err, "names tenant 'nobody', whom log.tenants does not have; no token was made"));
  CHECK(gateway.tokens().size() == 1);
}

TEST_CASE("a pattern that fits nothing is made and warned of, where the configuration is known") {
  const Gateway gateway;
  const Outcome made = gateway.token({"create", "--name", "team-a", "--models", "m,lama*", "--routes", "audio"});
  CHECK(made.exit_code == 0);
  CHECK(has(made.err, "warning: it names 'lama*', which fits no model."));
  CHECK(has(made.err, "warning: it names 'audio', which fits no route."));
  CHECK_FALSE(has(made.err, "'m'"));
}

TEST_CASE("a revocation is asked after where an admin listener is known, and said not to be where none is") {
  Gateway gateway;
  REQUIRE(gateway.token({"create", "--name", "team-a", "--models", "m"}).exit_code == 0);
  const Outcome unasked = gateway.token({"revoke", "team-a"});
  CHECK(unasked.exit_code == 0);
  CHECK(has(unasked.err, "No admin listener is known, so none was asked"));

  ScriptedServer admin({}, [&](Peer& peer) {
    peer.read_request();
    const auto hash = auth::read_token_file(gateway.folder / "tokens.jsonl").hash;
    peer.send_answer(200, "sallyport_tokens_hash " + std::to_string(hash) + "\n");
  });
  gateway.config.more = "admin: {address: \"127.0.0.1:" + std::to_string(admin.port()) + "\"}\n";
  gateway.config.more += "limits: {drain: 30}\n";  // an error: what is in the way of the rest does not matter here
  gateway.write();
  CHECK(gateway.token({"revoke", "team-a"}).exit_code == 0);
  CHECK(has(gateway.token({"revoke", "team-a"}).err, "refuses it now"));
  CHECK(gateway.token({"revoke", "team-a", "--admin", "127.0.0.1"}).exit_code == 2);
}

TEST_CASE("a gateway has tokens in force when it has read the file as it is now") {
  const Desk desk;
  desk.create();
  std::string page;
  ScriptedServer server({}, [&](Peer& peer) {
    peer.read_request();
    peer.send_answer(200, page);
  });
  const gateway::Address admin{"127.0.0.1", server.port()};
  const auto obstacle = [&](std::string says, core::Duration patience = core::Duration::zero()) {
    page = std::move(says);
    return gateway::wait_until_in_force(desk.file(), admin, patience);
  };
  const std::string hash = std::to_string(auth::read_token_file(desk.file()).hash);
  CHECK(obstacle("sallyport_tokens_hash " + hash + "\n").empty());
  desk.create("team-b");
  CHECK(has(obstacle("sallyport_tokens_hash " + hash + "\n"), "has not taken up " + desk.file().string()));
  CHECK(has(obstacle("sallyport_tokens_hash 0\n"), "another tokens file"));
  CHECK(has(obstacle("sallyport_tokens_hash 0\nsallyport_tokens_last_load_successful 0\n"), "it refused its tokens"));
  CHECK(has(obstacle("sallyport_build_info 1\n"), "nobody there tells of tokens"));
}

TEST_CASE("a gateway that takes tokens up a little later is waited for") {
  const Desk desk;
  desk.create();
  const std::string hash = std::to_string(auth::read_token_file(desk.file()).hash);
  std::atomic<int> asked = 0;
  ScriptedServer server({}, [&](Peer& peer) {
    peer.read_request();
    peer.send_answer(200, "sallyport_tokens_hash " + (++asked < 3 ? "7" : hash) + "\n");
  });
  CHECK(gateway::wait_until_in_force(desk.file(), {"127.0.0.1", server.port()}, tests::patience).empty());
  CHECK(asked == 3);
}
