#include "tests/soak/operators.hpp"

#include <signal.h>

namespace sallyport::tests::soak {
namespace {

constexpr Milliseconds reading = 30min;  // a long log, on a slow machine

template <class Take>
void each_json_line(const std::string& text, Take take) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    take(Json::parse(text.begin() + static_cast<long>(at), text.begin() + static_cast<long>(end)));
    at = end + 1;
  }
}

std::string ending_of(const Json& record) {
  const std::string outcome = record.value("outcome", "");  // one without an end has none
  const int status = record.value("status", 0);
  if (outcome == "client_left") return "left";
  return status == 200 && outcome != "none" ? "cut" : std::to_string(status);
}

}  // namespace

ModelServer::ModelServer(int delay_ms, std::size_t words) : delay_ms_(delay_ms), words_(words) { start(); }

void ModelServer::kill() {
  child_->signal(SIGKILL);
  child_->wait();
  child_.reset();
}

void ModelServer::start() {
  const Identity& identity = GatewayProcess::pki().model_server;
  const auto started = [&] {
    const path out = directory_ / ("out-" + std::to_string(++starts_));
    child_ = std::make_unique<ChildProcess>(
        Launch{{MODEL_SERVER, "--port", std::to_string(port_), "--cert", identity.certificate, "--key", identity.key,
                "--client-ca", GatewayProcess::pki().ours.certificate(), "--delay", std::to_string(delay_ms_),
                "--words", std::to_string(words_)},
               out});
    std::string said;
    eventually([&] { return !(said = read_file(out)).empty() || !child_->running(); });
    if (!said.ends_with("\n")) return false;
    port_ = static_cast<std::uint16_t>(std::stoul(said.substr(said.rfind(':') + 1)));
    return true;
  };
  // Somebody else's connection may have its port for a moment.
  if (!eventually(started)) throw std::runtime_error("a model server does not start");
}

SigningKey::SigningKey() {
  const Finished made =
      run({SALLYPORT_BINARY, "key", "new", "--signing", "test-gateway", "--out", directory_ / "signer"});
  if (made.exit_code != 0) throw std::runtime_error("key new: " + made.errors);
}

void LogKeeper::keep() const {
  for (const auto& entry : std::filesystem::directory_iterator(gateway_.log_directory())) {
    const path name = entry.path().filename();
    std::error_code removed_meanwhile;
    if (name.extension() != ".segment" && name.extension() != ".keys") continue;
    if (!exists(kept_ / name)) std::filesystem::create_hard_link(entry.path(), kept_ / name, removed_meanwhile);
  }
}

// The checkpoints are copied first: a log that is older than they are looks like one that was rolled back.
Verdict LogKeeper::verify(const path& log) const {
  const TemporaryDirectory checkpoints;
  std::filesystem::copy(gateway_.directory() / "checkpoints", checkpoints.where());
  const Finished said = run({SALLYPORT_BINARY, "log", "verify", "--json", "--signer", signer_.verifier(),
                             "--checkpoints", checkpoints.where(), log},
                            "", reading);
  Verdict verdict;
  each_json_line(said.out, [&](const Json& line) {
    if (line.value("problem", false)) verdict.problems.push_back(line.dump());
    if (line.value("finding", "") == "removed") verdict.removed = true;
    verdict.records = line.value("records", verdict.records);
    verdict.segments = line.value("segments", verdict.segments);
  });
  if (said.exit_code != 0 && verdict.problems.empty()) verdict.problems.push_back("it fails: " + said.errors);
  return verdict;
}

std::vector<std::string> LogKeeper::cat() const {
  return {SALLYPORT_BINARY, "log", "cat", "--json", "--key", gateway_.directory() / "auditor.key", kept_.where()};
}

Endings LogKeeper::endings() const {
  Endings endings;
  each_json_line(run(cat(), "", reading).out, [&](const Json& record) { ++endings[ending_of(record)]; });
  return endings;
}

std::uint64_t LogKeeper::decoded() const {
  std::vector<std::string> command = {"bash", "-o", "pipefail", "-c", "\"$@\" --content | wc --lines", "cat"};
  for (const std::string& word : cat()) command.push_back(word);
  const Finished counted = run(command, "", reading);
  return counted.exit_code == 0 ? std::stoull(counted.out) : 0;
}

void replace_certificates() {
  const TestPki& pki = GatewayProcess::pki();
  const auto put = [](const Identity& made, const Identity& in_use) {
    std::filesystem::rename(made.key, in_use.key);
    std::filesystem::rename(made.certificate, in_use.certificate);
  };
  put(pki.ours.issue("next-gateway", {}), pki.gateway);
  put(pki.ours.issue("next-client", {"sallyport", {"sallyport"}, Usage::client}), pki.gateway_client);
}

}  // namespace sallyport::tests::soak
