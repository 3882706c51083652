// Why an operation did not do what was asked. Errors are small values without text, so that they can neither leak a
// prompt nor allocate. gateway/respond.cpp turns a Reason into a status, a code and words; nothing else does.
#pragma once

#include <cstdint>
#include <string_view>

namespace sallyport::core {

enum class Reason : std::uint8_t {
  none,

  // A stream.
  truncated,            // the peer ended without saying so
  io_failed,            // the operating system refused; Error::os_code says how
  timeout,              // the stream's deadline passed
  cancelled,            // our own side gave up
  tls_failed,           // the TLS layer refused; not one of the certificate reasons below
  key_exchange_refused, // a client with no group that the listener takes, such as none that is post-quantum

  // The request's head and framing (RFC 9112).
  malformed_request,    // request line, header syntax, Host, framing headers
  head_too_large,       // more bytes or more fields than the limit
  target_too_long,
  version_unsupported,
  transfer_coding_unsupported,
  content_coding_unsupported,  // a compressed body whose model must be read
  method_unsupported,   // CONNECT and TRACE; any but its own on a path that the gateway knows
  expectation_unsupported,
  request_timeout,      // head or body did not arrive in time
  body_too_large,
  malformed_body,       // chunk framing
  path_ambiguous,       // not in normal form: servers read it differently
  path_misspelt,        // like a path of the gateway's own but for letter case or a slash at its end

  // Who calls. The caller sees one answer for all of these; the record keeps which it was.
  credential_missing,
  credential_ambiguous, // two different credentials in one request
  credential_malformed, // not one of our tokens: wrong form or checksum
  credential_unknown,
  credential_expired,
  credential_revoked,

  // What is asked.
  malformed_json,
  duplicate_field,      // "model" or "stream" twice: two readers would differ
  model_missing,
  model_unknown,
  model_forbidden,
  route_unknown,
  route_forbidden,

  // How much.
  requests_limited,
  tokens_limited,
  concurrency_limited,
  overloaded,
  draining,
  log_unavailable,      // no record can be kept, so nothing is served

  // The upstream.
  upstream_unresolved,
  upstream_unreachable,
  upstream_connect_timeout,
  upstream_tls_failed,
  upstream_certificate_expired,
  upstream_certificate_untrusted,
  upstream_certificate_name,
  upstream_rejected_certificate,  // it refused the gateway's client certificate
  upstream_closed,                // ended before its answer's head
  upstream_malformed,             // an answer that RFC 9112 forbids
  upstream_first_byte_timeout,
  upstream_idle_timeout,
  upstream_truncated,             // ended in the middle of its answer
  upstream_busy,                  // every connection we may open is in use

  // Opening what was sealed: a reader's errors, never a gateway's.
  envelope_malformed,   // a wrapped key that is not of its form
  key_mismatch,         // it was wrapped for another key
  not_authentic,        // the right key, but the bytes are not what was sealed

  client_left,          // the client went before its answer was complete
  internal,
};

// The Reason's own name, for the record, the operator's log and metric labels. Static storage.
std::string_view name(Reason reason) noexcept;

struct Error {
  Reason reason = Reason::internal;
  int os_code = 0;  // errno where the operating system spoke, else 0

  constexpr Error(Reason r = Reason::internal, int code = 0) noexcept : reason(r), os_code(code) {}
  friend constexpr bool operator==(const Error&, const Error&) = default;
};

}  // namespace sallyport::core
