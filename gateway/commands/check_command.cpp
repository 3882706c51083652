#include "gateway/commands/check_command.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/table.hpp"
#include "gateway/config/check_files.hpp"
#include "gateway/config/config_text.hpp"
#include "gateway/config/load_config.hpp"
#include "gateway/config/signing_key.hpp"

namespace sallyport::gateway {
namespace {

using nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

constexpr auto details = R"(
Reads the configuration, opens every file it names (certificates, keys, tokens, the log's folder) and prints every
problem at once, each as FILE:LINE:COLUMN. When there is none it prints the listeners and where each model and path
would go. Nothing is started and nothing is changed.

Examples:
  sallyport check --config gateway.yaml
  sallyport check --config gateway.yaml --json | jq .problems

Exit codes: 0 it can be served (there may be warnings), 1 it cannot, 2 wrong use.
)";

std::string name_of(routing::Capture capture) { return capture == routing::Capture::full ? "full" : "metadata"; }

std::string name_of(ClientCertificates wanted) {
  switch (wanted) {
    case ClientCertificates::off:
      return "off";
    case ClientCertificates::optional:
      return "optional";
    case ClientCertificates::required:
      return "required";
  }
  return "";
}

std::string name_of(KeyExchange wanted) { return wanted == KeyExchange::require_pq ? "require_pq" : "prefer_pq"; }

std::string endpoints_of(const routing::Upstream& upstream) {
  std::vector<std::string> texts;
  for (const routing::Endpoint& endpoint : upstream.endpoints) texts.push_back(endpoint.text());
  return joined(texts);
}

// Parts of a model's calls that go to one target: "100 %".
std::string share_of(const routing::Target& target, const routing::Model& model) {
  std::uint64_t all = 0;
  for (const routing::Target& other : model.targets) all += other.weight;
  return std::to_string((100ull * target.weight + all / 2) / all) + " %";
}

Rows listener_rows(const Config& config) {
  Rows rows = {{"LISTENER", "ADDRESS", "TLS", "KEY EXCHANGE", "CLIENT CERTIFICATES"}};
  for (const Listener& listener : config.listeners) {
    rows.push_back({listener.name, text_of(listener.address), listener.tls ? "1.3" : "PLAINTEXT",
                    listener.tls ? name_of(listener.tls->key_exchange) : "-",
                    listener.tls ? name_of(listener.tls->client_certificates) : "-"});
  }
  if (config.admin) rows.push_back({"(admin)", text_of(*config.admin), "PLAINTEXT", "-", "-"});
  return rows;
}

Rows model_rows(const Config& config) {
  Rows rows = {{"MODEL", "ALIASES", "SHARE", "UPSTREAM", "ITS NAME THERE", "ENDPOINTS", "CAPTURE"}};
  for (const routing::Model& model : config.models) {
    bool first = true;
    for (const routing::Target& target : model.targets) {
      const routing::Upstream& upstream = config.upstreams[target.upstream];
      rows.push_back({first ? model.name : "", first ? joined(model.aliases) : "", share_of(target, model),
                      upstream.name, target.model, endpoints_of(upstream), first ? name_of(model.capture) : ""});
      first = false;
    }
  }
  return rows;
}

Rows route_rows(const Config& config) {
  Rows rows = {{"ROUTE", "PATH", "UPSTREAM", "ENDPOINTS", "CAPTURE"}};
  for (const routing::PathRoute& route : config.routes) {
    const routing::Upstream& upstream = config.upstreams[route.upstream];
    rows.push_back({route.name, route.prefix, upstream.name, endpoints_of(upstream), name_of(route.capture)});
  }
  return rows;
}

Rows tenant_rows(const Config& config) {
  Rows rows = {{"TENANT", "RECIPIENTS", "MODELS", "ROUTES"}};
  const auto names_of = [](const auto& items, const LogTenant& tenant) {
    std::vector<std::string> names;
    for (const auto& item : items) {
      if (item.tenant == tenant.name) names.push_back(item.name);
    }
    return joined(names);
  };
  for (const LogTenant& tenant : config.log->tenants) {
    rows.push_back({tenant.name, std::to_string(tenant.recipients.size()), names_of(config.models, tenant),
                    names_of(config.routes, tenant)});
  }
  return rows;
}

std::string signer_of(const LogConfig& log) {
  return load_signer(log.signing_key, log.settings.origin).verifier().text();
}

std::string checkpoints_of(const LogConfig& log) {
  if (log.signing_key.empty()) return ", not signed\n";
  const logging::CheckpointSettings& checkpoints = log.settings.checkpoints;
  std::string text = "\n     signed by " + signer_of(log) + "\n     checkpoints every " + text_of(checkpoints.interval);
  const bool directory = !checkpoints.directory.empty(), command = !checkpoints.command.empty();
  if (directory) text += ", kept in " + checkpoints.directory.string();
  if (command) text += std::string(directory ? " and" : ", kept") + " by " + checkpoints.command.front();
  return text + (directory || command ? "\n" : ", in no second place: nobody would see the log shortened\n");
}

std::string counted(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string log_line(const Config& config) {
  if (!config.log) return "LOG  off: no record of any exchange is kept\n";
  const auto& settings = config.log->settings;
  constexpr const char* durabilities[] = {"buffered", "written", "synced"};
  return "LOG  " + settings.directory.string() + ", " + durabilities[static_cast<int>(settings.durability)] + ", " +
         counted(config.log->recipients.size(), "recipient") +
         (config.log->tenants.empty() ? "" : ", " + counted(config.log->tenants.size(), "tenant")) +
         checkpoints_of(*config.log);
}

ordered_json log_json(const Config& config) {
  if (!config.log) return nullptr;
  const LogConfig& log = *config.log;
  const auto& settings = log.settings;
  const auto or_null = [](const path& name) {
    return name.empty() ? ordered_json(nullptr) : ordered_json(name.string());
  };
  ordered_json tenants = ordered_json::array(), checkpoints = nullptr;
  for (const LogTenant& tenant : log.tenants) {
    tenants.push_back({{"name", tenant.name}, {"recipients", tenant.recipients.size()}});
  }
  if (!log.signing_key.empty()) {
    checkpoints = {{"signer", signer_of(log)},
                   {"directory", or_null(settings.checkpoints.directory)},
                   {"command", settings.checkpoints.command}};
  }
  return {{"directory", settings.directory.string()},
          {"recipients", log.recipients.size()},
          {"tenants", std::move(tenants)},
          {"checkpoints", std::move(checkpoints)}};
}

ordered_json targets_json(const Config& config, const routing::Model& model) {
  ordered_json targets = ordered_json::array();
  for (const routing::Target& target : model.targets) {
    const routing::Upstream& upstream = config.upstreams[target.upstream];
    ordered_json endpoints = ordered_json::array();
    for (const routing::Endpoint& endpoint : upstream.endpoints) endpoints.push_back(endpoint.text());
    targets.push_back({{"upstream", upstream.name},
                       {"model", target.model},
                       {"weight", target.weight},
                       {"endpoints", std::move(endpoints)}});
  }
  return targets;
}

void add_routes(ordered_json& report, const Config& config) {
  report["listeners"] = report["models"] = report["routes"] = ordered_json::array();
  for (const Listener& listener : config.listeners) {
    report["listeners"].push_back(
        {{"name", listener.name},
         {"address", text_of(listener.address)},
         {"tls", listener.tls.has_value()},
         {"client_certificates", name_of(listener.tls ? listener.tls->client_certificates : ClientCertificates::off)}});
  }
  for (const routing::Model& model : config.models) {
    report["models"].push_back({{"name", model.name},
                                {"aliases", model.aliases},
                                {"capture", name_of(model.capture)},
                                {"targets", targets_json(config, model)}});
  }
  for (const routing::PathRoute& route : config.routes) {
    report["routes"].push_back({{"name", route.name},
                                {"path", route.prefix},
                                {"upstream", config.upstreams[route.upstream].name},
                                {"capture", name_of(route.capture)}});
  }
}

std::string json_report(const path& file, const Loaded& loaded, const std::vector<Problem>& problems) {
  ordered_json report = {{"file", file.string()}, {"ok", !has_errors(problems)}};
  report["problems"] = ordered_json::array();
  for (const Problem& problem : problems) {
    report["problems"].push_back({{"severity", problem.severity == Severity::error ? "error" : "warning"},
                                  {"file", problem.file},
                                  {"line", problem.place.line},
                                  {"column", problem.place.column},
                                  {"path", problem.path},
                                  {"what", problem.what}});
  }
  if (loaded.usable()) add_routes(report, loaded.config);
  if (!has_errors(problems)) report["log"] = log_json(loaded.config);
  return report.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

std::string text_report(const path& file, const Loaded& loaded, const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += text_of(problem) + '\n';
  const auto is_error = [](const Problem& problem) { return problem.severity == Severity::error; };
  const auto errors = std::count_if(problems.begin(), problems.end(), is_error);
  if (errors != 0) {
    return text + "\n" + file.string() + ": " + std::to_string(errors) + (errors == 1 ? " error\n" : " errors\n");
  }
  if (!text.empty()) text += '\n';
  text += table(listener_rows(loaded.config));
  if (!loaded.config.models.empty()) text += '\n' + table(model_rows(loaded.config));
  if (!loaded.config.routes.empty()) text += '\n' + table(route_rows(loaded.config));
  if (loaded.config.log && !loaded.config.log->tenants.empty()) text += '\n' + table(tenant_rows(loaded.config));
  return text + '\n' + log_line(loaded.config) + '\n' + file.string() + ": ok\n";
}

}  // namespace

int check(const path& file, bool json, core::WallTime now, std::ostream& out) {
  const Loaded loaded = load_config(file);
  const std::vector<Problem> problems = check_files(loaded, now);
  out << (json ? json_report(file, loaded, problems) : text_report(file, loaded, problems)) << std::flush;
  return has_errors(problems) || !out ? 1 : 0;
}

void add_check_command(CLI::App& app, int& exit_code) {
  struct Options {
    std::string config;
    bool json = false;
  };
  CLI::App* command = app.add_subcommand("check", "Find everything that is wrong with a configuration");
  command->footer(details);
  const auto options = std::make_shared<Options>();
  command->add_option("--config,-c", options->config, "The configuration file")->required()->type_name("FILE");
  command->add_flag("--json", options->json, "One JSON object, for scripts");
  command->callback([options, &exit_code] {
    exit_code = check(options->config, options->json, core::SystemClock().wall(), std::cout);
  });
}

}  // namespace sallyport::gateway
