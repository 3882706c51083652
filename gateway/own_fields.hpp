// The heads the gateway writes: what it adds for the client, and what it lets through to a model server.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/limiter.hpp"
#include "http/message.hpp"
#include "routing/model_call.hpp"
#include "routing/route_table.hpp"

namespace sallyport::gateway {

// GET or HEAD of /v1/models or /v1/models/NAME: the gateway answers it itself.
bool is_models_path(const http::RequestHead& head) noexcept;

// A model path or one of /v1/models, which take certain methods only.
bool is_own_path(std::string_view path) noexcept;

// x-request-id (for Anthropic's clients also request-id, where they look for it), x-ratelimit-* and retry-after, as
// "name: value\r\n" lines.
std::string own_fields(std::string_view request_id, std::optional<routing::Family> family,
                       const auth::Standings& standings);

// For the field Allow of a 405: what may be asked of a path of the gateway's own, or of any other.
std::string_view allowed_methods(std::string_view path) noexcept;

struct UpstreamHead {
  const http::RequestHead& client;
  std::string_view request_id;
  std::string_view endpoint;  // as Endpoint::text() gives it
  bool model_call;            // the answer is going to be read: it must come uncompressed
  std::uint64_t body_size;
};

// The request's head for the model server, but for the empty line at its end: the client's fields without its
// credentials, its framing and what it claims about its own address.
void append_upstream_head(std::string& out, const UpstreamHead& head);

}  // namespace sallyport::gateway
