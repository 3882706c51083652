#include "gateway/own_fields.hpp"

#include <chrono>

#include "http/writer.hpp"

namespace sallyport::gateway {

namespace {

// A caller's credential stops here; forwarding claims are not believed; Expect has been answered already. The last ones
// are taken by some servers for the real path or method, which were decided by.
constexpr std::string_view dropped[] = {"host",
                                        "authorization",
                                        "x-api-key",
                                        "api-key",
                                        "proxy-authorization",
                                        "x-request-id",
                                        "expect",
                                        "forwarded",
                                        "x-real-ip",
                                        "x-original-url",
                                        "x-rewrite-url",
                                        "x-http-method-override",
                                        "x-method-override",
                                        "x-http-method"};
constexpr std::string_view dropped_prefix = "x-forwarded-";

bool names_models(std::string_view path) noexcept {
  constexpr std::string_view list = "/v1/models";
  return path == list || (path.starts_with("/v1/models/") && path.size() > list.size() + 1);
}

bool is_dropped(std::string_view name) noexcept {
  if (http::may_be_read_as(name.substr(0, dropped_prefix.size()), dropped_prefix)) return true;
  for (const auto candidate : dropped) {
    if (http::may_be_read_as(name, candidate)) return true;
  }
  return false;
}

std::uint64_t whole_seconds(core::Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

void append_standing(std::string& out, std::string_view of, const auth::Standing& standing) {
  std::string name;
  const auto append = [&](std::string_view what, std::uint64_t value, std::string_view unit) {
    name.assign("x-ratelimit-").append(what).append("-").append(of);
    http::append_field(out, name, std::to_string(value).append(unit));
  };
  append("limit", standing.limit, "");
  append("remaining", standing.remaining, "");
  append("reset", whole_seconds(standing.reset), "s");
}

}  // namespace

bool is_models_path(const http::RequestHead& head) noexcept {
  return (head.method == "GET" || head.method == "HEAD") && names_models(head.path);
}

bool is_own_path(std::string_view path) noexcept { return names_models(path) || routing::model_family(path); }

std::string_view allowed_methods(std::string_view path) noexcept {
  if (names_models(path)) return "GET, HEAD";
  return routing::model_family(path) ? "POST" : "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
}

std::string own_fields(std::string_view request_id, std::optional<routing::Family> family,
                       const auth::Standings& standings) {
  std::string out;
  out.reserve(256);
  if (!request_id.empty()) http::append_field(out, "x-request-id", request_id);
  if (!request_id.empty() && family == routing::Family::anthropic_messages) {
    http::append_field(out, "request-id", request_id);
  }
  if (standings.requests) append_standing(out, "requests", *standings.requests);
  if (standings.tokens) append_standing(out, "tokens", *standings.tokens);
  if (standings.retry_after > core::Duration::zero()) {
    http::append_field(out, "retry-after", whole_seconds(standings.retry_after));
  }
  return out;
}

void append_upstream_head(std::string& out, const UpstreamHead& head) {
  http::append_request_line(out, head.client.method, head.client.target);
  // "https://[::1]:8000": what follows the scheme is the authority
  http::append_field(out, "host", head.endpoint.substr(head.endpoint.find("//") + 2));
  const http::HopByHop hop_by_hop(head.client.fields);
  for (const auto& field : head.client.fields) {
    if (hop_by_hop(field.name) || is_dropped(field.name)) continue;
    if (head.model_call && http::same_name(field.name, "accept-encoding")) continue;
    http::append_read_field(out, field);
  }
  http::append_field(out, "x-request-id", head.request_id);
  const bool has_body = head.body_size > 0 || head.client.framing.kind != http::BodyKind::none;
  if (has_body) http::append_framing(out, {http::BodyKind::sized, head.body_size});
}

}  // namespace sallyport::gateway
