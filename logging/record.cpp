#include "logging/record.hpp"

#include "logging/json_text.hpp"

namespace sallyport::logging {

namespace {

std::int64_t microseconds(core::Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

}  // namespace

void append_json(std::string& out, const Record& record) {
  JsonObject json(out);
  json.text("request_id", record.request_id);
  json.time("started", record.started);
  json.integer("duration_us", microseconds(record.duration));
  if (record.first_byte) json.integer("first_byte_us", microseconds(*record.first_byte));
  json.text_if_any("listener", record.listener);
  json.text_if_any("client_address", record.client_address);
  json.text_if_any("principal", record.principal);
  json.text_if_any("principal_id", record.principal_id);
  json.text_if_any("tenant", record.tenant);
  json.text_if_any("method", record.method);
  json.text_if_any("path", record.path);
  json.text_if_any("model", record.model);
  json.text_if_any("upstream", record.upstream);
  json.text_if_any("upstream_model", record.upstream_model);
  json.text_if_any("endpoint", record.endpoint);
  json.integer("status", record.status);
  json.text("outcome", core::name(record.outcome));
  json.boolean("streamed", record.streamed);
  json.integer("request_bytes", record.request_bytes);
  json.integer("response_bytes", record.response_bytes);
  if (record.prompt_tokens) json.integer("prompt_tokens", *record.prompt_tokens);
  if (record.completion_tokens) json.integer("completion_tokens", *record.completion_tokens);
  if (record.total_tokens) json.integer("total_tokens", *record.total_tokens);
  json.integer("attempts", record.attempts);
  json.text_if_any("client_key_exchange", record.client_key_exchange);
  json.text_if_any("upstream_key_exchange", record.upstream_key_exchange);
  json.boolean("content_kept", record.content_kept);
}

}  // namespace sallyport::logging
