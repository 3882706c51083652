// The log's and key's commands on a log of two tenants: what each key shows, and a tenant erased.
#include <nlohmann/json.hpp>

#include "core/private_file.hpp"
#include "envelope/identity.hpp"
#include "tests/gateway/commands/run_key_or_log.hpp"
#include "tests/logging/log_fixture.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::tests;
using core::crypto::PrivateKey;
using nlohmann::json;

namespace {

// A segment from before there were tenants, and two with an exchange of each. The operator reads globex.
struct Log {
  Log() {
    const FakeClock clock;
    const auto operators = new_key("operator"), acme = new_key("acme"), globex = new_key("globex");
    const std::vector<logging::Tenant> tenants{{"acme", {acme}}, {"globex", {globex, operators}}};
    for (int segment = 1; segment <= 3; ++segment) {
      logging::SealedLog log(log_settings(directory), {operators}, clock,
                             segment == 1 ? std::vector<logging::Tenant>{} : tenants);
      REQUIRE(seal(log, "own", "own prompt").has_value());
      for (const char* tenant : {"acme", "globex"}) {
        if (segment > 1) REQUIRE(seal(log, tenant, std::string(tenant) + " prompt", "", tenant).has_value());
      }
    }
  }
  envelope::Recipient new_key(const std::string& name) {
    const auto pair = PrivateKey::generate_p256();
    core::write_private_file(key(name), pair.pem().reveal());
    return envelope::Recipient::of(pair.public_key());
  }
  std::string id(const std::string& name) const { return envelope::Identity::load(key(name), {}).recipient().id(); }
  std::string key(const std::string& name) const { return temporary / (name + ".key"); }
  Outcome with(const std::string& name, std::vector<std::string> command) const {
    command.insert(command.end(), {"--key", key(name), directory});
    return run(std::move(command));
  }

  TemporaryDirectory temporary;
  path directory = temporary / "log";
};

}  // namespace

TEST_CASE("a tenant's key shows the tenant's exchanges and says once how many others there are") {
  const Log log;
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"log", "cat", "--content"}, {"log", "tail", "--content"}, {"log", "export"}}) {
    INFO(command[1]);
    const Outcome outcome = log.with("acme", command);
    CHECK(outcome.exit_code == 0);
    CHECK(has(outcome.out, "acme prompt"));
    CHECK_FALSE(has(outcome.out, "own prompt"));
    CHECK_FALSE(has(outcome.out, "globex"));
    CHECK(outcome.err == "sallyport log: shown are exchanges of acme; 4 of others were passed over\n");
  }
}

TEST_CASE("the operator's key marks content that is sealed for a tenant, and shows one tenant's alone when asked") {
  const Log log;
  const Outcome all = log.with("operator", {"log", "cat", "--content"});
  CHECK(all.exit_code == 0);
  CHECK(all.err.empty());
  CHECK(all.lines().size() == 7 + 5);  // five bodies that it opens
  CHECK(has(all.out, "(content sealed for acme)"));
  CHECK(has(all.out, "globex prompt"));
  CHECK_FALSE(has(all.out, "acme prompt"));
  CHECK_FALSE(has(log.with("operator", {"log", "cat"}).out, "sealed for"));

  const auto lines = log.with("operator", {"log", "cat", "--content", "--json", "--tenant", "acme"}).lines();
  REQUIRE(lines.size() == 2);
  const json exchange = json::parse(lines[0], nullptr, false);
  CHECK(exchange["tenant"] == "acme");
  CHECK(exchange["content_sealed_for"] == "acme");
  CHECK_FALSE(exchange.contains("request_body"));
}

TEST_CASE("verify says what a key proved of tenants, and what it could not") {
  const Log log;
  const Outcome operators = log.with("operator", {"log", "verify"});
  CHECK(operators.exit_code == 0);
  CHECK(has(operators.out, "and sealed with its segment's key\nthe content of acme is sealed to other keys\n"));
  const Outcome acme = log.with("acme", {"log", "verify"});
  CHECK(acme.exit_code == 0);
  CHECK(has(acme.out, ", and what is for acme is sealed with that content's key\n"));
  const json verdict = json::parse(log.with("acme", {"log", "verify", "--json"}).lines().back(), nullptr, false);
  CHECK(verdict["tenants_opened"] == json({"acme"}));
  CHECK(verdict["tenants_closed"] == json({"globex"}));
}

TEST_CASE("key check names whose content each key opens, and a tenant's is not enough") {
  const Log log;
  const Outcome operators = run({"key", "check", log.directory, "--key", log.key("operator")});
  CHECK(operators.exit_code == 0);
  CHECK(has(operators.out, "1        opened\n"));
  CHECK(has(operators.out, "2-3      opened, not the content of acme\n"));
  const Outcome acme = run({"key", "check", log.directory, "--key", log.key("acme")});
  CHECK(acme.exit_code == 1);
  CHECK(has(acme.out, "1        it is sealed to other keys\n"));
  CHECK(has(acme.out, "2-3      only the content of acme\n"));
  const auto lines = run({"key", "check", log.directory, "--json", "--key", log.key("operator")}).lines();
  const json second = json::parse(lines.at(1), nullptr, false);
  CHECK(second["content_of"] == json({"globex"}));
  CHECK(second["not_content_of"] == json({"acme"}));
}

TEST_CASE("log erase makes a tenant's content unreadable, can be repeated, and knows a name that is nobody's") {
  const Log log;
  CHECK(log.with("operator", {"log", "erase"}).exit_code == 2);
  const Outcome typo = log.with("operator", {"log", "erase", "--tenant", "acne"});
  CHECK(typo.exit_code == 1);
  CHECK(has(typo.err, "no closed segment has content of a tenant \"acne\""));
  CHECK(log.with("acme", {"log", "erase", "--tenant", "acme"}).exit_code == 1);
  CHECK(log.with("acme", {"log", "cat"}).lines().size() == 2);

  CHECK(log.with("operator", {"log", "erase", "--tenant", "acme"}).out ==
        "2 segments erased, 0 were so already, 0 failed\n");
  const json again =
      json::parse(log.with("operator", {"log", "erase", "--tenant", "acme", "--json"}).out, nullptr, false);
  CHECK(again == json{{"erased", 0}, {"as_wanted", 2}, {"not_there", 1}, {"failed", 0}, {"open", false}});
  const Outcome verified = run({"log", "verify", log.directory});
  CHECK(verified.exit_code == 0);
  CHECK(has(verified.out, "declared  segments 2-3: erased: the content key of tenant \"acme\" was erased at "));
  const std::string own_word = "Z, on the key block's own word; a key of the segment proves it\n";
  CHECK(has(verified.out, own_word));
  const Outcome proven = log.with("operator", {"log", "verify"});
  CHECK(has(proven.out, "declared  segments 2-3: erased: the content key of tenant \"acme\" was erased at "));
  CHECK_FALSE(has(proven.out, own_word));
  const auto is_proven = [](const Outcome& lines) {
    return json::parse(lines.lines().at(0), nullptr, false)["proven"].get<bool>();
  };
  CHECK(is_proven(log.with("operator", {"log", "verify", "--json"})));
  CHECK_FALSE(is_proven(log.with("globex", {"log", "verify", "--json"})));  // opens no segment
  CHECK(log.with("acme", {"log", "cat"}).exit_code == 1);
  CHECK(log.with("operator", {"log", "cat"}).lines().size() == 7);
}

TEST_CASE("log rewrap --tenant exchanges the recipients of a tenant's content alone") {
  Log log;
  const std::string line = log.new_key("new").text();
  const Outcome done = log.with("operator", {"log", "rewrap", "--tenant", "globex", "--add", line});
  CHECK(done.out == "2 segments rewrapped, 0 were so already, 0 failed\n");
  CHECK(log.with("new", {"log", "cat"}).lines().size() == 2);
  const Outcome closed = log.with("operator", {"log", "rewrap", "--tenant", "acme", "--add", line});
  CHECK(closed.exit_code == 1);
  CHECK(has(closed.err, "stays as it was: the tenant's content is sealed to other keys"));

  // The tenant's key opens what the operator's does not; neither is enough alone, and together they can be repeated.
  CHECK(log.with("acme", {"log", "rewrap", "--tenant", "acme", "--add", line}).exit_code == 1);
  for (const char* outcome : {"2 segments rewrapped, 0 were so already", "0 segments rewrapped, 2 were so already"}) {
    const Outcome both = log.with("operator", {"log", "rewrap", "--tenant", "acme", "--key", log.key("acme"), "--add",
                                               line, "--remove", log.id("acme")});
    INFO(both.err);
    CHECK(both.exit_code == 0);
    CHECK(has(both.out, outcome));
  }
  CHECK(log.with("acme", {"log", "cat"}).exit_code == 1);
  CHECK(log.with("new", {"log", "cat"}).lines().size() == 4);
  CHECK(run({"log", "verify", log.directory}).exit_code == 0);
}

TEST_CASE("several keys read, verify and follow what each of them opens") {
  const Log log;
  const std::string acme = log.key("acme");
  for (const std::vector<std::string>& command : {std::vector<std::string>{"log", "cat", "--content", "--key", acme},
                                                  {"log", "tail", "--content", "-k", acme},
                                                  {"log", "export", "--key", acme}}) {
    INFO(command[1]);
    const Outcome whole = log.with("operator", command), tenants = log.with("globex", command);
    CHECK(whole.exit_code == 0);
    CHECK(whole.err.empty());
    for (const char* prompt : {"acme prompt", "globex prompt", "own prompt"}) CHECK(has(whole.out, prompt));
    CHECK_FALSE(has(whole.out, "sealed for"));
    CHECK(tenants.exit_code == 0);
    CHECK(tenants.err == "sallyport log: shown are exchanges of acme, globex; 2 of others were passed over\n");
    CHECK(has(tenants.out, "acme prompt"));
    CHECK(has(tenants.out, "globex prompt"));
  }
  const Outcome verified = log.with("operator", {"log", "verify", "--key", acme});
  CHECK(verified.exit_code == 0);
  CHECK_FALSE(has(verified.out, "sealed to other keys"));
}
