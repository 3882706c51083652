#include "gateway/respond.hpp"

namespace sallyport::gateway {

using core::Reason;
using routing::Family;

namespace {

constexpr std::string_view invalid = "invalid_request_error", authentication = "authentication_error",
                           permission = "permission_error", limit = "rate_limit_error", server = "server_error";

// One answer for every way in which a credential can be wrong: a caller learns nothing about which.
constexpr Refusal unauthorized{401, authentication, "invalid_api_key", "The API key is missing or not valid."};

constexpr Refusal malformed{400, invalid, "malformed_request", "The request is not valid HTTP/1.1."};
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
    case Reason::malformed_body: {
      static constexpr Refusal r{400, invalid, "malformed_body", "The request's body is not framed as HTTP/1.1 asks."};
      return r;
    }
    case Reason::path_ambiguous: {
      static constexpr Refusal r{400, invalid, "ambiguous_path",
                                 "The path is not in normal form: dot segments, double slashes or needless encoding."};
      return r;
    }
    case Reason::path_misspelt: {
      static constexpr Refusal r{404, invalid, "not_found",
                                 "There is nothing at this path: check letter case, and the slash at its end."};
      return r;
    }
    case Reason::head_too_large: {
      static constexpr Refusal r{431, invalid, "head_too_large", "The request's header fields are too large."};
      return r;
    }
    case Reason::target_too_long: {
      static constexpr Refusal r{414, invalid, "target_too_long", "The request's target is too long."};
      return r;
    }
    case Reason::version_unsupported: {
      static constexpr Refusal r{505, invalid, "version_unsupported", "Only HTTP/1.1 and HTTP/1.0 are spoken here."};
      return r;
    }
    case Reason::transfer_coding_unsupported: {
      static constexpr Refusal r{501, invalid, "transfer_coding_unsupported", "The only transfer coding is chunked."};
      return r;
    }
    case Reason::method_unsupported: {
      static constexpr Refusal r{405, invalid, "method_unsupported", "The method is not supported here."};
      return r;
    }
    case Reason::expectation_unsupported: {
      static constexpr Refusal r{417, invalid, "expectation_unsupported", "The only expectation is 100-continue."};
      return r;
    }
    case Reason::request_timeout: {
      static constexpr Refusal r{408, invalid, "request_timeout", "The request did not arrive in time."};
      return r;
    }
    case Reason::body_too_large: {
      static constexpr Refusal r{413, invalid, "body_too_large", "The request's body is larger than the limit."};
      return r;
    }
    case Reason::credential_missing:
    case Reason::credential_malformed:
    case Reason::credential_unknown:
    case Reason::credential_expired:
    case Reason::credential_revoked:
      return unauthorized;
    case Reason::credential_ambiguous: {
      static constexpr Refusal r{400, invalid, "ambiguous_credentials",
                                 "The request carries more than one credential."};
      return r;
    }
    case Reason::malformed_json: {
      static constexpr Refusal r{400, invalid, "malformed_json", "The body is not the JSON object this path expects."};
      return r;
    }
    case Reason::duplicate_field: {
      static constexpr Refusal r{400, invalid, "duplicate_field", "A field of the body is given twice."};
      return r;
    }
    case Reason::model_missing: {
      static constexpr Refusal r{400, invalid, "model_missing", "The body names no model."};
      return r;
    }
    case Reason::model_unknown: {
      static constexpr Refusal r{404, invalid, "model_not_found", "The model does not exist."};
      return r;
    }
    case Reason::model_forbidden: {
      static constexpr Refusal r{403, permission, "model_forbidden", "The API key may not use this model."};
      return r;
    }
    case Reason::route_unknown: {
      static constexpr Refusal r{404, invalid, "not_found", "There is nothing at this path."};
      return r;
    }
    case Reason::route_forbidden: {
      static constexpr Refusal r{403, permission, "route_forbidden", "The API key may not use this path."};
      return r;
    }
    case Reason::requests_limited: {
      static constexpr Refusal r{429, limit, "rate_limit_exceeded", "The API key's requests per minute are used up."};
      return r;
    }
    case Reason::tokens_limited: {
      static constexpr Refusal r{429, limit, "rate_limit_exceeded", "The API key's tokens per minute are used up."};
      return r;
    }
    case Reason::concurrency_limited: {
      static constexpr Refusal r{429, limit, "concurrency_limit_exceeded", "The API key has too many requests open."};
      return r;
    }
    case Reason::overloaded:
    case Reason::upstream_busy:
      return busy;
    case Reason::draining: {
      static constexpr Refusal r{503, server, "draining", "The gateway is shutting down. Try again."};
      return r;
    }
    case Reason::log_unavailable: {
      static constexpr Refusal r{503, server, "log_unavailable", "No record can be kept now, so nothing is served."};
      return r;
    }
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
    case Reason::closed:
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
