#include "gateway/config/load_config.hpp"

#include <cstdlib>

#include "core/hybrid_key.hpp"
#include "envelope/recipient.hpp"
#include "tests/gateway/config/config_fixture.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skipped.hpp"

using namespace sallyport;
using namespace sallyport::gateway;
using namespace sallyport::tests;

namespace {

// What a configuration with one part changed says.
std::string said(std::string ConfigText::*part, const std::string& text) {
  ConfigText config;
  config.*part = text;
  const ConfigFolder folder;
  return problems_of(folder.load(config));
}

std::string listener(const std::string& keys) { return "listeners:\n  - {" + keys + "}\n"; }
std::string upstream(const std::string& keys) { return "upstreams:\n  - {name: up, " + keys + "}\n"; }
std::string model(const std::string& keys) { return "models:\n  - {" + keys + "}\n"; }

const std::string some_tls = "tls: {certificates: [{chain: a.pem, key: a.key}]}";
const std::string endpoint = "endpoints: [\"https://10.0.0.5:8000\"]";

}  // namespace

TEST_CASE("a right configuration has no problem, and what it leaves out has its default") {
  const ConfigFolder folder;
  const auto loaded = folder.load(ConfigText{});
  INFO(problems_of(loaded));
  REQUIRE(loaded.usable());
  const Config& config = loaded.config;
  CHECK(loaded.problems.empty());
  REQUIRE(config.listeners.size() == 1);
  CHECK(config.listeners[0].address.port == 8443);
  CHECK(config.listeners[0].tls->certificates[0].chain == folder / "a.pem");
  CHECK(config.upstreams[0].endpoints[0].text() == "https://10.0.0.5:8000");
  CHECK(config.upstreams[0].timeouts.connect == std::chrono::seconds(3));
  CHECK(config.models[0].targets[0].model == "m");
  CHECK(config.models[0].capture == routing::Capture::metadata);
  CHECK(config.limits.body_bytes == 64u << 20);
  CHECK_FALSE(config.log);
  CHECK_FALSE(config.admin);
  CHECK(config.tokens_file == folder / "tokens.jsonl");
  const std::vector<path> files = {folder.file(), folder / "a.pem", folder / "a.key", folder / "tokens.jsonl"};
  CHECK(config.files == files);
}

TEST_CASE("limits are shared through a server, over TLS unless the file says otherwise") {
  const auto load = [](const std::string& keys) {
    ConfigText config;
    config.more = "limits: {shared: {" + keys + "}}\n";
    const ConfigFolder folder;
    return folder.load(config);
  };
  const auto loaded = load("endpoint: \"rediss://valkey.internal:6379\", password_file: secret, tls: {ca: ca.pem}");
  INFO(problems_of(loaded));
  REQUIRE(loaded.usable());
  const auto& shared = loaded.config.shared_limits;
  REQUIRE(shared);
  CHECK(shared->address.host == "valkey.internal");
  CHECK(shared->address.port == 6379);
  REQUIRE(shared->tls);
  CHECK(shared->tls->ca.filename() == "ca.pem");
  CHECK(shared->interval == std::chrono::milliseconds(200));
  const auto& files = loaded.config.files;
  CHECK(std::count(files.begin(), files.end(), shared->password_file) == 1);

  CHECK(load("endpoint: \"rediss://[::1]:6379\", plaintext: allowed").config.shared_limits->tls);
  CHECK_FALSE(load("endpoint: \"redis://a:6379\", plaintext: allowed").config.shared_limits->tls);
  const auto said = [&](const std::string& keys) { return problems_of(load(keys)); };
  for (const std::string endpoint : {"valkey", "valkey:6379", "rediss://a", "rediss://a:0", "https://a:1",
                                     "rediss://me:password@a:6379", "rediss://a:1/0", "redis:/", "://"}) {
    CHECK(contains(said("endpoint: \"" + endpoint + "\", plaintext: allowed"), "give scheme, host and port"));
  }
  CHECK(contains(said("interval: 1s"), "endpoint"));
  CHECK(contains(said("endpoint: \"redis://a:6379\""), "is not encrypted"));
  CHECK(contains(said("endpoint: \"redis://a:1\", plaintext: allowed, tls: {ca: x}"), "has no use"));
  CHECK(contains(said("endpoint: \"rediss://a:1\", username: me"), "without `password_file`"));
  CHECK(contains(said("endpoint: \"rediss://a:1\", password: x"), "is not a key that is known here"));
}

TEST_CASE("a model server's key is a file that is watched, and goes into one of three fields") {
  const ConfigFolder folder;
  ConfigText config;
  config.upstreams = upstream(endpoint + ", api_key: {file: up.key}") + "  - {name: other, " + endpoint + "}\n";
  const auto loaded = folder.load(config);
  INFO(problems_of(loaded));
  REQUIRE(loaded.usable());
  const auto& keys = loaded.config.upstream_api_keys;
  REQUIRE(keys.size() == 2);
  CHECK(keys[loaded.config.upstreams[0].number].file == folder / "up.key");
  CHECK(keys[loaded.config.upstreams[0].number].field == "authorization");
  CHECK(keys[loaded.config.upstreams[1].number].file.empty());
  const auto& files = loaded.config.files;
  CHECK(std::count(files.begin(), files.end(), folder / "up.key") == 1);
  CHECK(contains(said(&ConfigText::upstreams, upstream(endpoint + ", api_key: {}")), "file"));
  CHECK(contains(said(&ConfigText::upstreams, upstream(endpoint + ", api_key: {file: a, field: cookie}")),
                 "use authorization or x-api-key or api-key"));
}

TEST_CASE("all problems are told at once, each with its line, column and path, in the file's order") {
  const ConfigFolder folder;
  const auto loaded = folder.load(
      "listeners:\n"
      "  - name: in\n"
      "    adress: 127.0.0.1:8443\n"
      "upstreams:\n"
      "  - name: up\n"
      "    endpoints: [http://10.0.0.5:8000]\n"
      "    timeouts: {connect: 3}\n"
      "models:\n"
      "  - name: m\n"
      "    targets: [{upstream: upp, weight: 0}]\n"
      "limits: {body: 64MB}\n"
      "colour: blue\n");
  CHECK_FALSE(loaded.usable());
  CHECK(
      problems_of(loaded) ==
      "1:1: has no `log`: say where records go and who can read them, or `log: off`\n"
      "1:1: lets nobody in: give `tokens: {file: …}`, or `certificates` for clients that show one\n"
      "2:5: listeners[0]: has no `address`, which is needed\n"
      "2:5: listeners[0]: has no `tls`; give certificate and key, or say `plaintext: allowed`\n"
      "3:5: listeners[0].adress: is not a key that is known here; did you mean 'address'?\n"
      "6:17: upstreams[0].endpoints[0]: is not encrypted; use https://, or add `plaintext: allowed` to this upstream\n"
      "7:25: upstreams[0].timeouts.connect: is '3'; a duration is a whole number with a unit, such as 250ms, 10s, "
      "5m, 1h or 30d\n"
      "10:26: models[0].targets[0].upstream: is 'upp'; did you mean 'up'?\n"
      "10:39: models[0].targets[0].weight: is '0'; give a whole number from 1 to 1000000\n"
      "11:16: limits.body: is '64MB'; a size is bytes, or a whole number with KiB, MiB or GiB, such as 64MiB\n"
      "12:1: colour: is not a key that is known here; the keys are upstreams, log, listeners, admin, models, routes, "
      "tokens, certificates, limits, operator_log, workers, spool_directory\n");
}

TEST_CASE("a problem names the file as the operator named it") {
  const ConfigFolder folder;
  const auto loaded = folder.load("workers: -1\n");
  REQUIRE_FALSE(loaded.problems.empty());
  CHECK(text_of(loaded.problems.front()).starts_with(folder.file().string() + ":1:"));
}

TEST_CASE("a file that is not there, a folder, an empty file and a list are each refused in words") {
  const ConfigFolder folder;
  CHECK(contains(problems_of(load_config(folder / "absent.yaml")), "cannot be opened: No such file"));
  CHECK(contains(problems_of(load_config(folder.file().parent_path())), "cannot be read: Is a directory"));
  for (const auto* nothing : {"", "\n", "# later\n"}) {
    CHECK(problems_of(folder.load(nothing)) == " is empty; minimal.yaml shows the least that is needed\n");
  }
  CHECK(contains(problems_of(folder.load("- a\n")), "is a list; give a group of keys"));
  CHECK(contains(problems_of(folder.load("hello")), "is 'hello'; give a group of keys"));
  CHECK(contains(problems_of(folder.load("a: b: c\n")), "is not valid YAML"));
}

TEST_CASE("a listener is encrypted, or says that it is not") {
  CHECK(said(&ConfigText::listeners, listener("name: in, address: 127.0.0.1:1, plaintext: allowed")).empty());
  CHECK(contains(said(&ConfigText::listeners, listener("name: in, address: 127.0.0.1:1")), "has no `tls`"));
  CHECK(contains(said(&ConfigText::listeners, listener("name: in, address: 127.0.0.1:1, plaintext: yes")),
                 "plaintext: is 'yes'; use allowed"));
  CHECK(contains(
      said(&ConfigText::listeners, listener("name: in, address: 127.0.0.1:1, plaintext: allowed, " + some_tls)),
      "contradicts `tls`"));
  CHECK(contains(said(&ConfigText::listeners, listener("name: in, address: 127.0.0.1:1, tls: {certificates: []}")),
                 "certificates: is empty; at least one"));
  CHECK(contains(said(&ConfigText::listeners, listener("name: in, address: 127.0.0.1:1, tls: {}")),
                 "has no `certificates`"));
  CHECK(contains(
      said(&ConfigText::listeners, listener("name: in, address: 127.0.0.1:1, tls: {certificates: [{chain: a.pem}]}")),
      "certificates[0]: has no `key`"));
  CHECK(contains(said(&ConfigText::listeners, "listeners: []\n"), "listeners: is empty"));
}

TEST_CASE("client certificates and their authorities come together") {
  const auto with = [](const std::string& keys) {
    return said(&ConfigText::listeners, listener("name: in, address: 127.0.0.1:1, "
                                                 "tls: {certificates: [{chain: a.pem, key: a.key}], " +
                                                 keys + "}"));
  };
  CHECK(with("client_certificates: off").empty());
  CHECK(with("client_certificates: optional, client_ca: ca.pem").empty());
  CHECK(with("client_certificates: required, client_ca: ca.pem").empty());
  CHECK(contains(with("client_certificates: required"), "needs `client_ca`"));
  CHECK(contains(with("client_ca: ca.pem"), "has no use without"));
  CHECK(contains(with("client_certificates: maybe"), "is 'maybe'; use off or optional or required"));
}

TEST_CASE("post-quantum key exchange is preferred, or required where OpenSSL has it") {
  const auto with = [](const std::string& key_exchange) {
    return said(&ConfigText::listeners,
                listener("name: in, address: 127.0.0.1:1, tls: {certificates: [{chain: a.pem, key: a.key}], "
                         "key_exchange: " +
                         key_exchange + "}"));
  };
  CHECK(with("prefer_pq").empty());
  CHECK(contains(with("classical"), "is 'classical'; use prefer_pq or require_pq"));
  const std::string upstream = said(&ConfigText::upstreams,
                                    "upstreams:\n  - {name: up, endpoints: [\"https://10.0.0.5:8000\"], "
                                    "tls: {key_exchange: require_pq}}\n");
  for (const std::string& told : {with("require_pq"), upstream}) {
    CHECK(told.empty() == tls::has_post_quantum());
    CHECK(contains(told, "tls.key_exchange: is require_pq, but OpenSSL ") != tls::has_post_quantum());
  }
}

TEST_CASE("two listeners cannot share a name or an address") {
  const std::string two = "listeners:\n  - {name: in, address: 127.0.0.1:1, " + some_tls + "}\n" +
                          "  - {name: in, address: 127.0.0.1:1, " + some_tls + "}\n";
  const std::string problems = said(&ConfigText::listeners, two);
  CHECK(contains(problems, "listeners[1].name: 'in' is already the name of another (listeners[0].name)"));
  CHECK(contains(problems, "listeners[1].address: '127.0.0.1:1' is already listened on"));
}

TEST_CASE("the admin listener stays on this machine unless the file says otherwise") {
  CHECK(said(&ConfigText::more, "admin: {address: 127.0.0.1:9090}\n").empty());
  CHECK(said(&ConfigText::more, "admin: {address: \"[::1]:9090\"}\n").empty());
  CHECK(said(&ConfigText::more, "admin: {address: 0.0.0.0:9090, plaintext: allowed}\n").empty());
  CHECK(contains(said(&ConfigText::more, "admin: {address: 0.0.0.0:9090}\n"), "leaves this machine"));
  CHECK(contains(said(&ConfigText::more, "admin: {address: 127.0.0.1:8443}\n"), "already listened on"));
  CHECK(contains(said(&ConfigText::more, "admin: {address: localhost:9090}\n"), "numeric address"));
}

TEST_CASE("an upstream has endpoints, encrypted unless allowed otherwise") {
  CHECK(said(&ConfigText::upstreams, upstream("plaintext: allowed, endpoints: [\"http://a\", \"https://b\"]")).empty());
  CHECK(contains(said(&ConfigText::upstreams, upstream("endpoints: [\"http://a\"]")), "is not encrypted"));
  CHECK(contains(said(&ConfigText::upstreams, upstream("endpoints: []")), "at least one"));
  CHECK(contains(said(&ConfigText::upstreams, upstream("endpoints: https://a")), "give a list"));
  CHECK(contains(said(&ConfigText::upstreams, upstream("endpoints: [\"https://a\", \"https://a:443\"]")),
                 "listed twice"));
  CHECK(contains(said(&ConfigText::upstreams, upstream("endpoints: [\"https://a/v1\"]")), "has a path"));
  CHECK(contains(said(&ConfigText::upstreams, upstream(endpoint + ", tls: {certificate: a.pem}")),
                 "only one of `certificate` and `key`"));
  // Of a zone OpenSSL makes no address, of a dot in front any name below it.
  for (const std::string name : {"fe80::1%eth0", ".example.com", "*.example.com", "a b"}) {
    CHECK(contains(said(&ConfigText::upstreams, upstream(endpoint + ", tls: {server_name: \"" + name + "\"}")),
                   "neither a host name nor an address"));
  }
  for (const std::string name : {"llama.internal", "10.0.0.5", "fd00::5"}) {
    CHECK(said(&ConfigText::upstreams, upstream(endpoint + ", tls: {server_name: \"" + name + "\"}")).empty());
  }
  CHECK(contains(
      said(&ConfigText::upstreams, upstream("plaintext: allowed, endpoints: [\"http://a\"], tls: {ca: ca.pem}")),
      "has no use: every endpoint"));
}

TEST_CASE("a model has a name of its own and targets that exist") {
  const std::string target = "targets: [{upstream: up}]";
  CHECK(contains(said(&ConfigText::models, model("targets: [{upstream: up}]")), "has no `name`"));
  CHECK(contains(said(&ConfigText::models, model("name: m")), "has no `targets`"));
  CHECK(contains(said(&ConfigText::models, model("name: m, targets: []")), "targets: is empty"));
  CHECK(contains(said(&ConfigText::models, model("name: \"a b\", " + target)), "a name is 1 to 128"));
  CHECK(contains(said(&ConfigText::models, model("name: m, targets: [{upstream: elsewhere}]")),
                 "no upstream has that name"));
  CHECK(contains(said(&ConfigText::models, model("name: m, aliases: [m], " + target)),
                 "models[0].aliases[0]: 'm' is already the name or alias of a model (models[0].name)"));
  CHECK(contains(said(&ConfigText::models, "models:\n  - {name: a, aliases: [x], " + target + "}\n" +
                                               "  - {name: b, aliases: [x], " + target + "}\n"),
                 "models[1].aliases[0]: 'x' is already the name or alias"));
  CHECK(contains(said(&ConfigText::models, model("name: m, capture: full, " + target)), "there is no log"));
}

TEST_CASE("something must be routed, by paths that differ") {
  CHECK(contains(said(&ConfigText::models, ""), "routes no call"));
  CHECK(said(&ConfigText::models, "routes: [{name: r, path: /v1/audio/, upstream: up}]\n").empty());
  CHECK(contains(said(&ConfigText::more, "routes: [{name: r, path: v1, upstream: up}]\n"), "a path starts with /"));
  CHECK(contains(said(&ConfigText::more, "routes: [{name: r, path: \"/a?b\", upstream: up}]\n"), "has no query"));
  for (const std::string path : {"/a//b", "//", "/a/../b", "/./", "/%41/", "/a;b", "/a\\b", "/%2f", "/%"}) {
    INFO(path);
    CHECK(contains(said(&ConfigText::more, "routes: [{name: r, path: '" + path + "', upstream: up}]\n"),
                   "no request can match it"));
  }
  CHECK(contains(said(&ConfigText::more, "routes: [{name: r, path: '/v1/audio/*', upstream: up}]\n"),
                 "a path covers all that begin with it; leave the '*' out"));
  for (const std::string path : {"/", "/.", "/.well-known/", "/a/..", "/v1/aud", "/%20/"}) {
    INFO(path);
    CHECK(said(&ConfigText::more, "routes: [{name: r, path: '" + path + "', upstream: up}]\n").empty());
  }
  const std::string problems =
      said(&ConfigText::more, "routes: [{name: r, path: /a/, upstream: up}, {name: r, path: /a/, upstream: up}]\n");
  CHECK(contains(problems, "'r' is already the name"));
  CHECK(contains(problems, "'/a/' is already the path"));
}

TEST_CASE("somebody must be let in") {
  const std::string rule = "certificates: [{name: b, match: {common_name: b}, models: [\"*\"]}]\n";
  CHECK(contains(said(&ConfigText::access, ""), "lets nobody in"));
  CHECK(contains(said(&ConfigText::access, "tokens: {}\n"), "tokens: has no `file`"));
  CHECK(contains(said(&ConfigText::access, rule), "no listener asks for one"));
  ConfigText config;
  config.access = rule;
  config.listeners = listener(
      "name: in, address: 127.0.0.1:1, tls: {certificates: [{chain: a.pem, key: a.key}], "
      "client_certificates: required, client_ca: ca.pem}");
  const ConfigFolder folder;
  const auto loaded = folder.load(config);
  INFO(problems_of(loaded));
  REQUIRE(loaded.usable());
  CHECK(loaded.config.certificates[0].grant.id == "cert:b");
}

TEST_CASE("a certificate rule matches something and allows something") {
  const auto rule = [](const std::string& keys) {
    return said(&ConfigText::access, "certificates: [{" + keys + "}]\n");
  };
  CHECK(contains(rule("name: b, match: {}, models: [m]"), "would match every certificate"));
  CHECK(contains(rule("name: b, models: [m]"), "has no `match`"));
  CHECK(contains(rule("name: b, match: {uri: \"spiffe://x\"}"), "allows nothing"));
  CHECK(contains(rule("name: b, match: {uri: x}, models: [\"*m\"]"), "a pattern is"));
  CHECK(contains(rule("name: tk-1, match: {uri: x}, models: [m]"), "cannot be a caller's name"));
  CHECK(contains(rule("name: b, match: {fingerprint: abc}, models: [m]"), "64 hexadecimal digits"));
  std::string fingerprint(64, 'A');
  CHECK_FALSE(contains(rule("name: b, match: {fingerprint: " + fingerprint + "}, models: [m]"), "fingerprint"));
}

TEST_CASE("the log is configured or off, and has readers") {
  const std::string key = a_recipient();
  const auto log = [](const std::string& keys) { return said(&ConfigText::log, "log: {" + keys + "}\n"); };
  const std::string rest = "directory: log, origin: me, recipients: ";
  CHECK(log(rest + "[\"" + key + "\"]").empty());
  CHECK(contains(said(&ConfigText::log, "log: on\n"), "give directory, origin and recipients, or off"));
  CHECK(contains(said(&ConfigText::log, ""), "has no `log`"));
  CHECK(contains(log(rest + "[]"), "nobody could ever read"));
  CHECK(contains(log("directory: log, origin: me"), "has no `recipients`"));
  CHECK(contains(log(rest + "[\"" + key + "\", \"" + key + "\"]"), "recipients[1]: is the same public key"));
  CHECK(contains(log(rest + "[\"sallyport-p256:AAAA\"]"), "is not a recipient's public key"));
  CHECK(contains(log(rest + "[\"file:absent.pub\"]"), "the file cannot be opened"));
  CHECK(contains(log(rest + "[auditor.pub]"), "; write file:auditor.pub for what is in that file"));
  CHECK(contains(log(rest + "[\"env:SALLYPORT_TEST_ABSENT\"]"), "not set"));
  CHECK(contains(log(rest + "[\"" + key + "\"], durability: sometimes"), "use buffered or written or synced"));
}

TEST_CASE("post-quantum and classical recipients are mixed only by name") {
  const auto log = [](const std::string& keys) {
    return said(&ConfigText::log, "log: {directory: log, origin: me, " + keys + "}\n");
  };
  const std::string classical = "\"" + a_recipient() + "\"";
  CHECK(log("recipients: [" + classical + "], allow_mixed_recipients: false").empty());
  CHECK(contains(log("recipients: [" + classical + "], allow_mixed_recipients: yes"), "use true or false"));
  if (!core::crypto::hybrid_available()) return skipped(no_ml_kem);
  const auto pair = [] { return core::crypto::HybridPrivateKey::generate().public_key(); };
  const std::string first = "\"" + envelope::Recipient::of(pair()).text() + "\"";
  const std::string second = "\"" + envelope::Recipient::of(pair()).text() + "\"";
  CHECK(log("recipients: [" + first + ", " + second + "]").empty());
  CHECK(contains(log("recipients: [" + first + ", " + classical + "]"), "mixes post-quantum and classical keys"));
  CHECK(contains(log("recipients: [" + first + ", " + classical + "], allow_mixed_recipients: false"), "mixes"));
  CHECK(log("recipients: [" + classical + ", " + first + "], allow_mixed_recipients: true").empty());
}

TEST_CASE("a tenant has readers of its own, and whoever names one names one that is there") {
  const std::string own = a_recipient(), operators = a_recipient(), key = "\"" + own + "\"";
  ConfigText config;
  const auto log_of = [&](const std::string& tenants) {
    return "log: {directory: log, origin: me, recipients: [\"" + operators + "\"], tenants: " + tenants + "}\n";
  };
  const auto log = [&](const std::string& tenants) { return said(&ConfigText::log, log_of(tenants)); };
  CHECK(log("[{name: acme, recipients: [" + key + "]}]").empty());
  CHECK(contains(log("[{name: acme}]"), "log.tenants[0]: has no `recipients`"));
  CHECK(contains(log("[{name: acme, recipients: []}]"), "log.tenants[0].recipients: is empty"));
  CHECK(contains(log("[{name: tk-1, recipients: [" + key + "]}]"), "log.tenants[0].name: cannot be a tenant's name"));
  CHECK(contains(log("[{name: a, recipients: [" + key + "]}, {name: a, recipients: [" + key + "]}]"),
                 "log.tenants[1].name: 'a' is already the name of another"));

  config.log = log_of("[{name: acme, recipients: [" + key + "], operator_reads: true}, {name: globex, recipients: [" +
                      key + "]}]");
  config.models = "models:\n  - {name: m, targets: [{upstream: up}], tenant: acme}\n";
  config.more = "routes:\n  - {name: r, path: /r/, upstream: up, tenant: globex}\n";
  config.listeners =
      "listeners:\n  - {name: in, address: 127.0.0.1:8443, tls: {certificates: [{chain: a.pem, key: a.key}], "
      "client_certificates: optional, client_ca: ca.pem}}\n";
  config.access = "certificates: [{name: c, match: {common_name: c}, models: [m], tenant: acme}]\n";
  const ConfigFolder folder;
  Loaded loaded = folder.load(config);
  INFO(problems_of(loaded));
  REQUIRE(loaded.usable());
  CHECK(loaded.config.log->tenants[0].recipients == std::vector<std::string>{own, operators});
  CHECK(loaded.config.log->tenants[1].recipients == std::vector<std::string>{own});
  CHECK(loaded.config.models[0].tenant == "acme");
  CHECK(loaded.config.routes[0].tenant == "globex");
  CHECK(loaded.config.certificates[0].grant.tenant == "acme");

  config.models = "models:\n  - {name: m, targets: [{upstream: up}], tenant: acne}\n";
  CHECK(contains(problems_of(folder.load(config)), "models[0].tenant: is 'acne'; did you mean 'acme'?"));
  config.log = "log: off\n";
  CHECK(
      contains(problems_of(folder.load(config)), "routes[0].tenant: is 'globex'; log.tenants has nobody of that name"));
}

TEST_CASE("recipients come from files and the environment too, and their files are watched") {
  const ConfigFolder folder;
  const std::string first = a_recipient(), second = a_recipient(), third = a_recipient();
  write_file(folder / "two.pub", "# auditors\n\n" + first + "\n  " + second + "  \r\n");
  ::setenv("SALLYPORT_TEST_RECIPIENT", third.c_str(), 1);
  ConfigText config;
  config.log = "log: {directory: log, origin: me, recipients: [\"file:two.pub\", \"env:SALLYPORT_TEST_RECIPIENT\"]}\n";
  const auto loaded = folder.load(config);
  INFO(problems_of(loaded));
  REQUIRE(loaded.usable());
  CHECK(loaded.config.log->recipients == std::vector<std::string>{first, second, third});
  CHECK(std::count(loaded.config.files.begin(), loaded.config.files.end(), folder / "two.pub") == 1);
  write_file(folder / "two.pub", "# nobody\n");
  CHECK(contains(problems_of(folder.load(config)), "holds no public key"));
}

TEST_CASE("a recipient's file that is none is one problem, however many lines it has") {
  const ConfigFolder folder;
  ConfigText config;
  config.log = "log: {directory: log, origin: me, recipients: [\"file:some\"]}\n";
  const auto problems = [&](const std::string& text) {
    write_file(folder / "some", text);
    const auto loaded = folder.load(config);
    CHECK(loaded.problems.size() == 1);
    return problems_of(loaded);
  };
  const std::string pem = problems("-----BEGIN PUBLIC KEY-----\nMFkw\nabcd\n-----END PUBLIC KEY-----\n");
  CHECK(contains(pem, "is 'file:some'; a line of that file is not a recipient's public key"));
  CHECK(contains(pem, "`sallyport key show` makes one"));
  CHECK(contains(problems("-----BEGIN PRIVATE KEY-----\nMFkw\nabcd\n"), "this is a PRIVATE key"));
}

TEST_CASE("an upstream that nothing is sent to is warned of") {
  const ConfigFolder folder;
  ConfigText config;
  config.upstreams += "  - {name: spare, endpoints: [\"https://10.0.0.6:8000\"]}\n";
  const auto loaded = folder.load(config);
  CHECK(loaded.usable());
  CHECK(contains(problems_of(loaded), "warning: upstreams[1]: is named by no model and no route"));
  config.more = "routes: [{name: r, path: /v1/audio/, upstream: spare}]\n";
  CHECK(folder.load(config).problems.empty());
}

TEST_CASE("a merge key is refused by its name") {
  const std::string problems =
      said(&ConfigText::upstreams, "upstreams:\n  - {name: up, endpoints: [\"https://a:1\"], tls: {<<: {ca: x}}}\n");
  CHECK(contains(problems, "upstreams[0].tls: has a merge key (<<), which is not read here; write the keys out"));
}

TEST_CASE("gateways that share a configuration take the names of their logs from the environment") {
  ::setenv("SALLYPORT_TEST_ORIGIN", "sallyport-1.ai-gateway.example", 1);
  ::setenv("SALLYPORT_TEST_EMPTY", "", 1);
  const ConfigFolder folder;
  const auto load = [&](const std::string& origin) {
    ConfigText config;
    config.log = "log: {directory: log, origin: \"" + origin + "\", recipients: [\"" + a_recipient() + "\"]}\n";
    return folder.load(config);
  };
  const auto loaded = load("env:SALLYPORT_TEST_ORIGIN");
  INFO(problems_of(loaded));
  REQUIRE(loaded.usable());
  CHECK(loaded.config.log->settings.origin == "sallyport-1.ai-gateway.example");
  CHECK(contains(problems_of(load("env:SALLYPORT_TEST_ABSENT")), "log.origin: is 'env:SALLYPORT_TEST_ABSENT'; that"));
  CHECK(contains(problems_of(load("env:SALLYPORT_TEST_EMPTY")), "a name is 1 to 128"));
}

TEST_CASE("checkpoints need a key, and a second place that is another") {
  const auto log = [](const std::string& origin, const std::string& checkpoints) {
    return said(&ConfigText::log, "log: {directory: log, origin: " + origin + ", recipients: [\"" + a_recipient() +
                                      "\"], checkpoints: {" + checkpoints + "}}\n");
  };
  CHECK(log("me", "key: signer.key, interval: 1s, directory: /mnt/worm").empty());
  CHECK(contains(log("me", "interval: 1s"), "has no `key`"));
  CHECK(contains(log("me", "key: signer.key, directory: log"), "is the log's own"));
  CHECK(contains(log("me+you", "key: signer.key"), "must not have a '+'"));
  CHECK(contains(log("me", "key: signer.key, interval: 1ms"), "interval"));
  CHECK(log("me", "key: signer.key, command: [/usr/local/bin/keep, gateway-1]").empty());
  CHECK(contains(log("me", "key: signer.key, command: [keep]"), "by its absolute path"));
  CHECK(contains(log("me", "key: signer.key, command: []"), "command"));
  CHECK(contains(log("me", "key: signer.key, command: keep it"), "command"));
}

TEST_CASE("keys that signed before are public halves, written out or in files, and sign in the log's name") {
  const ConfigFolder folder;
  const logging::NoteSigner first("gateway-1", core::crypto::PrivateKey::generate_ed25519());
  const logging::NoteSigner second("gateway-2", core::crypto::PrivateKey::generate_ed25519());
  write_file(folder / "second.vkey", second.verifier().text() + "\n");
  const auto load = [&](const std::string& earlier) {
    ConfigText config;
    config.log = "log: {directory: log, origin: gateway-1, recipients: [\"" + a_recipient() +
                 "\"], checkpoints: {key: signer.key, earlier: " + earlier + "}}\n";
    return folder.load(config);
  };
  const auto loaded = load("[\"" + first.verifier().text() + "\", \"file:second.vkey\"]");
  INFO(problems_of(loaded));
  REQUIRE(loaded.usable());
  const auto& earlier = loaded.config.log->settings.checkpoints.earlier;
  REQUIRE(earlier.size() == 2);
  CHECK(earlier[0].text() == first.verifier().text());
  CHECK(earlier[1].text() == logging::NoteVerifier("gateway-1", second.verifier().key()).text());
  CHECK(contains(problems_of(load("[signer.vkey]")), "log.checkpoints.earlier[0]: is not the public half of a signing"));
  CHECK(contains(problems_of(load("[\"file:absent.vkey\"]")), "absent.vkey"));
  CHECK(contains(problems_of(load("signer.vkey")), "log.checkpoints.earlier"));
}

TEST_CASE("retention has a limit, and signs for what it removes") {
  const auto log = [](const std::string& more) {
    return said(&ConfigText::log,
                "log: {directory: log, origin: me, recipients: [\"" + a_recipient() + "\"], " + more + "}\n");
  };
  const std::string key = "checkpoints: {key: signer.key}, ";
  CHECK(log(key + "retention: {age: 30d}").empty());
  CHECK(log(key + "retention: {size: 10GiB}").empty());
  CHECK(contains(log(key + "retention: {}"), "needs `age` or `size`"));
  CHECK(contains(log("retention: {age: 30d}"), "needs `log.checkpoints`"));
}

TEST_CASE("log.capture is the default of models and routes, each may say otherwise") {
  const ConfigFolder folder;
  ConfigText config;
  config.log = "log: {directory: log, origin: me, capture: full, recipients: [\"" + a_recipient() + "\"]}\n";
  config.models =
      "models:\n  - {name: a, targets: [{upstream: up}]}\n"
      "  - {name: b, capture: metadata, targets: [{upstream: up}]}\n";
  const auto loaded = folder.load(config);
  REQUIRE(loaded.usable());
  CHECK(loaded.config.models[0].capture == routing::Capture::full);
  CHECK(loaded.config.models[1].capture == routing::Capture::metadata);
}

TEST_CASE("a private key pasted into the configuration is refused and never shown") {
  const std::string pem = "-----BEGIN PRIVATE KEY-----MC4CAQAwBQYDK2VwBCIEIFAKE";
  const std::string in_listener =
      said(&ConfigText::listeners,
           listener("name: in, address: 127.0.0.1:1, tls: {certificates: [{chain: a.pem, key: \"" + pem + "\"}]}"));
  CHECK(contains(in_listener, "give the name of a file"));
  CHECK_FALSE(contains(in_listener, "MC4C"));
  const std::string in_log = said(&ConfigText::log, "log: {directory: l, origin: o, recipients: [\"" + pem + "\"]}\n");
  CHECK(contains(in_log, "recipients[0]"));
  CHECK_FALSE(contains(in_log, "MC4C"));
}

TEST_CASE("what the file says cannot drive the terminal of who reads its problems") {
  const std::string problems = said(&ConfigText::more, "workers: \"\\x1b[31m\\nforged: line\"\n\"\\x1b[2J\": 1\n");
  CHECK_FALSE(contains(problems, "\x1b"));
  CHECK_FALSE(contains(problems, "\nforged"));
}

TEST_CASE("numbers and sizes are held to their ranges") {
  CHECK(said(&ConfigText::more, "workers: 1024\n").empty());
  CHECK(contains(said(&ConfigText::more, "workers: 1025\n"), "from 0 to 1024"));
  CHECK(contains(said(&ConfigText::more, "workers: 1.5\n"), "whole number"));
  CHECK(contains(said(&ConfigText::more, "workers:\n"), "has no value"));
  CHECK(said(&ConfigText::more, "limits: {head: 9KiB}\n").empty());
  CHECK(contains(said(&ConfigText::more, "limits: {head: 8KiB}\n"), "must be smaller than limits.head"));
  CHECK(contains(said(&ConfigText::more, "limits: {head: 1023}\n"), "at least 1024 bytes"));
  CHECK(contains(said(&ConfigText::more, "limits: {connections: 5}\n"), "is more than limits.connections (5)"));
  CHECK(contains(said(&ConfigText::more, "limits: {handshake: 0s}\n"), "at least 1ms"));
  CHECK(said(&ConfigText::more, "limits: {drain: 0s}\n").empty());
}
