#include "gateway/commands/check_command.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "auth/token_file.hpp"
#include "gateway/commands/key_pair.hpp"
#include "gateway/snapshot.hpp"
#include "tests/gateway/config/config_fixture.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skipped.hpp"
#include "tests/support/test_pki.hpp"

using namespace sallyport;
using namespace sallyport::gateway;
using namespace sallyport::tests;
using nlohmann::json;

namespace {

auth::Token token_for(const std::string& model) {
  auth::Token token;
  token.grant.id = auth::make_token_id();
  token.grant.name = "team-a";
  token.grant.models = {model};
  token.hash = auth::hash_token(model);
  token.created = core::SystemClock().wall();
  return token;
}

// A gateway whose files are all there and right.
struct Gateway {
  Gateway() : pki(folder / "") {
    auth::append_token(folder / "tokens.jsonl", token_for("m"));
    const auto name = [](const path& file) { return file.filename().string(); };
    config.listeners =
        "listeners:\n  - name: in\n    address: 127.0.0.1:8443\n    tls:\n      certificates: [{chain: " +
        name(pki.gateway.certificate) + ", key: " + name(pki.gateway.key) + "}]\n";
    config.upstreams = "upstreams:\n  - name: up\n    endpoints: [\"https://10.0.0.5:8000\"]\n    tls: {ca: " +
                       name(pki.ours.certificate()) + ", certificate: " + name(pki.gateway_client.certificate) +
                       ", key: " + name(pki.gateway_client.key) + "}\n";
    config.log = "log: {directory: log, origin: me, recipients: [\"" + a_recipient() + "\"]}\n";
    config.more = "spool_directory: .\n";
  }

  int check(bool as_json = false, core::WallTime now = core::SystemClock().wall()) {
    write_file(folder.file(), config.text());
    std::ostringstream out;
    const int code = gateway::check(folder.file(), as_json, now, out);
    said = out.str();
    return code;
  }

  void use_server(const path& chain, const path& key) {
    config.listeners = "listeners:\n  - name: in\n    address: 127.0.0.1:8443\n    tls: {certificates: [{chain: " +
                       chain.filename().string() + ", key: " + key.filename().string() + "}]}\n";
  }

  ConfigFolder folder;
  TestPki pki;
  ConfigText config;
  std::string said;
};

}  // namespace

TEST_CASE("a configuration whose files are right is ok, and its routes are shown") {
  Gateway gateway;
  gateway.config.models =
      "models:\n  - {name: m, aliases: [n], targets: [{upstream: up, weight: 3}, "
      "{upstream: up, model: other, weight: 1}]}\n";
  gateway.config.more += "routes: [{name: audio, path: /v1/audio/, upstream: up}]\nadmin: {address: 127.0.0.1:9090}\n";
  const int code = gateway.check();
  INFO(gateway.said);
  CHECK(code == 0);
  CHECK(contains(gateway.said,
                 "LISTENER  ADDRESS         TLS        KEY EXCHANGE  CLIENT CERTIFICATES\n"
                 "in        127.0.0.1:8443  1.3        prefer_pq     off\n"
                 "(admin)   127.0.0.1:9090  PLAINTEXT  -             -\n"));
  CHECK(contains(gateway.said,
                 "m      n        75 %   up        m               https://10.0.0.5:8000  metadata\n"
                 "                25 %   up        other           https://10.0.0.5:8000\n"));
  CHECK(contains(gateway.said, "audio  /v1/audio/  up        https://10.0.0.5:8000  metadata\n"));
  CHECK(contains(gateway.said, "written, 1 recipient, not signed\n"));
  CHECK(contains(gateway.said, "gateway.yaml: ok\n"));
}

TEST_CASE("whose content is sealed apart, and where checkpoints are kept, is shown") {
  Gateway gateway;
  REQUIRE(make_signer_pair((gateway.folder / "signer").string(), "me").name() == "me");
  const auto log_with = [&](const std::string& checkpoints) {
    gateway.config.log = "log:\n  directory: log\n  origin: me\n  recipients: [\"" + a_recipient() +
                         "\"]\n  tenants:\n    - {name: acme, recipients: [\"" + a_recipient() +
                         "\"], operator_reads: true}\n  checkpoints: {key: signer.key" + checkpoints + "}\n";
  };
  gateway.config.models =
      "models:\n  - {name: m, tenant: acme, targets: [{upstream: up}]}\n  - {name: n, targets: [{upstream: up}]}\n";
  gateway.config.more += "routes: [{name: audio, path: /v1/audio/, upstream: up, tenant: acme}]\n";
  log_with("");
  CHECK(gateway.check() == 0);
  INFO(gateway.said);
  CHECK(contains(gateway.said, "TENANT  RECIPIENTS  MODELS  ROUTES\nacme    2           m       audio\n"));
  CHECK(contains(gateway.said, "checkpoints every 5s, in no second place: nobody would see the log shortened\n"));
  log_with(", directory: worm, command: [/bin/cat, -u], interval: 1m");
  CHECK(gateway.check() == 0);
  const std::string worm = (gateway.folder / "worm").string();
  CHECK(contains(gateway.said, "checkpoints every 1m, kept in " + worm + " and by /bin/cat\n"));
  CHECK(gateway.check(true) == 0);
  const auto log = json::parse(gateway.said).at("log");
  CHECK(log["tenants"] == json({{{"name", "acme"}, {"recipients", 2}}}));
  CHECK(log["checkpoints"]["directory"] == worm);
  CHECK(log["checkpoints"]["command"] == json({"/bin/cat", "-u"}));
  CHECK(log["checkpoints"]["signer"].get<std::string>().starts_with("me+"));
}

TEST_CASE("--json says the same to a program") {
  Gateway gateway;
  CHECK(gateway.check(true) == 0);
  auto report = json::parse(gateway.said, nullptr, false);
  REQUIRE(report.is_object());
  CHECK(report["ok"] == true);
  CHECK(report["problems"].empty());
  CHECK(report["models"][0]["targets"][0]["endpoints"][0] == "https://10.0.0.5:8000");
  gateway.config.log = "log: on\n";
  CHECK(gateway.check(true) == 1);
  report = json::parse(gateway.said, nullptr, false);
  CHECK(report["ok"] == false);
  CHECK(report["problems"][0]["path"] == "log");
  CHECK(report["problems"][0]["severity"] == "error");
  CHECK(report["problems"][0]["line"].get<int>() > 1);
  CHECK_FALSE(report.contains("models"));
}

TEST_CASE("problems of the text and of the files are told together") {
  Gateway gateway;
  gateway.config.more += "colour: blue\n";
  std::filesystem::remove(gateway.pki.gateway.certificate);
  CHECK(gateway.check() == 1);
  CHECK(contains(gateway.said, "colour: is not a key that is known here"));
  CHECK(contains(gateway.said, ": listeners[0].tls.certificates[0].chain: "));
  CHECK(contains(gateway.said, "cannot be opened: No such file or directory"));
  CHECK(contains(gateway.said, "gateway.yaml: 2 errors\n"));
}

TEST_CASE("an expired certificate is an error and one that soon expires a warning") {
  using std::chrono::hours;
  Gateway gateway;
  gateway.use_server(gateway.pki.expired.certificate, gateway.pki.expired.key);
  CHECK(gateway.check() == 1);
  CHECK(contains(gateway.said, " expired on 20"));

  Gateway soon;  // its certificates end in 30 days
  const auto now = core::SystemClock().wall();
  CHECK(soon.check(false, now + hours(15 * 24)) == 0);
  CHECK_FALSE(contains(soon.said, "expires in"));
  CHECK(soon.check(false, now + hours(17 * 24)) == 0);
  CHECK(contains(soon.said, "warning: listeners[0].tls.certificates[0].chain: "));
  CHECK(contains(soon.said, "expires in 12 days"));
  CHECK(soon.check(false, now + hours(31 * 24)) == 1);
  CHECK(soon.check(false, now - hours(48)) == 1);
  CHECK(contains(soon.said, "is not valid before"));
}

TEST_CASE("a certificate that ends when no clock of ours counts any more has not expired") {
  Gateway gateway;
  const Identity lasting = gateway.pki.ours.issue("lasting", {.valid_to_days = 400 * 365});
  gateway.use_server(lasting.certificate, lasting.key);
  const int code = gateway.check();
  INFO(gateway.said);
  CHECK(code == 0);
}

TEST_CASE("a key must be the certificate's own, readable and without a passphrase") {
  Gateway gateway;
  gateway.use_server(gateway.pki.gateway.certificate, gateway.pki.client.key);
  CHECK(gateway.check() == 1);
  CHECK(contains(gateway.said, "is not the key of the certificate beside it"));

  gateway.use_server(gateway.pki.gateway.key, gateway.pki.gateway.certificate);
  CHECK(gateway.check() == 1);
  CHECK(contains(gateway.said, "holds no certificate in PEM form"));
  CHECK(contains(gateway.said, "holds no private key in PEM form"));

  write_file(gateway.folder / "locked.key",
             "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
             "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiE0RrkYq0VcgICCAAw\n"
             "-----END ENCRYPTED PRIVATE KEY-----\n");
  gateway.use_server(gateway.pki.gateway.certificate, gateway.folder / "locked.key");
  CHECK(gateway.check() == 1);
  CHECK(contains(gateway.said, "locked.key"));

  std::filesystem::permissions(gateway.pki.gateway.key, std::filesystem::perms(0644));
  gateway.use_server(gateway.pki.gateway.certificate, gateway.pki.gateway.key);
  CHECK(gateway.check() == 0);
  CHECK(contains(gateway.said, "can be used by other accounts"));
}

TEST_CASE("what the gateway shows to upstreams, and whom it trusts there, is looked at too") {
  Gateway gateway;
  const auto name = [](const path& file) { return file.filename().string(); };
  const auto use = [&](const std::string& tls) {
    gateway.config.upstreams = "upstreams:\n  - {name: up, endpoints: [\"https://10.0.0.5:8000\"]" + tls + "}\n";
    return gateway.check();
  };
  const std::string certificate = "certificate: " + name(gateway.pki.gateway_client.certificate);
  CHECK(use(", tls: {" + certificate + ", key: " + name(gateway.pki.client.key) + "}") == 1);
  CHECK(contains(gateway.said, ": upstreams[0].tls.key: "));
  CHECK(contains(gateway.said, "is not the key of the certificate beside it"));
  CHECK(use(", tls: {ca: " + name(gateway.pki.client.key) + "}") == 1);
  CHECK(contains(gateway.said, ": upstreams[0].tls.ca: "));
  CHECK(use("") == 0);
  CHECK(contains(gateway.said, "warning: upstreams[0].tls: has no client certificate"));
  CHECK(use(", api_key: {file: absent.key}") == 1);
  CHECK(contains(gateway.said, ": upstreams[0].api_key.file: "));
  CHECK_FALSE(contains(gateway.said, "has no client certificate"));  // the key tells it from a stranger
  CHECK(use(", tls: {ca: " + name(gateway.pki.client.certificate) + "}") == 0);
  CHECK(contains(gateway.said, "is not marked as an authority"));
}

TEST_CASE("a certificate that is not for the side that shows it is warned of") {
  Gateway gateway;
  const auto show = [&](const Identity& shown) {
    gateway.config.upstreams =
        "upstreams:\n  - {name: up, endpoints: [\"https://10.0.0.5:8000\"], tls: {certificate: " +
        shown.certificate.filename().string() + ", key: " + shown.key.filename().string() + "}}\n";
    CHECK(gateway.check() == 0);
  };
  const std::string warned = "warning: upstreams[0].tls.certificate: ";
  show(gateway.pki.gateway_client);
  CHECK_FALSE(contains(gateway.said, "warning"));
  show(gateway.pki.ours.issue("any", {.usage = Usage::any}));
  CHECK_FALSE(contains(gateway.said, "warning"));
  show(gateway.pki.model_server);
  CHECK(contains(gateway.said, warned));
  CHECK(contains(gateway.said, "is not for clients (extendedKeyUsage without clientAuth)"));

  show(gateway.pki.gateway_client);
  gateway.use_server(gateway.pki.client.certificate, gateway.pki.client.key);
  CHECK(gateway.check() == 0);
  CHECK(contains(gateway.said, "warning: listeners[0].tls.certificates[0].chain: "));
  CHECK(contains(gateway.said, "is not for servers (extendedKeyUsage without serverAuth)"));
}

TEST_CASE("a certificate cut off at any place is refused in words") {
  Gateway gateway;
  const std::string whole = read_file(gateway.pki.gateway.certificate);
  // The first certificate of the file: what follows it may be missing without harm.
  const std::string first = whole.substr(0, whole.find("-----END CERTIFICATE-----") + 25);
  gateway.use_server(gateway.folder / "cut.pem", gateway.pki.gateway.key);
  for (std::size_t size = 0; size < first.size(); size += 7) {
    write_file(gateway.folder / "cut.pem", first.substr(0, size));
    INFO(size << "\n" << gateway.said);
    CHECK(gateway.check() == 1);
  }
}

TEST_CASE("tokens that cannot be read, or allow what does not exist, are told") {
  Gateway gateway;
  auth::append_token(gateway.folder / "tokens.jsonl", token_for("nothing-like-it*"));
  CHECK(gateway.check() == 0);
  CHECK(contains(gateway.said, "names 'nothing-like-it*', which fits no model"));
  write_file(gateway.folder / "tokens.jsonl", "{\n");
  CHECK(gateway.check() == 1);
  CHECK(contains(gateway.said, "tokens.jsonl line 1: "));
  std::filesystem::remove(gateway.folder / "tokens.jsonl");
  CHECK(gateway.check() == 1);
  CHECK(contains(gateway.said, "`sallyport token create` makes it"));
  std::filesystem::create_directory(gateway.folder / "tokens.jsonl");
  CHECK(gateway.check() == 1);
  CHECK(contains(gateway.said, "tokens.jsonl is a folder; name a file"));
}

TEST_CASE("tokens that let nobody in, or that anybody may add to, are warned of") {
  Gateway gateway;
  const path tokens = gateway.folder / "tokens.jsonl";
  CHECK(gateway.check() == 0);
  CHECK_FALSE(contains(gateway.said, "warning"));
  std::filesystem::permissions(tokens, std::filesystem::perms(0666));
  CHECK(gateway.check() == 0);
  CHECK(contains(gateway.said, "tokens.jsonl can be written by other accounts of this machine; chmod 600 it"));
  write_file(tokens, "");
  CHECK(gateway.check() == 0);
  CHECK(contains(gateway.said, "tokens.jsonl has no active token, so nobody may call"));
}

TEST_CASE("a folder in a file's place is called one") {
  Gateway gateway;
  std::filesystem::create_directory(gateway.folder / "folder");
  gateway.use_server("folder", "folder");
  CHECK(gateway.check() == 1);
  CHECK(contains(gateway.said, "chain: " + (gateway.folder / "folder").string() + " is a folder; name a file"));
  CHECK(contains(gateway.said, "key: " + (gateway.folder / "folder").string() + " is a folder; name a file"));
}

TEST_CASE("a token of a tenant that the log does not have is an error, unless it is revoked or expired") {
  Gateway gateway;
  auth::Token token = token_for("m*");
  token.grant.tenant = "acme";
  const path tokens = gateway.folder / "tokens.jsonl";
  auth::append_token(tokens, token);
  CHECK(gateway.check() == 1);
  const std::string problem = ": token " + token.grant.id + " names tenant 'acme', whom log.tenants does not have";
  CHECK(contains(gateway.said, "tokens.jsonl" + problem));
  const core::WallTime now = core::SystemClock().wall();
  const auto build = [&](core::WallTime at) { build_callers(gateway.folder.load(gateway.config).config, at); };
  CHECK_THROWS_WITH(build(now), tokens.string() + problem);
  gateway.config.log = "log: {directory: log, origin: me, recipients: [\"" + a_recipient() +
                       "\"], tenants: [{name: acme, recipients: [\"" + a_recipient() + "\"]}]}\n";
  CHECK(gateway.check() == 0);
  CHECK(contains(gateway.said, "1 recipient, 1 tenant"));
  gateway.config.log = "log: off\n";
  CHECK(gateway.check() == 1);
  auth::append_revocation(tokens, token.grant.id, now);
  CHECK(gateway.check() == 0);

  auth::Token expiring = token_for("m*");
  expiring.grant.tenant = "acme";
  expiring.hash = auth::hash_token("another");
  expiring.expires = now - std::chrono::hours(1);
  auth::append_token(tokens, expiring);
  CHECK(gateway.check() == 0);
  build(now);
  CHECK_THROWS(build(now - std::chrono::hours(2)));
}

TEST_CASE("folders must be there, or be possible to make") {
  Gateway gateway;
  gateway.config.more = "spool_directory: absent\n";
  CHECK(gateway.check() == 1);
  CHECK(contains(gateway.said, "spool_directory: "));
  CHECK(contains(gateway.said, "does not exist; create it"));
  gateway.config.more = "spool_directory: gateway.yaml\n";
  CHECK(gateway.check() == 1);
  CHECK(contains(gateway.said, "is not a folder"));
  gateway.config.more = "spool_directory: .\n";
  gateway.config.log = "log: {directory: absent/log, origin: me, recipients: [\"" + a_recipient() + "\"]}\n";
  CHECK(gateway.check() == 1);
  CHECK(contains(gateway.said, "log.directory: " + (gateway.folder / "absent").string() + " does not exist"));
  if (::geteuid() == 0) return skipped("a folder that is locked for its owner, which nothing is for root");
  std::filesystem::create_directory(gateway.folder / "locked");
  std::filesystem::permissions(gateway.folder / "locked", std::filesystem::perms(0500));
  gateway.config.more = "spool_directory: locked\n";
  CHECK(gateway.check() == 1);
}

TEST_CASE("a configuration that cannot be read at all is one problem, not a crash") {
  std::ostringstream out;
  CHECK(check("/nowhere/gateway.yaml", false, core::SystemClock().wall(), out) == 1);
  CHECK(contains(out.str(), "/nowhere/gateway.yaml: cannot be opened"));
}
