// Exchanges of the sealed log as lines: for a person at a terminal, or JSON for a script. And which of them to show.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/clock.hpp"
#include "logging/reader.hpp"

namespace sallyport::gateway {

// An exchange with its record parsed. What was sealed may have been written by anyone who had the recipient's public
// key, so it is taken as untrusted input.
struct ShownExchange {
  logging::Exchange exchange;
  nlohmann::ordered_json record;                 // always an object
  std::optional<core::Bytes> request, response;  // with --content
  bool content_damaged = false;
  std::string sealed_for;  // with --content: the tenant whose key alone opens it; empty: this one does
};
ShownExchange shown(logging::Exchange exchange);

struct LogFilter {
  std::optional<core::WallTime> since, until;        // of the exchange's start
  std::string request_id, principal, tenant, model;  // empty: any

  bool takes(const ShownExchange& exchange) const;
};

// "2026-01-02T03:04:05Z", "2026-01-02", or so long ago: "90s", "15m", "2h", "3d".
std::optional<core::WallTime> parse_moment(std::string_view text, core::WallTime now) noexcept;

// One line, and with content its bodies below, indented.
std::string human_line(const ShownExchange& exchange, bool colour);

// One JSON object: the record's fields, then "exchange", "segment", "finished"; a body as "request_body" when it is
// UTF-8 text, else as "request_body_base64"; "content_sealed_for" where a tenant's key alone opens them.
std::string json_line(const ShownExchange& exchange);

}  // namespace sallyport::gateway
