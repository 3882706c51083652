// The closed list of what is kept about one exchange. Plain values; content is not here: it travels beside the record
// and is sealed apart from it (sealed_log.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace sallyport::logging {

struct Record {
  std::string request_id;  // ours, or the client's when it was acceptable
  core::WallTime started;
  core::Duration duration{};                 // until the outcome was known
  std::optional<core::Duration> first_byte;  // until the answer's first body byte was ready for the client
  std::string listener;
  std::string client_address;
  std::string principal;  // name; empty when nobody was proven
  std::string principal_id;
  std::string tenant;  // whose content it is; empty: the operator's
  std::string method;
  std::string path;   // without the query, bounded
  std::string model;  // public name, or what was asked for when unknown (bounded)
  std::string upstream;
  std::string upstream_model;
  std::string endpoint;
  unsigned status = 0;                        // what the client was told; 0: nothing
  core::Reason outcome = core::Reason::none;  // none: answered whole
  bool streamed = false;
  std::uint64_t request_bytes = 0;   // body
  std::uint64_t response_bytes = 0;  // body, as sent to the client
  std::optional<std::uint64_t> prompt_tokens, completion_tokens, total_tokens;
  unsigned attempts = 0;  // upstream connections tried
  std::string client_key_exchange, upstream_key_exchange;
  bool content_kept = false;
};

// One line of JSON, keys in a fixed order, strings escaped; absent values are left out.
void append_json(std::string& out, const Record& record);

}  // namespace sallyport::logging
