#include "tests/support/gateway_process.hpp"

#include <signal.h>

#include <cstdlib>
#include <exception>

namespace sallyport::tests {
namespace {

std::string upstream_yaml(const UpstreamWish& wish) {
  std::string text = "  - name: " + wish.name + "\n    endpoints: [" + wish.endpoint + "]\n";
  if (wish.endpoint.starts_with("http://")) {
    text += "    plaintext: allowed\n";
  } else {
    const TestPki& pki = GatewayProcess::pki();
    text += "    tls: { ca: " + pki.ours.certificate().string() +
            ", certificate: " + pki.gateway_client.certificate.string() + ", key: " + pki.gateway_client.key.string() +
            ", server_name: " + wish.server_name + wish.more_tls + " }\n";
  }
  return text + wish.more;
}

std::string loopback_address(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

GatewayWish with_upstream(GatewayWish wish, const ScriptedServer& server) {
  const std::string scheme = server.url().substr(0, server.url().find(':'));
  wish.upstreams.insert(wish.upstreams.begin(), {.endpoint = scheme + "://" + loopback_address(server.port())});
  return wish;
}

}  // namespace

std::vector<std::string> preload(const std::string& library, std::vector<std::string> told) {
  const char* options = std::getenv("ASAN_OPTIONS");
  told.push_back("LD_PRELOAD=" + library);
  told.push_back(std::string("ASAN_OPTIONS=verify_asan_link_order=0:") + (options ? options : ""));
  return told;
}

const TestPki& GatewayProcess::pki() {
  static const TemporaryDirectory directory;
  static const TestPki made(directory.where());
  return made;
}

ServerWish GatewayProcess::model_server() { return mutual_tls(pki().model_server, pki().ours.certificate()); }

GatewayProcess::GatewayProcess(const ScriptedServer& model_server, GatewayWish wish)
    : GatewayProcess(with_upstream(std::move(wish), model_server)) {}

GatewayProcess::GatewayProcess(const GatewayWish& wish)
    : has_admin_(wish.admin), wished_exit_code_(wish.exit_code), environment_(wish.environment), under_(wish.under) {
  if (const Finished made = command({"key", "new", "--out", directory_ / "auditor"}); made.exit_code != 0) {
    throw std::runtime_error("key new: " + made.errors);
  }
  write_file(directory_ / "tokens", "");
  std::filesystem::permissions(directory_ / "tokens",
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  write_config(wish);
  token_ = create_token("team-a", {"--models", "*", "--routes", "*"});
  for (const auto& [name, arguments] : wish.tokens) tokens_[name] = create_token(name, arguments);
  start();
}

GatewayProcess::~GatewayProcess() noexcept(false) {
  if (child_ == nullptr || std::uncaught_exceptions() > 0) return;
  const std::string how = stopped_badly();
  if (!how.empty()) throw std::runtime_error("the gateway " + how + ": " + errors());
}

bool GatewayProcess::is_well() const try {
  return !has_admin_ || admin("/healthz").status() == 200;
} catch (const WireError&) {
  return false;
}

std::string GatewayProcess::stopped_badly() {
  const bool asked = signal_sent_ == SIGTERM || signal_sent_ == SIGKILL;
  if (child_->running()) {
    if (!asked && !is_well()) return "was not well";
    child_->signal(SIGTERM);
    if (!child_->wait(1s)) child_->signal(SIGTERM);
    if (!child_->wait()) return "did not stop";
  } else if (exit_judged_) {
    return "";
  } else if (!asked) {
    return "ended by itself";
  }
  const int exit_code = child_->wait(0ms).value();
  const bool as_wished = exit_code == wished_exit_code_ || (signal_sent_ == SIGKILL && exit_code == 128 + SIGKILL);
  return as_wished ? "" : "ended with exit code " + std::to_string(exit_code);
}

std::optional<int> GatewayProcess::wait_for_exit(Milliseconds limit) {
  const std::optional<int> exit_code = child_->wait(limit);
  exit_judged_ = exit_code.has_value();
  return exit_code;
}

void GatewayProcess::signal(int number) {
  signal_sent_ = number;
  child_->signal(number);
}

std::string GatewayProcess::config_text(const GatewayWish& wish) const {
  const std::string& first = wish.upstreams.at(0).name;
  std::string text = "workers: " + std::to_string(wish.workers) +
                     "\nlisteners:\n  - name: public\n    address: " + loopback_address(port_.number()) +
                     "\n    tls:\n      certificates: [{ chain: " + pki().gateway.certificate.string() +
                     ", key: " + pki().gateway.key.string() + " }]\n      " + wish.listener_tls + "\n" +
                     wish.more_listeners;
  if (wish.admin) text += "admin: { address: " + loopback_address(admin_port_.number()) + " }\n";
  text += "upstreams:\n";
  for (const UpstreamWish& upstream : wish.upstreams) text += upstream_yaml(upstream);
  text += "models:\n  - name: llama\n    aliases: [gpt-4o]\n    targets: [{ upstream: " + first +
          ", model: llama-3.1-8b-instruct }]\n  - name: embed\n    targets: [{ upstream: " + first +
          ", model: bge-small-embed }]\n" + wish.models;
  text += "tokens: { file: tokens }\nlimits: " + wish.limits + "\n";
  text += "log: { directory: log, origin: test-gateway, recipients: [\"file:auditor.pub\"], " + wish.log + " }\n";
  return text + wish.more;
}

void GatewayProcess::write_config(const GatewayWish& wish) const { write_file(config_file(), config_text(wish)); }

void GatewayProcess::start() {
  std::vector<std::string> command = under_;
  command.insert(command.end(), {SALLYPORT_BINARY, "serve", "--config", config_file()});
  signal_sent_ = 0;
  exit_judged_ = false;
  child_ = std::make_unique<ChildProcess>(
      Launch{command, "/dev/null", errors_file(), "/dev/null", directory(), environment_});
  const auto serves = [this] {
    if (!child_->running()) return true;
    try {
      if (has_admin_) return admin("/readyz").status() == 200;
      Wire::dial(port_.number());
      return true;
    } catch (const WireError&) {
      return false;
    }
  };
  if (!eventually(serves, 20s) || !child_->running())
    throw std::runtime_error("the gateway did not start: " + errors());
}

ClientWish GatewayProcess::client() const { return {port_.number(), {std::nullopt, pki().ours.certificate()}}; }

std::string GatewayProcess::chat(std::string_view prompt, bool stream, HeaderFields more_fields) const {
  return request_text(
      {.token = token_, .more_fields = std::move(more_fields), .body = chat_body("llama", prompt, stream)});
}

Message GatewayProcess::admin(const std::string& target) const {
  ScriptedClient client({.port = admin_port_.number(), .plain = true});
  client.send(request_text({.method = "GET", .target = target}));
  return client.read_answer();
}

double GatewayProcess::metric(const std::string& wanted) const {
  const std::string text = "\n" + admin("/metrics").body, name = wanted.substr(0, wanted.find('{'));
  if (text.find("\n# TYPE " + name + " ") == std::string::npos) {
    throw std::runtime_error("the gateway has no metric " + name);
  }
  double sum = 0;
  for (std::size_t at = text.find("\n" + wanted); at != std::string::npos; at = text.find("\n" + wanted, at + 1)) {
    const std::size_t rest = at + 1 + wanted.size();
    if (wanted == name && text[rest] != '{' && text[rest] != ' ') continue;  // a longer name
    sum += std::strtod(text.c_str() + text.rfind(' ', text.find('\n', rest)), nullptr);
  }
  return sum;
}

Finished GatewayProcess::command(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), SALLYPORT_BINARY);
  return run(arguments);
}

std::string GatewayProcess::create_token(const std::string& name, std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"token", "create", "--config", config_file(), "--name", name});
  const Finished made = command(arguments);
  const std::size_t at = made.out.find("sp-");
  if (made.exit_code != 0 || at == std::string::npos) throw std::runtime_error("token create: " + made.errors);
  return made.out.substr(at, made.out.find_first_of(" \r\n", at) - at);
}

Records GatewayProcess::records() const {
  const Finished shown =
      command({"log", "cat", "--json", "--content", "--key", directory_ / "auditor.key", log_directory()});
  if (shown.exit_code != 0) throw std::runtime_error("log cat: " + shown.errors);
  Records records;
  for (std::size_t at = 0; at < shown.out.size();) {
    const std::string line = shown.out.substr(at, shown.out.find('\n', at) - at);
    at += line.size() + 1;
    if (line.empty()) continue;
    Json record = Json::parse(line);
    if (record["finished"] == true) records.push_back(std::move(record));
  }
  return records;
}

Records GatewayProcess::wait_for_records(std::size_t count) const {
  Records found;
  if (!eventually([&] { return (found = records()).size() >= count; })) {
    throw std::runtime_error("only " + std::to_string(found.size()) + " of " + std::to_string(count) + " records came");
  }
  return found;
}

}  // namespace sallyport::tests
