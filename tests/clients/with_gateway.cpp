// Runs a command with a model server and the real gateway in front of it, and tells it through the environment where
// they are: with_gateway COMMAND…   Its exit code is the command's.
//
//   SALLYPORT_URL        https://localhost:PORT, which clients trust through NODE_EXTRA_CA_CERTS (and SSL_CERT_FILE)
//   TOKEN, TOKEN_EMBED_ONLY, TOKEN_TWO_A_MINUTE
//   SALLYPORT_BINARY, _CONFIG, _ADMIN, _LOG, _AUDITOR_KEY
//
// with_gateway --post-quantum NODE SCRIPT COMMAND…: the script is the model server, and the gateway requires
// post-quantum key exchange on both sides. 77, without having run anything, where its OpenSSL has none.
#include <stdlib.h>

#include <cstdio>

#include "tests/support/gateway_process.hpp"

using namespace sallyport::tests;

namespace {

// The model server's address, once it says it.
std::string address_said_in(const path& file) {
  constexpr std::string_view before = "listening on ";
  std::string said;
  const auto complete = [&] {
    said = std::filesystem::exists(file) ? read_file(file) : "";
    return said.starts_with(before) && said.ends_with("\n");
  };
  if (!eventually(complete)) throw std::runtime_error("the model server did not start");
  return said.substr(before.size(), said.size() - before.size() - 1);
}

struct Wish {
  std::vector<std::string> model_server = {MODEL_SERVER_BINARY};
  bool post_quantum = false;
  std::vector<std::string> command;
};

GatewayWish gateway_wish(const Wish& wish, const std::string& endpoint) {
  GatewayWish gateway;
  gateway.upstreams = {{.endpoint = endpoint}};
  gateway.models = "  - name: broken\n    targets: [{ upstream: model-server, model: missing }]\n";
  gateway.more = "routes:\n  - { name: stats, path: /_stats, upstream: model-server }\n";
  gateway.tokens["embed-only"] = {"--models", "embed"};
  gateway.tokens["two-a-minute"] = {"--models", "*", "--requests-per-minute", "2"};
  if (wish.post_quantum) {
    gateway.workers = 1;  // so that there is one connection to the model server at most
    gateway.listener_tls = "key_exchange: require_pq";
    gateway.upstreams[0].more_tls = ", key_exchange: require_pq";
  }
  return gateway;
}

void tell_environment(const GatewayProcess& gateway) {
  const auto tell = [](const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); };
  const std::string authority = GatewayProcess::pki().ours.certificate();
  tell("SALLYPORT_URL", "https://localhost:" + std::to_string(gateway.client().port));
  tell("NODE_EXTRA_CA_CERTS", authority);
  tell("SSL_CERT_FILE", authority);
  tell("TOKEN", gateway.token());
  tell("TOKEN_EMBED_ONLY", gateway.token_of("embed-only"));
  tell("TOKEN_TWO_A_MINUTE", gateway.token_of("two-a-minute"));
  tell("SALLYPORT_BINARY", SALLYPORT_BINARY);
  tell("SALLYPORT_CONFIG", gateway.config_file());
  tell("SALLYPORT_ADMIN", "http://127.0.0.1:" + std::to_string(gateway.admin_port()));
  tell("SALLYPORT_LOG", gateway.log_directory());
  tell("SALLYPORT_AUDITOR_KEY", gateway.directory() / "auditor.key");
}

int run_with_gateway(Wish wish) {
  const TestPki& pki = GatewayProcess::pki();
  const TemporaryDirectory directory;
  const std::vector<std::string> options = {"--port",      "0",
                                            "--cert",      pki.model_server.certificate,
                                            "--key",       pki.model_server.key,
                                            "--client-ca", pki.ours.certificate()};
  std::vector<std::string> start = wish.model_server;
  start.insert(start.end(), options.begin(), options.end());
  if (!wish.post_quantum) start.insert(start.end(), {"--delay", "20"});
  const ChildProcess model_server({start, directory / "out", directory / "errors"});
  const GatewayProcess gateway(gateway_wish(wish, address_said_in(directory / "out")));
  tell_environment(gateway);
  ChildProcess client({std::move(wish.command), {}, {}});
  const int exit_code = client.wait(5min).value_or(1);
  if (exit_code != 0) std::fprintf(stderr, "The gateway said:\n%s\n", gateway.errors().c_str());
  return exit_code;
}

bool has_post_quantum() { return SSL_CTX_set1_groups_list(make_client_context({}).get(), "X25519MLKEM768") == 1; }

}  // namespace

int main(int argc, char** argv) try {
  constexpr int skipped = 77;
  Wish wish{.command = {argv + 1, argv + argc}};
  if (argc > 4 && wish.command.front() == "--post-quantum") {
    if (!has_post_quantum()) return skipped;
    wish.post_quantum = true;
    wish.model_server = {argv[2], argv[3]};
    wish.command.erase(wish.command.begin(), wish.command.begin() + 3);
  }
  if (wish.command.empty()) return 2;
  return run_with_gateway(std::move(wish));
} catch (const std::exception& failure) {
  std::fprintf(stderr, "with_gateway: %s\n", failure.what());
  return 1;
}
