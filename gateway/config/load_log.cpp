// The sealed log's section, and who is a tenant.
#include <algorithm>

#include "auth/policy.hpp"
#include "gateway/config/config_loader.hpp"
#include "gateway/config/config_text.hpp"
#include "gateway/config/read_recipients.hpp"
#include "logging/format.hpp"

namespace sallyport::gateway {

bool ConfigLoader::read_log(const Value& value) {
  if (value.is("off")) return true;
  if (value.kind() != YamlNode::Kind::map) return value.refuse("give directory, origin and recipients, or off"), false;
  LogConfig& log = config_.log.emplace();
  return value.section([&](Section& section) { read_log_section(section, log); });
}

void ConfigLoader::read_log_section(Section& section, LogConfig& log) {
  logging::LogSettings& settings = log.settings;
  section.file("directory", settings.directory, Need::required);
  section.name("origin", settings.origin, &Value::text_or_variable);
  section.choice("allow_mixed_recipients", mixed_allowed_, {{"true", true}, {"false", false}});
  read_recipients_of(section, log.recipients);
  refuse_mixed(section, log.recipients);
  section.each("tenants", into(log.tenants, &ConfigLoader::read_tenant));
  std::size_t wraps = log.recipients.size();
  for (const LogTenant& tenant : log.tenants) wraps += tenant.recipients.size();
  if (log.tenants.size() > logging::max_tenants || wraps > logging::max_recipients) {
    section.problem("tenants", "are more than fit in a segment: at most " + std::to_string(logging::max_tenants) +
                                   ", and with their recipients and the log's " +
                                   std::to_string(logging::max_recipients) + " public keys");
  }
  section.choice("durability", settings.durability,
                 {{"buffered", logging::Durability::buffered},
                  {"written", logging::Durability::written},
                  {"synced", logging::Durability::synced}});
  section.choice("overload", settings.overload,
                 {{"refuse", logging::Overload::refuse}, {"count", logging::Overload::count}});
  capture(section, default_capture_);
  section.section("segment", [&](Section& segment) {
    segment.size("size", settings.segment_bytes, 64 * 1024);
    segment.duration("age", settings.segment_age, std::chrono::seconds(1));
  });
  section.duration("flush_interval", settings.flush_interval);
  section.size("queue", settings.queue_bytes, 64 * 1024);
  section.duration("stall_limit", settings.stall_limit, std::chrono::milliseconds(100));
  section.section("checkpoints", [&](Section& checkpoints) { read_checkpoints(checkpoints, log); });
  section.section("retention", [&](Section& retention) { read_retention(retention, log); });
}

void ConfigLoader::read_recipients_of(Section& section, std::vector<std::string>& recipients) {
  section.with("recipients", Need::required, [&](const Value& value) {
    recipients = read_recipients(value, config_.files);
    return true;
  });
}

void ConfigLoader::refuse_mixed(Section& section, const std::vector<std::string>& recipients) {
  if (mixed_allowed_) return;
  std::vector<envelope::Suite> suites;
  for (const auto& each : parse_recipients(recipients)) suites.push_back(each.suite());
  if (!envelope::mixes_kinds(suites)) return;
  section.problem("recipients",
                  "mixes post-quantum and classical keys, and what is sealed is as strong as the weakest of them; keep "
                  "one kind, or say `log.allow_mixed_recipients: true`");
}

void ConfigLoader::read_tenant(Section& section, LogTenant& tenant) {
  if (section.name("name", tenant.name) && !auth::is_principal_name(tenant.name)) {
    section.problem("name", "cannot be a tenant's name: at most 64 characters, and not like a token's id (tk-…)");
  }
  read_recipients_of(section, tenant.recipients);
  bool operator_reads = false;
  section.choice("operator_reads", operator_reads, {{"true", true}, {"false", false}});
  for (const std::string& line : config_.log->recipients) {
    const auto& own = tenant.recipients;
    if (operator_reads && std::find(own.begin(), own.end(), line) == own.end()) tenant.recipients.push_back(line);
  }
  refuse_mixed(section, tenant.recipients);
}

// One that `log.tenants` has; the log is read before.
bool ConfigLoader::tenant(Section& section, std::string& out) {
  return section.with("tenant", Need::optional, [&](const Value& value) {
    std::string name;
    if (!value.text(name)) return false;
    std::vector<std::string> names;
    if (config_.log) {
      for (const LogTenant& tenant : config_.log->tenants) names.push_back(tenant.name);
    }
    if (std::find(names.begin(), names.end(), name) != names.end()) return out = name, true;
    const auto meant = nearest(name, names);
    value.refuse(meant.empty() ? "log.tenants has nobody of that name" : "did you mean '" + std::string(meant) + "'?");
    return false;
  });
}

void ConfigLoader::read_checkpoints(Section& section, LogConfig& log) {
  logging::CheckpointSettings& settings = log.settings.checkpoints;
  section.file("key", log.signing_key, Need::required);
  section.duration("interval", settings.interval, std::chrono::milliseconds(100));
  section.file("directory", settings.directory);
  section.texts("command", settings.command);
  if (section.has("command") && (settings.command.empty() || !path(settings.command.front()).is_absolute())) {
    section.problem("command",
                    "is a program and its arguments, [/usr/local/bin/keep-checkpoint, …], the program by its "
                    "absolute path: it runs without a shell");
  }
  const std::string& origin = log.settings.origin;
  if (!origin.empty() && !logging::is_note_name(origin)) {
    section.problem("signs in the name of `log.origin`, which must not have a '+' then");
  }
  section.with("earlier", Need::optional, [&](const Value& value) {
    if (logging::is_note_name(origin)) settings.earlier = read_earlier_signers(value, origin, config_.files);
    return true;
  });
  if (!settings.directory.empty() && settings.directory == log.settings.directory) {
    section.problem("directory", "is the log's own; keep the copies where whoever can change the log cannot");
  }
}

void ConfigLoader::read_retention(Section& section, LogConfig& log) {
  logging::RetentionSettings& settings = log.settings.retention;
  section.duration("age", settings.age, std::chrono::minutes(1));
  section.size("size", settings.bytes, 1024 * 1024);
  if (!settings.any()) section.problem("needs `age` or `size`");
  if (log.signing_key.empty()) {
    section.problem(
        "needs `log.checkpoints`: what is removed is signed for, or it could not be told from what was stolen");
  }
}

}  // namespace sallyport::gateway
