#include "gateway/load_config.hpp"

#include <algorithm>

#include "auth/policy.hpp"
#include "auth/token_file.hpp"
#include "gateway/config_text.hpp"
#include "gateway/cross_check.hpp"
#include "gateway/read_recipients.hpp"
#include "gateway/text_file.hpp"
#include "gateway/yaml_reader.hpp"

namespace sallyport::gateway {
namespace {

// Reads the sections into one Config. Upstreams and the log come first: others refer to them.
class Loader {
 public:
  Loader(Reading& reading, std::uint64_t written_at) : reading_(reading), written_at_(written_at) {}

  Config load(const YamlNode& root) {
    watch(reading_.file);
    Value(root, "", "", reading_).section([this](Section& top) { read_top(top); });
    return std::move(config_);
  }

 private:
  void read_top(Section& top);
  void read_listener(Section& section, Listener& listener);
  void read_listener_tls(Section& section, ListenerTls& tls);
  void read_admin(Section& section);
  void read_upstream(Section& section, routing::Upstream& upstream);
  void read_endpoints(Section& section, routing::Upstream& upstream);
  void read_upstream_tls(Section& section, UpstreamTls& tls);
  void read_model(Section& section, routing::Model& model);
  void read_target(Section& section, routing::Target& target);
  void read_route(Section& section, routing::PathRoute& route);
  void read_certificate(Section& section, auth::CertificateRule& rule);
  void read_certificate_files(Section& section, CertificateFiles& files);
  void read_grant(Section& section, auth::Grant& grant);
  void read_match(Section& section, auth::CertificateRule& rule);
  void read_limits(Section& section);
  bool read_log(const Value& value);
  void read_log_section(Section& section, LogConfig& log);
  void read_operator_log(Section& section);

  // One item for each element of a list, read or not, so that indices and paths stay in step.
  template <class Item>
  std::function<void(const Value&)> into(std::vector<Item>& items, void (Loader::*read)(Section&, Item&)) {
    return [this, &items, read](const Value& value) {
      Item& item = items.emplace_back();
      value.section([&](Section& section) { (this->*read)(section, item); });
    };
  }

  bool address(Section& section, Address& out);
  bool upstream(Section& section, std::size_t& index);
  bool capture(Section& section, routing::Capture& out);
  bool file(Section& section, std::string_view key, path& out, Need need = Need::optional);
  void watch(const path& file);

  Reading& reading_;
  Config config_;
  std::uint64_t written_at_;
  routing::Capture default_capture_ = routing::Capture::metadata;
};

void Loader::watch(const path& file) {
  if (std::find(config_.files.begin(), config_.files.end(), file) == config_.files.end()) config_.files.push_back(file);
}

bool Loader::file(Section& section, std::string_view key, path& out, Need need) {
  if (!section.file(key, out, need)) return false;
  watch(out);
  return true;
}

bool Loader::address(Section& section, Address& out) {
  return section.with("address", Need::required, [&](const Value& value) {
    std::string text;
    if (!value.text(text)) return false;
    const auto parsed = parse_address(text);
    if (!parsed) return value.refuse("give a numeric address and a port, such as 0.0.0.0:8443 or [::]:8443"), false;
    out = *parsed;
    return true;
  });
}

bool Loader::upstream(Section& section, std::size_t& index) {
  return section.with("upstream", Need::required, [&](const Value& value) {
    std::string name;
    if (!value.text(name)) return false;
    std::vector<std::string> names;
    for (const auto& upstream : config_.upstreams) names.push_back(upstream.name);
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      const auto meant = nearest(name, names);
      value.refuse(meant.empty() ? "no upstream has that name" : "did you mean '" + std::string(meant) + "'?");
      return false;
    }
    index = static_cast<std::size_t>(found - names.begin());
    return true;
  });
}

bool Loader::capture(Section& section, routing::Capture& out) {
  return section.choice("capture", out, {{"metadata", routing::Capture::metadata}, {"full", routing::Capture::full}});
}

void Loader::read_top(Section& top) {
  top.each("upstreams", into(config_.upstreams, &Loader::read_upstream), Need::required);
  top.with("log", Need::optional, [this](const Value& value) { return read_log(value); });
  if (!top.has("log")) top.problem("has no `log`: say where records go and who can read them, or `log: off`");
  top.each("listeners", into(config_.listeners, &Loader::read_listener), Need::required);
  top.section("admin", [this](Section& section) { read_admin(section); });
  top.each("models", into(config_.models, &Loader::read_model));
  top.each("routes", into(config_.routes, &Loader::read_route));
  top.section("tokens", [this](Section& section) { file(section, "file", config_.tokens_file, Need::required); });
  top.each("certificates", into(config_.certificates, &Loader::read_certificate));
  top.section("limits", [this](Section& section) { read_limits(section); });
  top.section("operator_log", [this](Section& section) { read_operator_log(section); });
  top.count("workers", config_.workers, 0, 1024);
  top.file("spool_directory", config_.spool_directory);
}

void Loader::read_listener(Section& section, Listener& listener) {
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

void Loader::read_listener_tls(Section& section, ListenerTls& tls) {
  section.each("certificates", into(tls.certificates, &Loader::read_certificate_files), Need::required);
  section.choice("client_certificates", tls.client_certificates,
                 {{"off", ClientCertificates::off},
                  {"optional", ClientCertificates::optional},
                  {"required", ClientCertificates::required}});
  file(section, "client_ca", tls.client_ca);
  const bool asks = tls.client_certificates != ClientCertificates::off;
  if (asks && !section.has("client_ca")) {
    section.problem("client_certificates", "needs `client_ca`, the file of the authorities that sign clients");
  }
  if (!asks && section.has("client_ca") && !section.has("client_certificates")) {
    section.problem("client_ca", "has no use without `client_certificates: optional` or `required`");
  }
}

void Loader::read_certificate_files(Section& section, CertificateFiles& files) {
  file(section, "chain", files.chain, Need::required);
  file(section, "key", files.key, Need::required);
}

void Loader::read_admin(Section& section) {
  Address& admin = config_.admin.emplace();
  const bool known = address(section, admin);
  const bool plaintext = section.plaintext_allowed();
  if (known && !is_loopback(admin) && !plaintext) {
    section.problem("address", "leaves this machine and is not encrypted; use 127.0.0.1, or add `plaintext: allowed`");
  }
}

void Loader::read_upstream(Section& section, routing::Upstream& upstream) {
  upstream.tls_identity = config_.upstream_tls.size();
  UpstreamTls& tls = config_.upstream_tls.emplace_back();
  section.name("name", upstream.name);
  read_endpoints(section, upstream);
  section.section("tls", [&](Section& s) { read_upstream_tls(s, tls); });
  const auto is_plain = [](const routing::Endpoint& endpoint) { return endpoint.plaintext; };
  if (section.has("tls") && !upstream.endpoints.empty() &&
      std::all_of(upstream.endpoints.begin(), upstream.endpoints.end(), is_plain)) {
    section.problem("tls", "has no use: every endpoint is http://");
  }
  section.section("timeouts", [&](Section& timeouts) {
    timeouts.duration("connect", upstream.timeouts.connect);
    timeouts.duration("first_byte", upstream.timeouts.first_byte);
    timeouts.duration("idle", upstream.timeouts.idle);
  });
  section.section("pool", [&](Section& pool) {
    pool.count("connections", upstream.pool.connections, 1, 1'000'000);
    pool.count("idle", upstream.pool.idle, 0, 1'000'000);
    pool.duration("idle_expiry", upstream.pool.idle_expiry);
    pool.duration("lifetime", upstream.pool.lifetime);
  });
}

void Loader::read_endpoints(Section& section, routing::Upstream& upstream) {
  const bool plaintext = section.plaintext_allowed();
  section.each(
      "endpoints",
      [&](const Value& value) {
        std::string text, problem;
        if (!value.text(text)) return;
        const auto endpoint = parse_endpoint(text, problem);
        if (!endpoint) return value.refuse(problem);
        if (endpoint->plaintext && !plaintext) {
          value.problem("is not encrypted; use https://, or add `plaintext: allowed` to this upstream");
        }
        const auto same = [&](const routing::Endpoint& other) {
          return other.host == endpoint->host && other.port == endpoint->port;
        };
        if (std::any_of(upstream.endpoints.begin(), upstream.endpoints.end(), same)) value.problem("is listed twice");
        upstream.endpoints.push_back(*endpoint);
      },
      Need::required);
}

void Loader::read_upstream_tls(Section& section, UpstreamTls& tls) {
  file(section, "ca", tls.ca);
  file(section, "certificate", tls.certificate);
  file(section, "key", tls.key);
  section.text("server_name", tls.server_name);
  if (section.has("certificate") != section.has("key")) {
    section.problem("has only one of `certificate` and `key`; a client certificate needs both");
  }
}

void Loader::read_model(Section& section, routing::Model& model) {
  model.created = written_at_;
  model.capture = default_capture_;
  section.name("name", model.name);
  section.each("aliases", [&](const Value& value) {
    std::string& alias = model.aliases.emplace_back();
    if (value.text(alias) && !is_name(alias)) value.refuse("a name is 1 to 128 letters, digits and . _ : / @ + -");
  });
  section.each("targets", into(model.targets, &Loader::read_target), Need::required);
  for (routing::Target& target : model.targets) {
    if (target.model.empty()) target.model = model.name;
  }
  capture(section, model.capture);
}

void Loader::read_target(Section& section, routing::Target& target) {
  upstream(section, target.upstream);
  section.text("model", target.model);
  section.count("weight", target.weight, 1, 1'000'000);
}

void Loader::read_route(Section& section, routing::PathRoute& route) {
  route.capture = default_capture_;
  section.name("name", route.name);
  section.with("path", Need::required, [&](const Value& value) {
    if (!value.text(route.prefix)) return false;
    const bool plain =
        std::all_of(route.prefix.begin(), route.prefix.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (route.prefix.front() == '/' && plain && route.prefix.find_first_of("?#") == std::string::npos) return true;
    return value.refuse("a path starts with / and has no query, such as /v1/audio/"), false;
  });
  upstream(section, route.upstream);
  capture(section, route.capture);
}

void Loader::read_certificate(Section& section, auth::CertificateRule& rule) {
  if (section.name("name", rule.grant.name) && !auth::is_principal_name(rule.grant.name)) {
    section.problem("name", "cannot be a caller's name: at most 64 characters, and not like a token's id (tk-…)");
  }
  rule.grant.id = "cert:" + rule.grant.name;
  section.section(
      "match", [&](Section& match) { read_match(match, rule); }, Need::required);
  read_grant(section, rule.grant);
  section.section("limits", [&](Section& limits) {
    limits.count("requests_per_minute", rule.grant.allowance.requests_per_minute, 0, auth::max_per_minute);
    limits.count("tokens_per_minute", rule.grant.allowance.tokens_per_minute, 0, auth::max_per_minute);
    limits.count("concurrent_requests", rule.grant.allowance.concurrent_requests, 0, auth::max_concurrent);
  });
}

void Loader::read_grant(Section& section, auth::Grant& grant) {
  const auto pattern = [](std::vector<std::string>& patterns) {
    return [&patterns](const Value& value) {
      std::string text;
      if (!value.text(text)) return;
      if (!auth::is_pattern(text)) return value.refuse("a pattern is a name, or its beginning and one '*'");
      if (patterns.size() == auth::max_patterns) return value.problem("is one pattern too many");
      patterns.push_back(std::move(text));
    };
  };
  section.each("models", pattern(grant.models));
  section.each("routes", pattern(grant.routes));
  if (!section.has("models") && !section.has("routes")) {
    section.problem("allows nothing; give `models` or `routes`, with names or patterns such as 'llama*'");
  }
}

void Loader::read_match(Section& section, auth::CertificateRule& rule) {
  section.text("common_name", rule.common_name);
  section.text("dns_name", rule.dns_name);
  section.text("uri", rule.uri);
  section.with("fingerprint", Need::optional, [&](const Value& value) {
    std::string hex;
    if (!value.text(hex)) return false;
    std::erase(hex, ':');
    for (char& digit : hex) digit = digit >= 'A' && digit <= 'F' ? static_cast<char>(digit - 'A' + 'a') : digit;
    if (hex.size() != 64 || hex.find_first_not_of("0123456789abcdef") != hex.npos) {
      return value.refuse("give the certificate's SHA-256 as 64 hexadecimal digits"), false;
    }
    rule.fingerprint = hex;
    return true;
  });
  const auto any = {"common_name", "dns_name", "uri", "fingerprint"};
  if (std::none_of(any.begin(), any.end(), [&](const char* key) { return section.has(key); })) {
    section.problem("would match every certificate; give common_name, dns_name, uri or fingerprint");
  }
}

void Loader::read_limits(Section& section) {
  Limits& limits = config_.limits;
  section.size("head", limits.head.bytes, 1024);
  section.count("head_fields", limits.head.fields, 1, 10'000);
  section.size("target", limits.head.target_bytes, 64);
  section.size("field_name", limits.head.name_bytes, 16);
  section.size("body", limits.body_bytes);
  section.size("spool_memory", limits.spool_memory, 4096);
  section.size("body_memory_total", limits.body_memory_total, 4096);
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
}

bool Loader::read_log(const Value& value) {
  if (value.is("off")) return true;
  if (value.kind() != YamlNode::Kind::map) return value.refuse("give directory, origin and recipients, or off"), false;
  LogConfig& log = config_.log.emplace();
  return value.section([&](Section& section) { read_log_section(section, log); });
}

void Loader::read_log_section(Section& section, LogConfig& log) {
  logging::LogSettings& settings = log.settings;
  section.file("directory", settings.directory, Need::required);
  section.name("origin", settings.origin);
  section.with("recipients", Need::required, [&](const Value& value) {
    log.recipients = read_recipients(value, config_.files);
    return true;
  });
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
}

void Loader::read_operator_log(Section& section) {
  section.choice("format", config_.operator_log.format, {{"text", LogFormat::text}, {"json", LogFormat::json}});
  section.choice("level", config_.operator_log.level,
                 {{"debug", LogLevel::debug},
                  {"info", LogLevel::info},
                  {"warning", LogLevel::warning},
                  {"error", LogLevel::error}});
}

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

Loaded load_config(const path& file) {
  Reading reading;
  reading.file = file;
  Loaded loaded;
  if (TextFile text = read_text_file(file, yaml_size_limit); !text.text) {
    reading.problems.push_back({file.string(), {}, "", std::move(text.problem)});
  } else if (const auto root = parse_yaml(*text.text, reading.problems)) {
    loaded.draft = Loader(reading, write_time(file)).load(*root);
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
