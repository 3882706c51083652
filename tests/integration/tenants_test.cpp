// Tenants through the real process: whose key opens which exchange, and what is left when one of them is erased.
#include <signal.h>

#include <algorithm>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/waiting.hpp"

using namespace sallyport::tests;

namespace {

// The tenant acme by a token of its own, globex by a model.
struct TwoTenants {
  // The public half. The private one is encrypted when there is a passphrase.
  std::string new_key(const std::string& name, const std::string& passphrase = "") const {
    std::vector<std::string> command{SALLYPORT_BINARY, "key", "new", "--out", keys / name};
    if (!passphrase.empty()) command.insert(command.end(), {"--passphrase-file", "-"});
    const Finished made = run(command, passphrase);
    REQUIRE(made.exit_code == 0);
    const std::string line = read_file(public_key(name));
    return line.substr(0, line.find('\n'));
  }

  GatewayWish wish(bool with_acme = true) const {
    const std::string acme_of_log = "{name: acme, recipients: [\"" + acme + "\"]}, ";
    GatewayWish wish;
    wish.log = "durability: written, capture: full, tenants: [" + (with_acme ? acme_of_log : "") +
               "{name: globex, recipients: [\"" + globex + "\"], operator_reads: true}]";
    wish.models = "  - {name: globex-llama, tenant: globex, targets: [{upstream: model-server}]}\n";
    wish.tokens = {{"acme-app", {"--models", "*", "--tenant", "acme"}}};
    wish.upstreams = {{.endpoint = "https://127.0.0.1:" + std::to_string(server.port())}};
    return wish;
  }
  path public_key(const std::string& name) const { return keys / (name + ".pub"); }
  path key_of(const std::string& name) const { return keys / (name + ".key"); }

  unsigned chat(const std::string& token, const std::string& model, const std::string& prompt) const {
    ScriptedClient client(gateway.client());
    client.send(request_text({.token = token, .body = chat_body(model, prompt)}));
    return client.read_answer().status();
  }
  // One exchange of each, and one that both could claim: the caller's tenant comes first.
  void talk() const {
    CHECK(chat(gateway.token(), "llama", "of the operator") == 200);
    CHECK(chat(gateway.token_of("acme-app"), "llama", "of acme") == 200);
    CHECK(chat(gateway.token(), "globex-llama", "of globex") == 200);
    CHECK(chat(gateway.token_of("acme-app"), "globex-llama", "of acme too") == 200);
  }
  Finished with_key(std::vector<std::string> command, const path& key) const {
    command.insert(command.end(), {"--key", key, gateway.log_directory()});
    return gateway.command(std::move(command));
  }
  Finished cat(const path& key) const { return with_key({"log", "cat", "--content", "--json"}, key); }

  TemporaryDirectory keys;
  std::string acme = new_key("acme"), globex = new_key("globex");
  ScriptedServer server{GatewayProcess::model_server(), answer_always(std::string(chat_answer))};
  GatewayProcess gateway{wish()};
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("each tenant's key opens that tenant's exchanges and no other's, by token and by model", "[log]") {
  const TwoTenants two;
  two.talk();
  const Records all = two.gateway.wait_for_records(4);
  CHECK(all[0]["request_body"].get<std::string>().find("of the operator") != std::string::npos);
  CHECK_FALSE(all[0].contains("tenant"));
  CHECK(all[1]["content_sealed_for"] == "acme");
  CHECK_FALSE(all[1].contains("request_body"));
  CHECK(all[2]["tenant"] == "globex");
  CHECK(has(all[2]["request_body"].get<std::string>(), "of globex"));
  CHECK(all[3]["content_sealed_for"] == "acme");

  const Finished acme = two.cat(two.key_of("acme")), globex = two.cat(two.key_of("globex"));
  CHECK(acme.exit_code == 0);
  CHECK(lines(acme.out) == 2);
  CHECK(has(acme.out, "of acme\\\""));
  CHECK(has(acme.out, "of acme too"));
  CHECK_FALSE(has(acme.out, "of globex"));
  CHECK_FALSE(has(acme.out, "of the operator"));
  CHECK(has(acme.errors, "shown are exchanges of acme; 2 of others were passed over"));
  CHECK(lines(globex.out) == 1);
  CHECK(has(globex.out, "of globex"));
  CHECK(two.gateway.verify().exit_code == 0);
  CHECK(two.with_key({"log", "verify"}, two.key_of("acme")).exit_code == 0);
}

TEST_CASE("a tenant that is taken out and erased leaves a log that verifies and says so", "[log]") {
  TwoTenants two;
  two.talk();
  two.gateway.wait_for_records(4);
  const path operators = two.gateway.directory() / "auditor.key";

  // While a token still names acme, the configuration without acme is refused: nobody's content changes hands.
  two.gateway.write_config(two.wish(false));
  two.gateway.signal(SIGHUP);
  REQUIRE(eventually([&] { return has(two.gateway.errors(), "names tenant 'acme', whom log.tenants does not have"); }));
  CHECK(two.chat(two.gateway.token_of("acme-app"), "llama", "of acme still") == 200);
  const path tokens = two.gateway.directory() / "tokens";
  CHECK(two.gateway.command({"token", "revoke", "acme-app", "--file", tokens}).exit_code == 0);
  REQUIRE(eventually([&] { return two.chat(two.gateway.token_of("acme-app"), "llama", "of nobody") == 401; }));
  REQUIRE(eventually([&] { return std::filesystem::exists(two.gateway.log_directory() / "0000000002.segment"); }));

  const Finished erased = two.with_key({"log", "erase", "--tenant", "acme"}, operators);
  INFO(erased.out << erased.errors);
  CHECK(erased.exit_code == 0);
  CHECK(has(erased.out, "0 failed\nthe segment that is being written keeps the keys it has\n"));
  two.gateway.signal(SIGTERM);
  CHECK(two.gateway.wait_for_exit() == 0);

  for (const Finished& verified : {two.gateway.verify(), two.with_key({"log", "verify"}, operators)}) {
    CHECK(verified.exit_code == 0);
    CHECK(has(verified.out, "erased: the content key of tenant \"acme\" was erased at "));
  }
  CHECK(two.cat(two.key_of("acme")).out.empty());
  CHECK(lines(two.cat(two.key_of("globex")).out) == 1);
  CHECK_FALSE(has(two.cat(operators).out, "of acme"));
  CHECK(two.with_key({"log", "erase", "--tenant", "nobody"}, operators).exit_code == 1);
}

TEST_CASE("the operator's key and the tenant's together give a tenant's content a new recipient", "[log]") {
  TwoTenants two;
  two.talk();
  two.gateway.wait_for_records(4);
  two.gateway.signal(SIGTERM);
  REQUIRE(two.gateway.wait_for_exit() == 0);
  const path operators = two.gateway.directory() / "auditor.key";
  two.new_key("acme-2", "the words of acme");
  two.new_key("auditor-2", "the auditor's");
  const std::vector<std::string> exchange{
      "log", "rewrap", "--tenant", "acme", "--add", two.public_key("acme-2"), "--remove", two.public_key("acme")};

  const Finished alone = two.with_key(exchange, operators);
  CHECK(alone.exit_code == 1);
  CHECK(has(alone.errors, "stays as it was: the tenant's content is sealed to other keys"));
  CHECK(two.with_key(exchange, two.key_of("acme")).exit_code == 1);
  auto together = exchange;
  together.insert(together.end(), {"--key", two.key_of("acme")});
  const Finished done = two.with_key(together, operators);
  INFO(done.out << done.errors);
  CHECK(done.exit_code == 0);
  CHECK(two.with_key({"log", "rewrap", "--add", two.public_key("auditor-2")}, operators).exit_code == 0);

  CHECK(two.cat(two.key_of("acme")).exit_code == 1);
  const Finished whole = run({SALLYPORT_BINARY, "log", "cat", "--content", "--json", "--key", two.key_of("auditor-2"),
                              "--key", two.key_of("acme-2"), "--passphrase-file", "-", two.gateway.log_directory()},
                             "the auditor's\nthe words of acme\n");
  INFO(whole.errors);
  CHECK(whole.exit_code == 0);
  CHECK(lines(whole.out) == 4);
  CHECK(has(whole.out, "of acme too"));
  CHECK_FALSE(has(whole.out, "\"content_sealed_for\":\"acme\""));
  CHECK(two.gateway.verify().exit_code == 0);
}
