#include "gateway/commands/status_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/utc_time.hpp"
#include "gateway/commands/admin_client.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/commands/metric_sample.hpp"
#include "gateway/commands/table.hpp"
#include "gateway/config/config_text.hpp"
#include "gateway/config/load_config.hpp"

namespace sallyport::gateway {
namespace {

using nlohmann::ordered_json;

constexpr auto details = R"(
Asks the gateway's admin listener, found in its configuration or given as an address, whether it is ready, what it is
and what it is doing. Nothing is changed. With --ready it asks for nothing but readiness, as health checks do.

Examples:
  sallyport status --config gateway.yaml
  sallyport status --ready --admin 127.0.0.1:9090
  sallyport status --admin '[::1]:9090' --json | jq .key_exchanges

Exit codes: 0 ready, 1 not ready, or no answer, 2 wrong use.
)";

// What of the metrics page a person asks first. Views into the page.
struct Facts {
  struct KeyExchanges {
    std::uint64_t client = 0, upstream = 0;
  };

  std::string_view version, openssl, boost;
  std::optional<core::WallTime> started, loaded;
  std::uint64_t in_flight = 0, requests = 0, connections = 0, upstreams_busy = 0, upstreams_idle = 0;
  std::map<std::string_view, KeyExchanges> key_exchanges;
  bool reload_refused = false, tokens_refused = false;
  std::optional<core::WallTime> tokens_loaded;  // absent: no tokens file
  std::optional<bool> log_healthy;              // absent: no log
  std::uint64_t log_lost = 0;
  std::optional<bool> limits_shared;  // absent: not configured

  void take(const Sample& sample);
};

void Facts::take(const Sample& sample) {
  const auto count = static_cast<std::uint64_t>(std::max(sample.value, 0.0));
  if (sample.name == "sallyport_build_info") {
    version = sample.label("version");
    openssl = sample.label("openssl");
    boost = sample.label("boost");
  } else if (sample.name == "process_start_time_seconds") {
    started = core::WallTime(std::chrono::seconds(count));
  } else if (sample.name == "sallyport_config_last_load_timestamp_seconds") {
    loaded = core::WallTime(std::chrono::seconds(count));
  } else if (sample.name == "sallyport_config_last_reload_successful") {
    reload_refused = count == 0;
  } else if (sample.name == "sallyport_tokens_last_load_timestamp_seconds") {
    tokens_loaded = core::WallTime(std::chrono::seconds(count));
  } else if (sample.name == "sallyport_tokens_last_load_successful") {
    tokens_refused = count == 0;
  } else if (sample.name == "sallyport_requests_in_flight") {
    in_flight = count;
  } else if (sample.name == "sallyport_requests_total") {
    requests += count;
  } else if (sample.name == "sallyport_connections_open") {
    connections = count;
  } else if (sample.name == "sallyport_upstream_connections") {
    (sample.label("state") == "idle" ? upstreams_idle : upstreams_busy) = count;
  } else if (sample.name == "sallyport_key_exchanges_total") {
    KeyExchanges& exchanges = key_exchanges[sample.label("group")];
    (sample.label("side") == "client" ? exchanges.client : exchanges.upstream) = count;
  } else if (sample.name == "sallyport_log_healthy") {
    log_healthy = count == 1;
  } else if (sample.name == "sallyport_shared_limits_up") {
    limits_shared = count == 1;
  } else if (sample.name == "sallyport_log_lost_total") {
    log_lost = count;
  }
}

Facts facts_in(std::string_view page) {
  Facts facts;
  for_each_sample(page, [&](const Sample& sample) { facts.take(sample); });
  return facts;
}

// One unit is enough: "41s", "12m", "3h", "9d".
std::string rough(core::Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (seconds < 60) return std::to_string(std::max<long>(seconds, 0)) + "s";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / (24 * 3600)) + "d";
}

void print(const Address& admin, bool ready, const Facts& facts, core::WallTime now, std::ostream& out) {
  const auto line = [&](std::string name, const std::string& words) {
    name.resize(15, ' ');
    out << name << words << '\n';
  };
  const auto since = [&](const char* name, const char* what, const std::optional<core::WallTime>& then) {
    if (then) line(name, what + core::format_utc(*then) + ", " + rough(now - *then) + " ago");
  };
  const auto text = [](std::uint64_t number) { return std::to_string(number); };
  line(ready ? "ready" : "NOT READY", text_of(admin));
  line("version",
       std::string(facts.version) + ", OpenSSL " + std::string(facts.openssl) + ", Boost " + std::string(facts.boost));
  since("process", "started ", facts.started);
  since("configuration", "loaded ", facts.loaded);
  if (facts.reload_refused) {
    line("", "WHAT THE FILES SAY NOW WAS REFUSED: sallyport check, or the operator's log, tells why");
  }
  since("tokens", "loaded ", facts.tokens_loaded);
  if (facts.tokens_refused) line("", "WHAT THEIR FILE SAYS NOW WAS REFUSED: the operator's log tells why");
  line("requests", text(facts.in_flight) + " in flight, " + text(facts.requests) + " done");
  line("connections", text(facts.connections) + " from clients; to upstreams " + text(facts.upstreams_busy) +
                          " busy, " + text(facts.upstreams_idle) + " idle");
  const std::string health = facts.log_healthy.value_or(false) ? "healthy, " : "NOT HEALTHY, ";
  line("log", facts.log_healthy ? health + text(facts.log_lost) + " exchanges lost" : "off");
  if (facts.limits_shared) line("limits", *facts.limits_shared ? "shared" : "NOT SHARED, this gateway counts alone");
  if (facts.key_exchanges.empty()) return;
  std::vector<std::vector<std::string>> rows = {{"KEY EXCHANGE", "CLIENTS", "UPSTREAMS"}};
  for (const auto& [group, exchanges] : facts.key_exchanges) {
    rows.push_back({std::string(group), text(exchanges.client), text(exchanges.upstream)});
  }
  out << '\n' << table(rows);
}

ordered_json json_of(const Facts& facts) {
  ordered_json key_exchanges = ordered_json::object();
  for (const auto& [group, exchanges] : facts.key_exchanges) {
    key_exchanges[std::string(group)] = {{"clients", exchanges.client}, {"upstreams", exchanges.upstream}};
  }
  const auto time = [](const std::optional<core::WallTime>& then) {
    return then ? ordered_json(core::format_utc(*then)) : ordered_json(nullptr);
  };
  ordered_json log = nullptr;
  if (facts.log_healthy) log = {{"healthy", *facts.log_healthy}, {"lost", facts.log_lost}};
  return {{"version", facts.version},
          {"openssl", facts.openssl},
          {"boost", facts.boost},
          {"started", time(facts.started)},
          {"config_loaded", time(facts.loaded)},
          {"config_refused", facts.reload_refused},
          {"tokens_loaded", time(facts.tokens_loaded)},
          {"tokens_refused", facts.tokens_refused},
          {"requests", {{"in_flight", facts.in_flight}, {"done", facts.requests}}},
          {"connections",
           {{"clients", facts.connections},
            {"upstreams_busy", facts.upstreams_busy},
            {"upstreams_idle", facts.upstreams_idle}}},
          {"key_exchanges", std::move(key_exchanges)},
          {"log", std::move(log)},
          {"limits_shared", facts.limits_shared ? ordered_json(*facts.limits_shared) : ordered_json(nullptr)}};
}

int tell_ready_only(const Address& admin, const StatusOptions& options, std::ostream& out) {
  const bool ready = ask_admin(admin, "/readyz", options.patience).status == 200;
  out << (options.json ? ordered_json{{"admin", text_of(admin)}, {"ready", ready}}.dump()
          : ready      ? "ready"
                       : "not ready")
      << '\n';
  return ready ? 0 : 1;
}

int tell(const Address& admin, const StatusOptions& options, core::WallTime now, std::ostream& out) {
  if (options.ready_only) return tell_ready_only(admin, options, out);
  const bool ready = ask_admin(admin, "/readyz", options.patience).status == 200;
  const AdminAnswer metrics = ask_admin(admin, "/metrics", options.patience);
  const Facts facts = facts_in(metrics.body);
  if (metrics.status != 200 || facts.version.empty()) {
    throw std::runtime_error(text_of(admin) + ": this is no admin listener of sallyport");
  }
  if (options.json) {
    ordered_json report = {{"admin", text_of(admin)}, {"ready", ready}};
    report.update(json_of(facts));
    out << report.dump(2, ' ', false, ordered_json::error_handler_t::replace) << '\n';
  } else {
    print(admin, ready, facts, now, out);
  }
  return ready ? 0 : 1;
}

Address admin_in(const path& config) {
  const Loaded loaded = load_config(config);
  if (loaded.config.admin) return *loaded.config.admin;
  throw std::runtime_error(config.string() + " names no admin listener; sallyport check --config says what is wrong");
}

}  // namespace

int status(const Address& admin, const StatusOptions& options, core::WallTime now, std::ostream& out) {
  try {
    const int exit_code = tell(local_address(admin), options, now, out);
    return out.flush() ? exit_code : 1;
  } catch (const std::runtime_error& problem) {
    std::cerr << "sallyport status: " << problem.what() << '\n';
    return 1;
  }
}

void add_status_command(CLI::App& app, int& exit_code) {
  struct Options : StatusOptions {
    std::string config, admin;
  };
  CLI::App* command = app.add_subcommand("status", "Ask a running gateway how it is")->footer(details);
  const auto options = std::make_shared<Options>();
  CLI::Option* by_address =
      command->add_option("--admin,-a", options->admin, "Its admin listener, such as 127.0.0.1:9090")
          ->check(check_admin_address)
          ->type_name("ADDRESS");
  command->add_option("--config,-c", options->config, "The configuration that names its admin listener")
      ->type_name("FILE")
      ->excludes(by_address);
  command->add_flag("--ready", options->ready_only, "Only whether it is ready");
  command->add_flag("--json", options->json, "One JSON object, for scripts");
  command->callback([options, &exit_code] {
    if (options->admin.empty() && options->config.empty()) throw CLI::RequiredError("--config or --admin");
    const Address admin = options->admin.empty() ? admin_in(options->config) : *parse_address(options->admin);
    exit_code = status(admin, *options, core::SystemClock().wall(), std::cout);
  });
}

}  // namespace sallyport::gateway
