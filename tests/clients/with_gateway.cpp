// Runs a command with the small model server and the real gateway in front of it, and tells it through the environment
// where they are: with_gateway COMMAND…   Its exit code is the command's.
//
//   SALLYPORT_URL        https://localhost:PORT, which clients trust through NODE_EXTRA_CA_CERTS (and SSL_CERT_FILE)
//   TOKEN, TOKEN_EMBED_ONLY, TOKEN_TWO_A_MINUTE
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

int run_with_gateway(std::vector<std::string> command) {
  const TestPki& pki = GatewayProcess::pki();
  const TemporaryDirectory directory;
  const ChildProcess model_server({{MODEL_SERVER_BINARY, "--port", "0", "--cert", pki.model_server.certificate, "--key",
                                    pki.model_server.key, "--client-ca", pki.ours.certificate(), "--delay", "20"},
                                   directory / "out",
                                   directory / "errors"});
  const std::string address = address_said_in(directory / "out");
  GatewayWish wish;
  wish.upstreams = {{.endpoint = address}};
  wish.models = "  - name: broken\n    targets: [{ upstream: model-server, model: missing }]\n";
  wish.more = "routes:\n  - { name: stats, path: /_stats, upstream: model-server }\n";
  wish.tokens["embed-only"] = {"--models", "embed"};
  wish.tokens["two-a-minute"] = {"--models", "*", "--requests-per-minute", "2"};
  const GatewayProcess gateway(wish);
  const std::string url = "https://localhost:" + std::to_string(gateway.client().port);
  ::setenv("SALLYPORT_URL", url.c_str(), 1);
  ::setenv("NODE_EXTRA_CA_CERTS", pki.ours.certificate().c_str(), 1);
  ::setenv("SSL_CERT_FILE", pki.ours.certificate().c_str(), 1);
  ::setenv("TOKEN", gateway.token().c_str(), 1);
  ::setenv("TOKEN_EMBED_ONLY", gateway.token_of("embed-only").c_str(), 1);
  ::setenv("TOKEN_TWO_A_MINUTE", gateway.token_of("two-a-minute").c_str(), 1);

  ChildProcess client({std::move(command), {}, {}});
  const int exit_code = client.wait(5min).value_or(1);
  if (exit_code != 0) std::fprintf(stderr, "The gateway said:\n%s\n", gateway.errors().c_str());
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) return 2;
  return run_with_gateway(std::vector<std::string>(argv + 1, argv + argc));
} catch (const std::exception& failure) {
  std::fprintf(stderr, "with_gateway: %s\n", failure.what());
  return 1;
}
