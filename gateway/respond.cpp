#include "gateway/respond.hpp"

namespace sallyport::gateway {

using core::Reason;
using routing::Family;

namespace {

constexpr std::string_view invalid = "invalid_request_error", authentication = "authentication_error",
                           permission = "permission_error", limit = "rate_limit_error", server = "server_error";

// One answer for every way in which a credential can be wrong: a caller learns nothing about which.
constexpr Refusal unauthorized{401, authentication, "invalid_api_key",
                               "The API key or client certificate is not valid: mistyped, expired or revoked."};
constexpr Refusal anonymous{401, authentication, "invalid_api_key",
                            "There is no API key. Send it as Authorization: Bearer KEY, or as x-api-key: KEY."};

constexpr Refusal malformed{400, invalid, "malformed_request", "The request is not valid HTTP/1.1."};
constexpr Refusal malformed_body{400, invalid, "malformed_body", "The request's body is not framed as HTTP/1.1 asks."};
constexpr Refusal path_ambiguous{400, invalid, "ambiguous_path",
                                 "The path is not in normal form: dot segments, double slashes or needless encoding."};
constexpr Refusal path_misspelt{404, invalid, "not_found",
                                "There is nothing at this path. Check letter case, and the slash at its end."};
constexpr Refusal head_too_large{431, invalid, "head_too_large", "The request's header fields are too large."};
constexpr Refusal target_too_long{414, invalid, "target_too_long", "The request's target is too long."};
constexpr Refusal version_unsupported{505, invalid, "version_unsupported",
                                      "Only HTTP/1.1 and HTTP/1.0 are spoken here."};
constexpr Refusal transfer_coding_unsupported{501, invalid, "transfer_coding_unsupported",
                                              "The only transfer coding is chunked."};
constexpr Refusal content_coding_unsupported{415, invalid, "content_coding_unsupported",
                                             "The body is compressed, and its model cannot be read. Send it as it is."};
constexpr Refusal method_unsupported{405, invalid, "method_unsupported",
                                     "The method is not supported at this path; the field allow names those that are."};
constexpr Refusal expectation_unsupported{417, invalid, "expectation_unsupported",
                                          "The only expectation is 100-continue."};
constexpr Refusal request_timeout{408, invalid, "request_timeout", "The request did not arrive in time."};
constexpr Refusal body_too_large{413, invalid, "body_too_large", "The request's body is larger than the limit."};
constexpr Refusal credential_ambiguous{
    400, invalid, "ambiguous_credentials",
    "Authorization and x-api-key differ, or one of them is there twice. Send one key."};
constexpr Refusal malformed_json{400, invalid, "malformed_json",
                                 "The body must be a JSON object in UTF-8, its model a string, its stream a boolean."};
constexpr Refusal duplicate_field{
    400, invalid, "duplicate_field",
    "The body has model, stream, stream_options or a token limit twice, perhaps in other letter case."};
constexpr Refusal model_missing{400, invalid, "model_missing", "The body names no model."};
constexpr Refusal model_unknown{404, invalid, "model_not_found",
                                "The model does not exist. GET /v1/models lists those that the API key may use."};
constexpr Refusal model_forbidden{403, permission, "model_forbidden",
                                  "The API key may not use this model. GET /v1/models lists those that it may."};
constexpr Refusal route_unknown{
    404, invalid, "not_found",
    "There is nothing at this path. OpenAI's clients want a base URL that ends in /v1, Anthropic's one without it."};
constexpr Refusal route_forbidden{403, permission, "route_forbidden", "The API key may not use this path."};
constexpr Refusal requests_limited{
    429, limit, "rate_limit_exceeded",
    "The API key's requests per minute are used up. Try again after retry-after seconds."};
constexpr Refusal tokens_limited{429, limit, "rate_limit_exceeded",
                                 "The API key's tokens per minute do not suffice for the prompt and max_tokens. Try "
                                 "again after retry-after seconds."};
constexpr Refusal concurrency_limited{429, limit, "concurrency_limit_exceeded",
                                      "The API key has too many requests open. Try again when one of them has ended."};
constexpr Refusal draining{503, server, "draining", "The gateway is shutting down. Try again."};
constexpr Refusal log_unavailable{503, server, "log_unavailable", "No record can be kept now, so nothing is served."};
constexpr Refusal bad_upstream{502, server, "upstream_error", "The model server did not give a valid answer."};
constexpr Refusal unreachable{502, server, "upstream_unreachable", "The model server could not be reached."};
constexpr Refusal untrusted{502, server, "upstream_untrusted", "The model server could not prove who it is."};
constexpr Refusal slow{504, server, "upstream_timeout", "The model server did not answer in time."};
constexpr Refusal busy{503, server, "overloaded", "The gateway is at its limit. Try again shortly."};
constexpr Refusal fault{500, server, "internal_error", "The gateway failed to handle the request."};

}  // namespace

const Refusal& refusal_for(Reason reason) noexcept {
  switch (reason) {
    case Reason::malformed_request:
      return malformed;
    case Reason::malformed_body:
      return malformed_body;
    case Reason::path_ambiguous:
      return path_ambiguous;
    case Reason::path_misspelt:
      return path_misspelt;
    case Reason::head_too_large:
      return head_too_large;
    case Reason::target_too_long:
      return target_too_long;
    case Reason::version_unsupported:
      return version_unsupported;
    case Reason::transfer_coding_unsupported:
      return transfer_coding_unsupported;
    case Reason::content_coding_unsupported:
      return content_coding_unsupported;
    case Reason::method_unsupported:
      return method_unsupported;
    case Reason::expectation_unsupported:
      return expectation_unsupported;
    case Reason::request_timeout:
      return request_timeout;
    case Reason::body_too_large:
      return body_too_large;
    case Reason::credential_missing:
      return anonymous;
    case Reason::credential_malformed:
    case Reason::credential_unknown:
    case Reason::credential_expired:
    case Reason::credential_revoked:
      return unauthorized;
    case Reason::credential_ambiguous:
      return credential_ambiguous;
    case Reason::malformed_json:
      return malformed_json;
    case Reason::duplicate_field:
      return duplicate_field;
    case Reason::model_missing:
      return model_missing;
    case Reason::model_unknown:
      return model_unknown;
    case Reason::model_forbidden:
      return model_forbidden;
    case Reason::route_unknown:
      return route_unknown;
    case Reason::route_forbidden:
      return route_forbidden;
    case Reason::requests_limited:
      return requests_limited;
    case Reason::tokens_limited:
      return tokens_limited;
    case Reason::concurrency_limited:
      return concurrency_limited;
    case Reason::overloaded:
    case Reason::upstream_busy:
      return busy;
    case Reason::draining:
      return draining;
    case Reason::log_unavailable:
      return log_unavailable;
    case Reason::upstream_unresolved:
    case Reason::upstream_unreachable:
      return unreachable;
    case Reason::upstream_tls_failed:
    case Reason::upstream_certificate_expired:
    case Reason::upstream_certificate_untrusted:
    case Reason::upstream_certificate_name:
    case Reason::upstream_rejected_certificate:
      return untrusted;
    case Reason::upstream_connect_timeout:
    case Reason::upstream_first_byte_timeout:
    case Reason::upstream_idle_timeout:
      return slow;
    case Reason::upstream_closed:
    case Reason::upstream_malformed:
    case Reason::upstream_truncated:
      return bad_upstream;
    case Reason::none:
    case Reason::truncated:
    case Reason::io_failed:
    case Reason::timeout:
    case Reason::cancelled:
    case Reason::tls_failed:
    case Reason::key_exchange_refused:
    case Reason::envelope_malformed:
    case Reason::key_mismatch:
    case Reason::not_authentic:
    case Reason::client_left:
    case Reason::internal:
      return fault;
  }
  return fault;
}

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
