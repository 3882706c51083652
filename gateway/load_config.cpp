#include "gateway/load_config.hpp"

#include <algorithm>

#include "auth/policy.hpp"
#include "gateway/config_loader.hpp"
#include "gateway/config_text.hpp"
#include "gateway/cross_check.hpp"
#include "gateway/read_recipients.hpp"
#include "gateway/text_file.hpp"
#include "gateway/version.hpp"
#include "logging/format.hpp"

namespace sallyport::gateway {
namespace {

// GET /v1/models tells when a model was made; the file's own age is the best that is known.
std::uint64_t write_time(const path& file) {
  std::error_code failed;
  const auto written = std::filesystem::last_write_time(file, failed);
  if (failed) return 0;
  const auto since = std::chrono::file_clock::to_sys(written).time_since_epoch();
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(since).count()));
}

}  // namespace

void ConfigLoader::watch(const path& file) {
  if (std::find(config_.files.begin(), config_.files.end(), file) == config_.files.end()) config_.files.push_back(file);
}

bool ConfigLoader::file(Section& section, std::string_view key, path& out, Need need) {
  if (!section.file(key, out, need)) return false;
  watch(out);
  return true;
}

bool ConfigLoader::address(Section& section, Address& out) {
  return section.with("address", Need::required, [&](const Value& value) {
    std::string text;
    if (!value.text(text)) return false;
    const auto parsed = parse_address(text);
    if (!parsed) return value.refuse("give a numeric address and a port, such as 0.0.0.0:8443 or [::]:8443"), false;
    out = *parsed;
    return true;
  });
}

bool ConfigLoader::capture(Section& section, routing::Capture& out) {
  return section.choice("capture", out, {{"metadata", routing::Capture::metadata}, {"full", routing::Capture::full}});
}

void ConfigLoader::key_exchange(Section& section, KeyExchange& out) {
  section.choice("key_exchange", out, {{"prefer_pq", KeyExchange::prefer_pq}, {"require_pq", KeyExchange::require_pq}});
  if (out == KeyExchange::require_pq && !tls::has_post_quantum()) {
    section.problem("key_exchange", "is require_pq, but OpenSSL " + openssl_version() +
                                        " has no X25519MLKEM768; it takes OpenSSL 3.5 or later, as Debian 13 and the "
                                        "container image have it, or prefer_pq");
  }
}

void ConfigLoader::read_top(Section& top) {
  top.each("upstreams", into(config_.upstreams, &ConfigLoader::read_upstream), Need::required);
  top.with("log", Need::optional, [this](const Value& value) { return read_log(value); });
  if (!top.has("log")) top.problem("has no `log`: say where records go and who can read them, or `log: off`");
  top.each("listeners", into(config_.listeners, &ConfigLoader::read_listener), Need::required);
  top.section("admin", [this](Section& section) { read_admin(section); });
  top.each("models", into(config_.models, &ConfigLoader::read_model));
  top.each("routes", into(config_.routes, &ConfigLoader::read_route));
  top.section("tokens", [this](Section& section) { file(section, "file", config_.tokens_file, Need::required); });
  top.each("certificates", into(config_.certificates, &ConfigLoader::read_certificate));
  top.section("limits", [this](Section& section) { read_limits(section); });
  top.section("operator_log", [this](Section& section) { read_operator_log(section); });
  top.count("workers", config_.workers, 0, 1024);
  top.file("spool_directory", config_.spool_directory);
}

void ConfigLoader::read_listener(Section& section, Listener& listener) {
  section.name("name", listener.name);
  address(section, listener.address);
  section.section("tls", [&](Section& tls) { read_listener_tls(tls, listener.tls.emplace()); });
  const bool plaintext = section.plaintext_allowed();
  if (section.has("tls") && section.has("plaintext")) {
    section.problem("plaintext", "contradicts `tls`; keep one of the two");
  } else if (!section.has("tls") && !plaintext) {
    section.problem("has no `tls`; give certificate and key, or say `plaintext: allowed`");
  }
}

void ConfigLoader::read_listener_tls(Section& section, ListenerTls& tls) {
  section.each("certificates", into(tls.certificates, &ConfigLoader::read_certificate_files), Need::required);
  section.choice("client_certificates", tls.client_certificates,
                 {{"off", ClientCertificates::off},
                  {"optional", ClientCertificates::optional},
                  {"required", ClientCertificates::required}});
  file(section, "client_ca", tls.client_ca);
  key_exchange(section, tls.key_exchange);
  const bool asks = tls.client_certificates != ClientCertificates::off;
  if (asks && !section.has("client_ca")) {
    section.problem("client_certificates", "needs `client_ca`, the file of the authorities that sign clients");
  }
  if (!asks && section.has("client_ca") && !section.has("client_certificates")) {
    section.problem("client_ca", "has no use without `client_certificates: optional` or `required`");
  }
}

void ConfigLoader::read_certificate_files(Section& section, CertificateFiles& files) {
  file(section, "chain", files.chain, Need::required);
  file(section, "key", files.key, Need::required);
}

void ConfigLoader::read_admin(Section& section) {
  Address& admin = config_.admin.emplace();
  const bool known = address(section, admin);
  const bool plaintext = section.plaintext_allowed();
  if (known && !is_loopback(admin) && !plaintext) {
    section.problem("address", "leaves this machine and is not encrypted; use 127.0.0.1, or add `plaintext: allowed`");
  }
}

void ConfigLoader::read_limits(Section& section) {
  Limits& limits = config_.limits;
  section.size("head", limits.head.bytes, 1024);
  section.count("head_fields", limits.head.fields, 1, 10'000);
  section.size("target", limits.head.target_bytes, 64);
  section.size("field_name", limits.head.name_bytes, 16);
  section.size("body", limits.body_bytes);
  section.size("spool_memory", limits.spool_memory, 4096);
  section.size("body_memory_total", limits.body_memory_total, 4096);
  section.size("body_disk_total", limits.body_disk_total, 0);
  section.count("connections", limits.connections, 1, 10'000'000);
  section.count("connections_per_address", limits.connections_per_address, 1, 10'000'000);
  section.duration("handshake", limits.handshake);
  section.duration("head_time", limits.head_time);
  section.duration("body_stall", limits.body_stall);
  section.duration("keep_alive_idle", limits.keep_alive_idle);
  section.count("keep_alive_requests", limits.keep_alive_requests, 1, 1'000'000'000);
  section.duration("write_stall", limits.write_stall);
  section.duration("drain", limits.drain, core::Duration::zero());
  section.duration("ready_delay", limits.ready_delay, core::Duration::zero());
  section.section("shared", [this](Section& shared) { read_shared_limits(shared); });
}

void ConfigLoader::read_shared_limits(Section& section) {
  SharedLimitsConfig& shared = config_.shared_limits.emplace();
  const bool plaintext = section.plaintext_allowed();
  bool encrypted = true;
  section.with("endpoint", Need::required, [&](const Value& value) {
    std::string text;
    if (!value.text(text)) return false;
    encrypted = !text.starts_with("redis://");
    const std::string_view rest = std::string_view(text).substr(std::min(text.size(), text.find("://") + 3));
    const auto parsed = encrypted && !text.starts_with("rediss://") ? std::nullopt : parse_host_address(rest);
    if (!parsed) return value.refuse("give scheme, host and port, such as rediss://valkey.internal:6379"), false;
    if (!encrypted && !plaintext) value.problem("is not encrypted; use rediss://, or add `plaintext: allowed`");
    shared.address = *parsed;
    return true;
  });
  if (encrypted) shared.tls.emplace();
  section.section("tls", [&](Section& tls) {
    UpstreamTls unused;
    read_upstream_tls(tls, encrypted ? *shared.tls : unused);
    if (!encrypted) tls.problem("has no use: the endpoint is redis://");
  });
  section.text("username", shared.username);
  file(section, "password_file", shared.password_file);
  if (section.has("username") && !section.has("password_file")) {
    section.problem("username", "has no use without `password_file`");
  }
  section.duration("interval", shared.interval, std::chrono::milliseconds(50));
  section.text("prefix", shared.prefix);
}

bool ConfigLoader::read_log(const Value& value) {
  if (value.is("off")) return true;
  if (value.kind() != YamlNode::Kind::map) return value.refuse("give directory, origin and recipients, or off"), false;
  LogConfig& log = config_.log.emplace();
  return value.section([&](Section& section) { read_log_section(section, log); });
}

void ConfigLoader::read_log_section(Section& section, LogConfig& log) {
  logging::LogSettings& settings = log.settings;
  section.file("directory", settings.directory, Need::required);
  section.name("origin", settings.origin);
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
  if (mixed_allowed_ || !envelope::mixes_kinds(parse_recipients(recipients))) return;
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
  if (!log.settings.origin.empty() && !logging::is_note_name(log.settings.origin)) {
    section.problem("signs in the name of `log.origin`, which must not have a '+' then");
  }
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

void ConfigLoader::read_operator_log(Section& section) {
  section.choice("format", config_.operator_log.format, {{"text", LogFormat::text}, {"json", LogFormat::json}});
  section.choice("level", config_.operator_log.level,
                 {{"debug", LogLevel::debug},
                  {"info", LogLevel::info},
                  {"warning", LogLevel::warning},
                  {"error", LogLevel::error}});
}

Loaded load_config(const path& file) {
  Reading reading;
  reading.file = file;
  Loaded loaded;
  if (TextFile text = read_text_file(file, yaml_size_limit); !text.text) {
    reading.problems.push_back({file.string(), {}, "", std::move(text.problem)});
  } else if (const auto root = parse_yaml(*text.text, reading.problems)) {
    loaded.draft = ConfigLoader(reading, write_time(file)).load(*root);
    cross_check(loaded.draft, reading);
  }
  for (Problem& problem : reading.problems) problem.file = file.string();
  std::stable_sort(reading.problems.begin(), reading.problems.end(), [](const Problem& a, const Problem& b) {
    return a.place.line != b.place.line ? a.place.line < b.place.line : a.place.column < b.place.column;
  });
  if (!has_errors(reading.problems)) loaded.config = loaded.draft;
  loaded.problems = std::move(reading.problems);
  loaded.places = std::move(reading.places);
  loaded.known_keys = std::move(reading.known_keys);
  loaded.used_keys = std::move(reading.used_keys);
  return loaded;
}

}  // namespace sallyport::gateway
