// A revocation counts whatever else is wrong, and `token revoke` says whether it does.
#include <signal.h>

#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

// A gateway with two tokens, whose configuration a test spoils and mends.
struct Spoiled {
  unsigned status_of(const std::string& token, std::string_view model = "llama") const {
    ScriptedClient client(gateway.client());
    client.send(request_text({.token = token, .body = chat_body(model, "hello")}));
    return client.read_answer().status();
  }
  const std::string& revoked() const { return gateway.token_of("team-b"); }

  void spoil(const std::string& how) {
    std::string text = gateway.config_text(wish);
    if (how == "no YAML") text += "limits: [\n";
    if (how == "bad certificate") replace(text, GatewayProcess::pki().gateway.key, gateway.directory() / "tokens");
    if (how == "needs a restart") replace(text, "workers: 2", "workers: 3");
    if (how == "no tokens file") replace(text, "tokens: { file: tokens }", "tokens: { fiel: tokens }");
    if (how == "another tokens file") replace(text, "tokens: { file: tokens }", "workers: 3\ntokens: { file: none }");
    write_file(gateway.config_file(), text);
    gateway.signal(SIGHUP);
    REQUIRE(eventually([&] { return gateway.metric("sallyport_config_last_reload_successful") == 0; }));
  }
  static void replace(std::string& text, const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
  }

  // As whoever writes to the file by another way than the command.
  void append(const std::string& line) const {
    std::ofstream(gateway.directory() / "tokens", std::ios::app) << line << std::endl;
  }
  std::string admin() const { return "127.0.0.1:" + std::to_string(gateway.admin_port()); }
  Finished revoke(const std::string& name) const {
    return gateway.command({"token", "revoke", name, "--file", gateway.directory() / "tokens", "--admin", admin()});
  }
  Json status() const { return Json::parse(gateway.command({"status", "--admin", admin(), "--json"}).out); }

  Signal finish;
  // A stream that ends with `finish`, for who asks for one; else an answer.
  ScriptedServer server{GatewayProcess::model_server(), [this](Peer& peer) {
                          for (;;) {
                            const bool streams = peer.read_request().body.find("stream") != std::string::npos;
                            if (!streams) {
                              peer.send_answer(200, chat_answer);
                              continue;
                            }
                            peer.start_stream();
                            peer.send_event(chat_event("a"));
                            finish.wait();
                            peer.send(last_chunk);
                          }
                        }};
  GatewayWish wish{.upstreams = {{.endpoint = "https://127.0.0.1:" + std::to_string(server.port())}},
                   .tokens = {{"team-b", {"--models", "*"}}}};
  GatewayProcess gateway{wish};
};

}  // namespace

TEST_CASE("a revocation counts while the rest of what the files say is refused", "[revocation]") {
  Spoiled test;
  const std::string how =
      GENERATE("no YAML", "bad certificate", "needs a restart", "no tokens file", "another tokens file");
  INFO(how);
  ScriptedClient streaming(test.gateway.client()), kept(test.gateway.client());
  streaming.send(request_text({.token = test.revoked(), .body = chat_body("llama", "hello", true)}));
  Message head = read_head(streaming);
  BodyReader stream(streaming, head, BodyReader::Of::answer);
  REQUIRE_FALSE(stream.next_event().empty());
  const std::string call = request_text({.token = test.revoked(), .body = chat_body("llama", "hello")});
  kept.send(call);
  REQUIRE(kept.read_answer().status() == 200);
  test.spoil(how);
  REQUIRE(test.status_of(test.revoked()) == 200);

  const Finished revoked = test.revoke("team-b");
  INFO(revoked.errors << test.gateway.errors());
  CHECK(revoked.exit_code == 0);
  CHECK(revoked.errors.find("refuses it now") != std::string::npos);
  CHECK(test.status_of(test.revoked()) == 401);  // at once: the command waited for it
  kept.send(call);
  CHECK(kept.read_answer().status() == 401);
  CHECK(test.status_of(test.gateway.token()) == 200);
  test.finish.set();  // a call under way keeps what it began with
  CHECK(stream.next_event().empty());
  CHECK(stream.finished());
  CHECK(test.status()["config_refused"] == true);
  CHECK(test.status()["tokens_refused"] == false);
  CHECK(test.gateway.errors().find("tokens_reloaded") != std::string::npos);

  test.wish.models = "  - name: new-model\n    targets: [{ upstream: model-server }]\n";
  test.gateway.write_config(test.wish);  // mended: all is taken up
  CHECK(eventually([&] { return test.status_of(test.gateway.token(), "new-model") == 200; }));
  CHECK(test.status_of(test.revoked()) == 401);
  CHECK(test.status()["config_refused"] == false);
}

TEST_CASE("a bad tokens file beside a bad configuration leaves all as it was, until it is mended", "[revocation]") {
  Spoiled test;
  const path tokens = test.gateway.directory() / "tokens";
  const std::string good = read_file(tokens);
  test.spoil("no YAML");
  const Finished listed = test.gateway.command({"token", "list", "--file", tokens, "--json"});
  const std::string id = Json::parse(listed.out).at(1)["id"];
  const std::string revocation = R"({"version":1,"revoke":")" + id + R"(","at":"2026-03-01T12:00:00Z"})";
  test.append(revocation);
  test.append("no token");
  REQUIRE(eventually([&] { return test.gateway.errors().find("tokens_refused") != std::string::npos; }));
  CHECK(test.status_of(test.revoked()) == 200);
  CHECK(test.status()["tokens_refused"] == true);
  CHECK(test.gateway.metric("sallyport_tokens_last_load_successful") == 0);
  CHECK(test.revoke("team-b").exit_code == 1);  // nothing is built on such a file

  write_file(tokens, good + revocation + "\n");
  CHECK(eventually([&] { return test.status_of(test.revoked()) == 401; }));
  CHECK(test.status()["tokens_refused"] == false);
  CHECK(test.status()["config_refused"] == true);
}

TEST_CASE("token revoke --config says that no gateway has taken it up, and why", "[revocation]") {
  Spoiled test;
  const auto revoke = [&](const std::string& name) {
    return test.gateway.command({"token", "revoke", name, "--config", test.gateway.config_file()});
  };
  const Finished taken_up = revoke("team-b");
  INFO(taken_up.errors);
  CHECK(taken_up.exit_code == 0);
  CHECK(test.status_of(test.revoked()) == 401);

  std::string text = test.gateway.config_text(test.wish);
  const path elsewhere = test.gateway.directory() / "elsewhere";
  write_file(elsewhere, read_file(test.gateway.directory() / "tokens"));
  Spoiled::replace(text, "tokens: { file: tokens }", "workers: 3\ntokens: { file: elsewhere }");
  Spoiled::replace(text, "workers: 2\n", "");
  write_file(test.gateway.config_file(), text);  // needs a restart: the one that runs goes on with its own file
  const Finished kept = revoke("team-a");
  INFO(kept.errors);
  CHECK(kept.exit_code == 1);
  CHECK(kept.errors.find("a running gateway may still accept it: the gateway at " + test.admin()) != std::string::npos);
  CHECK(test.status_of(test.gateway.token()) == 200);

  test.gateway.signal(SIGTERM);
  REQUIRE(test.gateway.wait_for_exit() == 0);
  const Finished nobody = revoke("team-a");
  CHECK(nobody.exit_code == 1);
  CHECK(nobody.errors.find("it cannot be asked: " + test.admin() + ": Connection refused") != std::string::npos);
}
