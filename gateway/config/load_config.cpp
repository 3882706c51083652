#include "gateway/config/load_config.hpp"

#include <algorithm>

#include "core/version.hpp"
#include "gateway/config/config_loader.hpp"
#include "gateway/config/config_text.hpp"
#include "gateway/config/cross_check.hpp"
#include "gateway/config/text_file.hpp"

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
    section.problem("key_exchange", "is require_pq, but OpenSSL " + core::openssl_version() +
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
  section.duration("keep_alive_time", limits.keep_alive_time);
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

void ConfigLoader::read_operator_log(Section& section) {
  section.choice("format", config_.operator_log.format, {{"text", LogFormat::text}, {"json", LogFormat::json}});
  section.choice("level", config_.operator_log.level,
                 {{"info", LogLevel::info}, {"warning", LogLevel::warning}, {"error", LogLevel::error}});
}

Loaded load_config(const path& file) {
  Reading reading;
  reading.file = file;
  Loaded loaded;
  if (TextFile text = read_text_file(file, yaml_size_limit); !text.text) {
    reading.problems.push_back({file.string(), {}, "", std::move(text.problem)});
  } else if (const auto root = parse_yaml(*text.text, reading.problems); root && root->kind == YamlNode::Kind::null) {
    reading.problems.push_back({file.string(), {}, "", "is empty; minimal.yaml shows the least that is needed"});
  } else if (root) {
    loaded.config = ConfigLoader(reading, write_time(file)).load(*root);
    cross_check(loaded.config, reading);
  }
  for (Problem& problem : reading.problems) problem.file = file.string();
  std::stable_sort(reading.problems.begin(), reading.problems.end(), [](const Problem& a, const Problem& b) {
    return a.place.line != b.place.line ? a.place.line < b.place.line : a.place.column < b.place.column;
  });
  loaded.problems = std::move(reading.problems);
  loaded.places = std::move(reading.places);
  loaded.known_keys = std::move(reading.known_keys);
  loaded.used_keys = std::move(reading.used_keys);
  return loaded;
}

}  // namespace sallyport::gateway
