// The real gateway, as a process of its own, with a configuration, tokens, keys and a log of its own in a directory
// that goes when the test ends. When a test fails, SALLYPORT_KEEP=1 leaves that directory behind.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "tests/support/process.hpp"
#include "tests/support/scripted_client.hpp"
#include "tests/support/scripted_server.hpp"

namespace sallyport::tests {

using Json = nlohmann::json;

struct UpstreamWish {
  std::string name = "model-server";
  std::string endpoint;                   // "https://127.0.0.1:8000"
  std::string server_name = "localhost";  // checked in the server's certificate
  std::string more{};                     // further keys, as YAML lines
  std::string more_tls{};                 // further keys of its tls: ", KEY: VALUE"
};

// Pieces of the configuration; everything else is the same in every test. `limits` and `log` are YAML in flow form.
struct GatewayWish {
  std::vector<UpstreamWish> upstreams{};  // the models "llama" (alias "gpt-4o") and "embed" go to the first
  std::string listener_tls = "client_certificates: off";
  std::string more_listeners{};  // further list items, each "  - …\n"
  std::string models{};          // further list items, each "  - …\n"
  std::string log = "durability: written, capture: full";
  std::string limits = "{}";
  std::string more{};                                        // further top-level YAML
  std::map<std::string, std::vector<std::string>> tokens{};  // further ones: name → arguments of `token create`
  std::vector<std::string> environment{};                    // of the process: "NAME=VALUE"
  std::vector<std::string> under{};                          // a program and its arguments, which starts it
  int workers = 2;                                           // each has upstream connections of its own
  bool admin = true;
  int exit_code = 0;  // when the test's end stops it: 1 where the log's disk still fails then
};

// For GatewayWish::environment: `library` before the C library, with what it is to know; under AddressSanitizer too.
std::vector<std::string> preload(const std::string& library, std::vector<std::string> told = {});

// One record of the sealed log with what was kept of its content, as `log cat --content --json` shows it.
using Records = std::vector<Json>;

class GatewayProcess {
 public:
  // Makes the files, starts the gateway and waits until it serves. Throws with its stderr when it does not.
  explicit GatewayProcess(const GatewayWish& wish);
  // The usual case: one scripted model server with mutual TLS.
  explicit GatewayProcess(const ScriptedServer& model_server, GatewayWish wish = {});
  // Stops a gateway that the test left running. Throws, with its stderr, when it was not well, does not end, ends with
  // another exit code than was wished, or had ended without being asked: no input may end the process.
  ~GatewayProcess() noexcept(false);

  static const TestPki& pki();  // one for the whole test program

  static ServerWish model_server();  // mutual TLS as the gateway expects it: for ScriptedServer

  // What clients need.
  ClientWish client() const;                                    // verifies the gateway, shows no certificate
  const std::string& token() const noexcept { return token_; }  // of "team-a": every model, every route
  const std::string& token_of(const std::string& name) const { return tokens_.at(name); }  // one of GatewayWish::tokens
  // A chat to "llama" with that token.
  std::string chat(std::string_view prompt, bool stream = false, HeaderFields more_fields = {}) const;
  std::uint16_t admin_port() const noexcept { return admin_port_.number(); }
  Message admin(const std::string& target) const;  // GET on the admin listener
  // The sum over all labels of "name", or of those lines that begin so: "name{label=…". Throws where there is no such
  // metric.
  double metric(const std::string& wanted) const;

  // The process.
  void start();  // again, after it ended
  void signal(int number);
  std::optional<int> wait_for_exit(Milliseconds limit = patience);  // the test judges the exit code
  ChildProcess& process() noexcept { return *child_; }
  std::string errors() const { return read_file(errors_file()); }

  // Its files, and its other commands.
  path directory() const { return directory_.where(); }
  path config_file() const { return directory_ / "gateway.yaml"; }
  path log_directory() const { return directory_ / "log"; }
  path errors_file() const { return directory_ / "stderr"; }
  Finished command(std::vector<std::string> arguments) const;
  std::string create_token(const std::string& name, std::vector<std::string> arguments) const;
  void write_config(const GatewayWish& wish) const;
  std::string config_text(const GatewayWish& wish) const;

  Finished verify() const { return command({"log", "verify", log_directory()}); }
  Records records() const;  // of the log as it stands; exchanges that have not ended have none
  // Waits for `count` records (a record follows its answer) and gives all; throws when they do not come.
  Records wait_for_records(std::size_t count) const;

 private:
  bool is_well() const;
  std::string stopped_badly();  // how, or nothing

  TemporaryDirectory directory_;
  ReservedPort port_, admin_port_;
  bool has_admin_ = true;
  int wished_exit_code_ = 0;
  std::string token_;
  std::map<std::string, std::string> tokens_;
  std::vector<std::string> environment_, under_;
  std::unique_ptr<ChildProcess> child_;
  int signal_sent_ = 0;
  bool exit_judged_ = false;  // by the test
};

}  // namespace sallyport::tests
