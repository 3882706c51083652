// The heads the gateway writes: what it adds for the client, and what it lets through to a model server.
#pragma once

#include <string>
#include <string_view>

#include "auth/limiter.hpp"
#include "http/message.hpp"
#include "routing/route_table.hpp"

namespace sallyport::gateway {

inline constexpr std::size_t recorded_path_bytes = 256;

// GET or HEAD of /v1/models or /v1/models/NAME: the gateway answers it itself.
bool is_models_path(const http::RequestHead& head) noexcept;

// x-request-id, x-ratelimit-* and retry-after, as "name: value\r\n" lines.
std::string own_fields(std::string_view request_id, const auth::Standings& standings);

struct UpstreamHead {
  const http::RequestHead& client;
  std::string_view request_id;
  std::string_view endpoint;  // as Endpoint::text() gives it
  bool model_call;            // the answer is going to be read: it must come uncompressed
  std::uint64_t body_size;
};

// The request's head for the model server: the client's fields without its credentials, its framing and what it claims
// about its own address.
void append_upstream_head(std::string& out, const UpstreamHead& head);

}  // namespace sallyport::gateway
