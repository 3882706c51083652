#include "gateway/respond.hpp"

#include <array>
#include <initializer_list>

namespace sallyport::gateway {

using core::Reason;
using routing::Family;

namespace {

constexpr std::string_view invalid = "invalid_request_error", authentication = "authentication_error",
                           permission = "permission_error", limit = "rate_limit_error", server = "server_error";

struct Row {
  std::initializer_list<Reason> reasons;
  Refusal refusal;
};

using enum Reason;

constexpr Row table[] = {
    {{malformed_request}, {400, invalid, "malformed_request", "The request is not valid HTTP/1.1."}},
    {{malformed_body}, {400, invalid, "malformed_body", "The request's body is not framed as HTTP/1.1 asks."}},
    {{path_ambiguous},
     {400, invalid, "ambiguous_path",
      "The path is not in normal form: dot segments, double slashes or needless encoding."}},
    {{path_misspelt},
     {404, invalid, "not_found", "There is nothing at this path. Check letter case, and the slash at its end."}},
    {{head_too_large}, {431, invalid, "head_too_large", "The request's header fields are too large."}},
    {{target_too_long}, {414, invalid, "target_too_long", "The request's target is too long."}},
    {{version_unsupported}, {505, invalid, "version_unsupported", "Only HTTP/1.1 and HTTP/1.0 are spoken here."}},
    {{transfer_coding_unsupported},
     {501, invalid, "transfer_coding_unsupported", "The only transfer coding is chunked."}},
    {{content_coding_unsupported},
     {415, invalid, "content_coding_unsupported",
      "The body is compressed, and its model cannot be read. Send it as it is."}},
    {{method_unsupported},
     {405, invalid, "method_unsupported",
      "The method is not supported at this path; the field allow names those that are."}},
    {{expectation_unsupported}, {417, invalid, "expectation_unsupported", "The only expectation is 100-continue."}},
    {{request_timeout}, {408, invalid, "request_timeout", "The request did not arrive in time."}},
    {{body_too_large}, {413, invalid, "body_too_large", "The request's body is larger than the limit."}},

    {{credential_missing},
     {401, authentication, "invalid_api_key",
      "There is no API key. Send it as Authorization: Bearer KEY, or as x-api-key: KEY."}},
    // One answer for every way in which a credential can be wrong: a caller learns nothing about which.
    {{credential_malformed, credential_unknown, credential_expired, credential_revoked},
     {401, authentication, "invalid_api_key",
      "The API key or client certificate is not valid: mistyped, expired or revoked."}},
    {{credential_ambiguous},
     {400, invalid, "ambiguous_credentials",
      "Authorization and x-api-key differ, or one of them is there twice. Send one key."}},

    {{malformed_json},
     {400, invalid, "malformed_json",
      "The body must be a JSON object in UTF-8, its model a string, its stream a boolean."}},
    {{duplicate_field},
     {400, invalid, "duplicate_field",
      "The body has model, stream, stream_options or a token limit twice, perhaps in other letter case."}},
    {{model_missing}, {400, invalid, "model_missing", "The body names no model."}},
    // One answer for both: nobody learns which models there are that they may not use.
    {{model_unknown, model_forbidden},
     {404, invalid, "model_not_found",
      "The model does not exist, or the API key may not use it. GET /v1/models lists those that it may."}},
    {{route_unknown},
     {404, invalid, "not_found",
      "There is nothing at this path. OpenAI's clients want a base URL that ends in /v1, Anthropic's one without it."}},
    {{route_forbidden}, {403, permission, "route_forbidden", "The API key may not use this path."}},

    {{requests_limited},
     {429, limit, "rate_limit_exceeded",
      "The API key's requests per minute are used up. Try again after retry-after seconds."}},
    {{tokens_limited},
     {429, limit, "rate_limit_exceeded",
      "The API key's tokens per minute do not suffice for the prompt and the answer (max_tokens, or what is usual). "
      "Try again after retry-after seconds."}},
    {{concurrency_limited},
     {429, limit, "concurrency_limit_exceeded",
      "The API key has too many requests open. Try again when one of them has ended."}},
    {{overloaded, upstream_busy}, {503, server, "overloaded", "The gateway is at its limit. Try again shortly."}},
    {{draining}, {503, server, "draining", "The gateway is shutting down. Try again."}},
    {{log_unavailable}, {503, server, "log_unavailable", "No record can be kept now, so nothing is served."}},

    {{upstream_unresolved, upstream_unreachable},
     {502, server, "upstream_unreachable", "The model server could not be reached."}},
    {{upstream_tls_failed, upstream_certificate_expired, upstream_certificate_untrusted, upstream_certificate_name},
     {502, server, "upstream_untrusted", "The model server could not prove who it is."}},
    {{upstream_rejected_certificate},
     {502, server, "upstream_untrusted", "The model server does not accept the gateway's certificate."}},
    {{upstream_closed, upstream_malformed, upstream_truncated},
     {502, server, "upstream_error", "The model server did not give a valid answer."}},
    {{upstream_connect_timeout, upstream_first_byte_timeout, upstream_idle_timeout},
     {504, server, "upstream_timeout", "The model server did not answer in time."}},

    // Of these but the last no client is ever told.
    {{none, truncated, io_failed, timeout, cancelled, tls_failed, key_exchange_refused, envelope_malformed,
      key_mismatch, not_authentic, client_left, internal},
     {500, server, "internal_error", "The gateway failed to handle the request."}},
};

// A Reason that stands nowhere in the table, or twice, does not compile.
consteval auto rows_by_reason() {
  std::array<const Refusal*, static_cast<std::size_t>(internal) + 1> rows{};
  for (const Row& row : table) {
    for (const Reason reason : row.reasons) {
      const Refusal*& told = rows[static_cast<std::size_t>(reason)];
      if (told != nullptr) throw "two refusals for one reason";
      told = &row.refusal;
    }
  }
  for (const Refusal* told : rows) {
    if (told == nullptr) throw "a reason without a refusal";
  }
  return rows;
}

constexpr auto by_reason = rows_by_reason();

}  // namespace

const Refusal& refusal_for(Reason reason) noexcept { return *by_reason[static_cast<std::size_t>(reason)]; }

namespace {

// Anthropic names its types by status.
std::string_view anthropic_type(unsigned status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    default:
      return status < 500 ? "invalid_request_error" : "api_error";
  }
}

}  // namespace

// The table's words contain nothing that JSON would have to escape.
void append_error_body(std::string& out, Family family, Reason reason) {
  const Refusal& refusal = refusal_for(reason);
  if (family == Family::anthropic_messages) {
    out.append(R"({"type":"error","error":{"type":")").append(anthropic_type(refusal.status));
    out.append(R"(","message":")").append(refusal.message).append(R"("}})");
    return;
  }
  out.append(R"({"error":{"message":")").append(refusal.message).append(R"(","type":")").append(refusal.type);
  out.append(R"(","param":null,"code":")").append(refusal.code).append(R"("}})");
}

void append_error_event(std::string& out, Family family, Reason reason) {
  const Refusal& refusal = refusal_for(reason);
  switch (family) {
    case Family::anthropic_messages:
      out.append("event: error\ndata: ");
      break;
    case Family::openai_responses:
      out.append("event: response.failed\ndata: ")
          .append(
              R"({"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":")")
          .append(refusal.message)
          .append("\"}}}\n\n");
      return;
    default:
      out.append("data: ");
  }
  append_error_body(out, family, reason);
  out.append("\n\n");
}

}  // namespace sallyport::gateway
