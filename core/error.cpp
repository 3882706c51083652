#include "core/error.hpp"

#include <array>

namespace sallyport::core {

namespace {

struct Named {
  Reason reason;
  std::string_view name;
};

using enum Reason;

constexpr Named named[] = {
    {none, "none"},
    {truncated, "truncated"},
    {io_failed, "io_failed"},
    {timeout, "timeout"},
    {cancelled, "cancelled"},
    {tls_failed, "tls_failed"},
    {key_exchange_refused, "key_exchange_refused"},
    {malformed_request, "malformed_request"},
    {head_too_large, "head_too_large"},
    {target_too_long, "target_too_long"},
    {version_unsupported, "version_unsupported"},
    {transfer_coding_unsupported, "transfer_coding_unsupported"},
    {content_coding_unsupported, "content_coding_unsupported"},
    {method_unsupported, "method_unsupported"},
    {expectation_unsupported, "expectation_unsupported"},
    {request_timeout, "request_timeout"},
    {body_too_large, "body_too_large"},
    {malformed_body, "malformed_body"},
    {path_ambiguous, "path_ambiguous"},
    {path_misspelt, "path_misspelt"},
    {credential_missing, "credential_missing"},
    {credential_ambiguous, "credential_ambiguous"},
    {credential_malformed, "credential_malformed"},
    {credential_unknown, "credential_unknown"},
    {credential_expired, "credential_expired"},
    {credential_revoked, "credential_revoked"},
    {malformed_json, "malformed_json"},
    {duplicate_field, "duplicate_field"},
    {model_missing, "model_missing"},
    {model_unknown, "model_unknown"},
    {model_forbidden, "model_forbidden"},
    {route_unknown, "route_unknown"},
    {route_forbidden, "route_forbidden"},
    {requests_limited, "requests_limited"},
    {tokens_limited, "tokens_limited"},
    {concurrency_limited, "concurrency_limited"},
    {overloaded, "overloaded"},
    {draining, "draining"},
    {log_unavailable, "log_unavailable"},
    {upstream_unresolved, "upstream_unresolved"},
    {upstream_unreachable, "upstream_unreachable"},
    {upstream_connect_timeout, "upstream_connect_timeout"},
    {upstream_tls_failed, "upstream_tls_failed"},
    {upstream_certificate_expired, "upstream_certificate_expired"},
    {upstream_certificate_untrusted, "upstream_certificate_untrusted"},
    {upstream_certificate_name, "upstream_certificate_name"},
    {upstream_rejected_certificate, "upstream_rejected_certificate"},
    {upstream_closed, "upstream_closed"},
    {upstream_malformed, "upstream_malformed"},
    {upstream_first_byte_timeout, "upstream_first_byte_timeout"},
    {upstream_idle_timeout, "upstream_idle_timeout"},
    {upstream_truncated, "upstream_truncated"},
    {upstream_busy, "upstream_busy"},
    {envelope_malformed, "envelope_malformed"},
    {key_mismatch, "key_mismatch"},
    {not_authentic, "not_authentic"},
    {client_left, "client_left"},
    {internal, "internal"},
};

// The table is indexed by Reason; a Reason that is missing or out of order in it does not compile.
constexpr bool in_order() {
  for (std::size_t i = 0; i < std::size(named); ++i) {
    if (static_cast<std::size_t>(named[i].reason) != i) return false;
  }
  return std::size(named) == static_cast<std::size_t>(internal) + 1;
}
static_assert(in_order());

}  // namespace

std::string_view name(Reason reason) noexcept {
  const auto index = static_cast<std::size_t>(reason);
  return index < std::size(named) ? named[index].name : "unknown";
}

}  // namespace sallyport::core
