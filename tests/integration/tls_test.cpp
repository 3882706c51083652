// The first gate, seen from outside with other people's tools.
#include <signal.h>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/recording_pipe.hpp"

using namespace sallyport::tests;

namespace {

std::string address_of(const GatewayProcess& gateway) { return "127.0.0.1:" + std::to_string(gateway.client().port); }

std::string with_client_certificates(std::string_view how) {
  return "client_certificates: " + std::string(how) +
         "\n      client_ca: " + GatewayProcess::pki().ours.certificate().string();
}

// For an environment: OPENSSL_CONF with a file that says so of all that OpenSSL does.
std::string with_default_properties(const TemporaryDirectory& directory, std::string_view properties) {
  const path settings = directory / "openssl.cnf";
  write_file(settings, "openssl_conf = all\n[all]\nalg_section = algorithms\n[algorithms]\ndefault_properties = " +
                           std::string(properties) + "\n");
  return "OPENSSL_CONF=" + settings.string();
}

constexpr std::string_view team_a_certificate =
    "certificates:\n  - name: team-cert\n    match: { common_name: team-a }\n    models: [llama]\n";

}  // namespace

TEST_CASE("a cipher suite that OpenSSL's configuration allows and the gateway does not know is not agreed on",
          "[tls]") {
  const TemporaryDirectory directory;
  const path settings = directory / "openssl.cnf";
  write_file(settings,
             "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n[tls]\n"
             "Ciphersuites = TLS_AES_128_CCM_SHA256:TLS_AES_256_GCM_SHA384\n");
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.environment = {"OPENSSL_CONF=" + settings.string()}});
  const TlsContext context = make_client_context({});
  REQUIRE(SSL_CTX_set_ciphersuites(context.get(),
                                   "TLS_AES_128_CCM_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384") == 1);
  Wire client = Wire::dial(gateway.client().port);
  client.connect_tls(*context, "localhost");
  CHECK(std::string(SSL_get_cipher_name(client.tls())) == "TLS_AES_256_GCM_SHA384");  // and of ours, what is allowed
  client.send(gateway.chat("hello"));
  CHECK(read_message(client, BodyReader::Of::answer).status() == 200);
}

TEST_CASE("each cipher suite of TLS 1.3 carries a call, on both sides", "[tls]") {
  const std::string suite =
      GENERATE("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256");
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  REQUIRE(SSL_CTX_set_ciphersuites(&server.tls_context(), suite.c_str()) == 1);
  const GatewayProcess gateway(server);
  const TlsContext context = make_client_context({});
  REQUIRE(SSL_CTX_set_ciphersuites(context.get(), suite.c_str()) == 1);
  Wire client = Wire::dial(gateway.client().port);
  client.connect_tls(*context, "localhost");
  CHECK(std::string(SSL_get_cipher_name(client.tls())) == suite);
  client.send(gateway.chat("hello"));
  CHECK(read_message(client, BodyReader::Of::answer).status() == 200);
}

TEST_CASE("OpenSSL's default properties that the administrator prefers stay, and the gateway serves", "[tls]") {
  const TemporaryDirectory directory;
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.environment = {with_default_properties(directory, "?provider=default")}});
  ScriptedClient client(gateway.client());
  client.send(gateway.chat("hello"));
  CHECK(client.read_answer().status() == 200);
}

TEST_CASE("OpenSSL's default properties that the gateway cannot keep to end check and serve, with words", "[tls]") {
  const TemporaryDirectory directory;
  const GatewayProcess gateway(GatewayWish{.upstreams = {{.endpoint = "https://127.0.0.1:1"}}});
  const std::string properties = with_default_properties(directory, "provider=default");
  for (const std::string command : {"check", "serve"}) {
    const Finished refused = run({"env", properties, SALLYPORT_BINARY, command, "--config", gateway.config_file()});
    INFO(refused.out << refused.errors);
    CHECK(refused.exit_code == 1);
    CHECK((refused.out + refused.errors).find("look at openssl.cnf's default_properties") != std::string::npos);
  }
}

TEST_CASE("what speaks no TLS asks nothing of OpenSSL's default properties", "[tls]") {
  const TemporaryDirectory directory;
  GatewayProcess gateway(GatewayWish{.upstreams = {{.endpoint = "https://127.0.0.1:1"}}});
  const std::vector<std::string> program = {"env", with_default_properties(directory, "provider=default"),
                                            SALLYPORT_BINARY};
  const auto finish = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program.begin(), program.end());
    arguments.insert(arguments.end(), {"--config", gateway.config_file()});
    return run(arguments);
  };
  gateway.signal(SIGTERM);
  REQUIRE(gateway.wait_for_exit() == 0);
  const std::string port = std::to_string(gateway.admin_port());
  write_file(gateway.config_file(),
             "listeners: [{ name: in, address: 127.0.0.1:" + std::to_string(gateway.client().port) +
                 ", plaintext: allowed }]\nadmin: { address: 127.0.0.1:" + port +
                 " }\nupstreams: [{ name: up, endpoints: [\"http://127.0.0.1:1\"], plaintext: allowed }]\n"
                 "models: [{ name: llama, targets: [{ upstream: up }] }]\ntokens: { file: tokens }\nlog: off\n");
  const Finished checked = finish({"check"});
  INFO(checked.out << checked.errors);
  CHECK(checked.exit_code == 0);
  ChildProcess plain({{program[0], program[1], program[2], "serve", "--config", gateway.config_file()}});
  CHECK(eventually([&] { return !plain.running() || finish({"status", "--ready"}).exit_code == 0; }));
  CHECK(plain.running());
}

TEST_CASE("TLS 1.2 is refused, TLS 1.3 is spoken", "[tls]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server);
  const std::string ca = GatewayProcess::pki().ours.certificate();

  const Finished old = run({"openssl", "s_client", "-connect", address_of(gateway), "-tls1_2", "-CAfile", ca});
  CHECK(old.exit_code != 0);
  CHECK(old.out.find("Cipher is (NONE)") != std::string::npos);
  const Finished current = run({"openssl", "s_client", "-connect", address_of(gateway), "-CAfile", ca, "-alpn",
                                "h2,http/1.1", "-verify_return_error", "-servername", "localhost"});
  CHECK(current.out.find("TLSv1.3") != std::string::npos);
  CHECK(current.out.find("Verify return code: 0 (ok)") != std::string::npos);
  CHECK(current.out.find("ALPN protocol: http/1.1") != std::string::npos);

  const std::string url = "https://localhost:" + std::to_string(gateway.client().port) + "/v1/models";
  const std::string bearer = "Authorization: Bearer " + gateway.token();
  CHECK(run({"curl", "-sS", "--cacert", ca, "--tls-max", "1.2", "-H", bearer, url}).exit_code == 35);
  for (const auto* version : {"--http1.0", "--http1.1", "--http2"}) {  // what ALPN offers
    const Finished listed = run({"curl", "-sS", version, "--cacert", ca, "-H", bearer, url});
    INFO(version << listed.errors);
    CHECK(listed.exit_code == 0);
    CHECK(Json::parse(listed.out, nullptr, false)["object"] == "list");
  }
}

TEST_CASE("a listener that requires client certificates serves ours only", "[tls]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(server, {.listener_tls = with_client_certificates("required")});
  const TestPki& pki = GatewayProcess::pki();
  ClientWish wish = gateway.client();
  // None, one from another authority, a server's of our authority.
  wish.tls.identity =
      GENERATE_REF(values<std::optional<Identity>>({std::nullopt, pki.foreign_client, pki.model_server}));
  ScriptedClient refused(wish);
  try {
    refused.send(gateway.chat("hello"));
  } catch (const WireError&) {
    // The refusal may be there before the request is.
  }
  CHECK(refused.wait_for_end() == Ending::cut);
  CHECK(server.connections() == 0);

  wish.tls.identity = pki.client;
  ScriptedClient accepted(wish);
  accepted.send(gateway.chat("hello"));
  CHECK(accepted.read_answer().status() == 200);
}

TEST_CASE("a client certificate that the configuration knows stands for a caller", "[tls]") {
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(
      server, {.listener_tls = with_client_certificates("optional"), .more = std::string(team_a_certificate)});
  const auto status = [&](const ClientWish& wish, std::string_view model) {
    ScriptedClient client(wish);
    client.send(request_text({.body = chat_body(model, "hello")}));
    return client.read_answer().status();
  };
  ClientWish known = gateway.client();
  known.tls.identity = GatewayProcess::pki().client;
  CHECK(status(known, "llama") == 200);
  CHECK(status(known, "embed") == 404);
  CHECK(status(gateway.client(), "llama") == 401);
  Records records = gateway.wait_for_records(3);
  REQUIRE(records.size() == 3);
  CHECK(records[0]["principal"] == "team-cert");
  CHECK(records[1]["outcome"] == "model_forbidden");
  CHECK(records[2]["outcome"] == "credential_missing");
}

TEST_CASE("a certificate that names a known caller, but is expired or its own issuer's, opens nothing", "[tls]") {
  const TestPki& pki = GatewayProcess::pki();
  const TemporaryDirectory directory;
  const std::string shown = GENERATE("expired", "its own issuer's");
  INFO(shown);
  Identity identity{directory / "own.pem", directory / "own.key"};
  if (shown == "expired") {
    identity = pki.ours.issue("expired-client", {"team-a", {"team-a.example"}, Usage::client, -30, -1});
  } else {
    const Finished made = run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                               "-nodes", "-subj", "/CN=team-a", "-addext", "extendedKeyUsage=clientAuth", "-keyout",
                               identity.key, "-out", identity.certificate});
    INFO(made.errors);
    REQUIRE(made.exit_code == 0);
  }
  const std::string how = GENERATE("optional", "required");
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  const GatewayProcess gateway(
      server, {.listener_tls = with_client_certificates(how), .more = std::string(team_a_certificate)});
  ClientWish wish = gateway.client();
  wish.tls.identity = identity;
  ScriptedClient client(wish);
  try {
    client.send(gateway.chat("with a good token beside it"));
  } catch (const WireError&) {
    // The refusal may be there before the request is.
  }
  CHECK(client.wait_for_end() == Ending::cut);
  CHECK(eventually([&] { return gateway.metric("sallyport_handshakes_total{outcome=\"tls_failed\"") == 1; }));
  CHECK(gateway.records().empty());
  CHECK(server.connections() == 0);
}

TEST_CASE("nothing of a call passes in clear, on either side", "[tls]") {
  const bool in_clear = GENERATE(false, true);  // true: shows that the search finds what is there
  INFO("in clear: " << in_clear);
  const TemporaryDirectory keys;
  write_file(keys / "api.key", "canary-api-key-41f0");
  std::filesystem::permissions(keys / "api.key", std::filesystem::perms(0600));
  ScriptedServer server(in_clear ? ServerWish{} : GatewayProcess::model_server(),
                        answer_always(R"({"choices":[{"message":{"content":"canary-answer-9c2b"}}]})"));
  const RecordingPipe to_server(server.port());
  const ReservedPort plain;
  const GatewayProcess gateway(
      {.upstreams = {{.endpoint = (in_clear ? "http" : "https") + ("://127.0.0.1:" + std::to_string(to_server.port())),
                      .more = "    api_key: { file: " + (keys / "api.key").string() + " }\n"}},
       .more_listeners =
           "  - { name: plain, address: \"127.0.0.1:" + std::to_string(plain.number()) + "\", plaintext: allowed }\n"});
  const RecordingPipe to_gateway(in_clear ? plain.number() : gateway.client().port);
  ClientWish wish = gateway.client();
  wish.port = to_gateway.port();
  wish.plain = in_clear;
  ScriptedClient client(wish);
  client.send(gateway.chat("canary-prompt-7d1e", false, {{"X-Canary", "canary-field-5a5a"}}));
  const Message answer = client.read_answer();
  CHECK(answer.status() == 200);
  CHECK(answer.body.find("canary-answer") != std::string::npos);
  const auto passed = [&](const RecordingPipe& pipe, const std::string& what) {
    INFO(what);
    REQUIRE(pipe.passed().size() > 300);
    CHECK((pipe.passed().find(what) != std::string::npos) == in_clear);
  };
  for (const char* what : {"canary-prompt", "canary-answer", "canary-field", "/v1/chat/completions", "llama"}) {
    passed(to_gateway, what);
    passed(to_server, what);
  }
  passed(to_gateway, gateway.token());
  passed(to_server, "canary-api-key");
  CHECK(to_server.passed().find(gateway.token()) == std::string::npos);  // it stops at the gateway
}

TEST_CASE("SNI picks the certificate; a name that fits none gets the first", "[tls]") {
  const TestPki& pki = GatewayProcess::pki();
  ScriptedServer server(GatewayProcess::model_server(), answer_always(std::string(chat_answer)));
  GatewayWish wish;
  // A second listener-level pair; its name is elsewhere.example.
  wish.listener_tls = "client_certificates: off";
  wish.upstreams = {{.endpoint = "https://127.0.0.1:" + std::to_string(server.port())}};
  GatewayProcess gateway(wish);
  std::string text = read_file(gateway.config_file());
  const std::string pair =
      ", { chain: " + pki.wrong_name.certificate.string() + ", key: " + pki.wrong_name.key.string() + " }]";
  text.replace(text.find("]\n", text.find("certificates:")), 1, pair);
  write_file(gateway.config_file(), text);
  gateway.signal(SIGHUP);

  const auto subject_for = [&](const std::string& name) {
    return run({"openssl", "s_client", "-connect", address_of(gateway), "-servername", name, "-nameopt", "RFC2253"})
        .out;
  };
  CHECK(eventually(
      [&] { return subject_for("elsewhere.example").find("subject=CN=elsewhere.example") != std::string::npos; }));
  CHECK(subject_for("localhost").find("subject=CN=localhost") != std::string::npos);
  CHECK(subject_for("unknown.example").find("subject=CN=localhost") != std::string::npos);
}
