// Where calls go and who may make them: upstreams, models, routes, client certificates.
#include <algorithm>

#include "auth/policy.hpp"
#include "auth/token_file.hpp"
#include "gateway/config/config_loader.hpp"
#include "gateway/config/config_text.hpp"
#include "http/path.hpp"

namespace sallyport::gateway {

namespace {

// Whether any path in normal form begins so: it may end within a segment, as "/." does before "/.well-known".
bool begins_normal_path(const std::string& prefix) {
  return http::is_normal_path(prefix) || http::is_normal_path(prefix + "x");
}

}  // namespace

bool ConfigLoader::upstream(Section& section, std::size_t& index) {
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

void ConfigLoader::read_upstream(Section& section, routing::Upstream& upstream) {
  upstream.number = config_.upstream_tls.size();
  UpstreamTls& tls = config_.upstream_tls.emplace_back();
  section.name("name", upstream.name);
  read_endpoints(section, upstream);
  section.section("tls", [&](Section& s) { read_upstream_tls(s, tls); });
  if (section.has("tls") && !upstream.endpoints.empty() && !upstream.has_tls()) {
    section.problem("tls", "has no use: every endpoint is http://");
  }
  ApiKey& key = config_.upstream_api_keys.emplace_back();
  section.section("api_key", [&](Section& s) { read_api_key_place(s, key); });
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

void ConfigLoader::read_api_key_place(Section& section, ApiKey& key) {
  file(section, "file", key.file, Need::required);
  section.choice("field", key.field,
                 {{"authorization", "authorization"}, {"x-api-key", "x-api-key"}, {"api-key", "api-key"}});
}

void ConfigLoader::read_endpoints(Section& section, routing::Upstream& upstream) {
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

void ConfigLoader::read_upstream_tls(Section& section, UpstreamTls& tls) {
  file(section, "ca", tls.ca);
  file(section, "certificate", tls.certificate);
  file(section, "key", tls.key);
  if (section.text("server_name", tls.server_name) && !is_host(tls.server_name)) {
    section.problem("server_name", "is neither a host name nor an address");
  }
  key_exchange(section, tls.key_exchange);
  if (section.has("certificate") != section.has("key")) {
    section.problem("has only one of `certificate` and `key`; a client certificate needs both");
  }
}

void ConfigLoader::read_model(Section& section, routing::Model& model) {
  model.created = written_at_;
  model.capture = default_capture_;
  section.name("name", model.name);
  section.each("aliases", [&](const Value& value) {
    std::string& alias = model.aliases.emplace_back();
    if (value.text(alias) && !is_name(alias)) value.refuse("a name is 1 to 128 letters, digits and . _ : / @ + -");
  });
  section.each("targets", into(model.targets, &ConfigLoader::read_target), Need::required);
  for (routing::Target& target : model.targets) {
    if (target.model.empty()) target.model = model.name;
  }
  section.count("expected_output", model.expected_output, 0, auth::max_per_minute);
  capture(section, model.capture);
  tenant(section, model.tenant);
}

void ConfigLoader::read_target(Section& section, routing::Target& target) {
  upstream(section, target.upstream);
  section.text("model", target.model);
  section.count("weight", target.weight, 1, 1'000'000);
}

void ConfigLoader::read_route(Section& section, routing::PathRoute& route) {
  route.capture = default_capture_;
  section.name("name", route.name);
  section.with("path", Need::required, [&](const Value& value) {
    if (!value.text(route.prefix)) return false;
    const bool plain =
        std::all_of(route.prefix.begin(), route.prefix.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (route.prefix.front() != '/' || !plain || route.prefix.find_first_of("?#") != std::string::npos) {
      return value.refuse("a path starts with / and has no query, such as /v1/audio/"), false;
    }
    if (route.prefix.ends_with('*')) {
      return value.refuse("a path covers all that begin with it; leave the '*' out"), false;
    }
    if (begins_normal_path(route.prefix)) return true;
    return value.refuse(
               "no request can match it: paths that servers read differently are refused before (\".\", "
               "\"..\", \"//\", \"\\\", \";\", needless percent-encoding)"),
           false;
  });
  upstream(section, route.upstream);
  capture(section, route.capture);
  tenant(section, route.tenant);
}

void ConfigLoader::read_certificate(Section& section, auth::CertificateRule& rule) {
  if (section.name("name", rule.grant.name) && !auth::is_principal_name(rule.grant.name)) {
    section.problem("name", "cannot be a caller's name: at most 64 characters, and not like a token's id (tk-…)");
  }
  rule.grant.id = "cert:" + rule.grant.name;
  section.section(
      "match", [&](Section& match) { read_match(match, rule); }, Need::required);
  read_grant(section, rule.grant);
  tenant(section, rule.grant.tenant);
  section.section("limits", [&](Section& limits) {
    limits.count("requests_per_minute", rule.grant.allowance.requests_per_minute, 0, auth::max_per_minute);
    limits.count("tokens_per_minute", rule.grant.allowance.tokens_per_minute, 0, auth::max_per_minute);
    limits.count("concurrent_requests", rule.grant.allowance.concurrent_requests, 0, auth::max_concurrent);
  });
}

void ConfigLoader::read_grant(Section& section, auth::Grant& grant) {
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

void ConfigLoader::read_match(Section& section, auth::CertificateRule& rule) {
  section.text("common_name", rule.common_name);
  section.text("dns_name", rule.dns_name);
  section.text("uri", rule.uri);
  section.with("fingerprint", Need::optional, [&](const Value& value) {
    if (!value.text(rule.fingerprint)) return false;
    if (auth::parse_fingerprint(rule.fingerprint)) return true;
    return value.refuse("give the certificate's SHA-256 as 64 hexadecimal digits"), false;
  });
  const auto any = {"common_name", "dns_name", "uri", "fingerprint"};
  if (std::none_of(any.begin(), any.end(), [&](const char* key) { return section.has(key); })) {
    section.problem("would match every certificate; give common_name, dns_name, uri or fingerprint");
  }
}

}  // namespace sallyport::gateway
