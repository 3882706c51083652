// Why an operation failed. Errors are small values without text, so that they can neither leak a prompt nor allocate.
// Only gateway/respond.cpp turns a Reason into an HTTP status, an error code and words.
#pragma once

#include <cstdint>
#include <string_view>

namespace sallyport::core {

enum class Reason : std::uint8_t {
  none,

  // A stream.
  truncated,             // the peer closed the connection without close_notify
  io_failed,             // the operating system failed; Error::os_code has its errno
  timeout,               // the stream's deadline passed
  cancelled,             // the gateway gave up
  tls_failed,            // the TLS layer failed, but not for one of the certificate reasons below
  key_exchange_refused,  // the client offers no group that the listener accepts, for example no post-quantum one

  // The request's head and framing (RFC 9112).
  malformed_request,  // request line, header syntax, Host, framing headers
  head_too_large,     // more bytes or more fields than the limit
  target_too_long,
  version_unsupported,
  transfer_coding_unsupported,
  content_coding_unsupported,  // the body is compressed, but the gateway must read the model in it
  method_unsupported,          // CONNECT and TRACE; on a path that the gateway knows, any method but that path's own
  expectation_unsupported,
  request_timeout,  // head or body did not arrive in time
  body_too_large,
  malformed_body,  // chunk framing
  path_ambiguous,  // not in normal form: two servers may read it differently
  path_misspelt,   // differs from a path that the gateway knows only in letter case or a slash at its end

  // Who calls. A client gets the same answer for a token that is malformed, unknown, expired or revoked; only the
  // record tells these apart.
  credential_missing,
  credential_ambiguous,  // two different credentials in one request, or one field twice
  credential_malformed,  // not a token of this gateway: wrong form or checksum
  credential_unknown,
  credential_expired,
  credential_revoked,

  // What the call asks for.
  malformed_json,
  duplicate_field,  // a field that the gateway reads is there twice: two readers would differ
  model_missing,
  model_unknown,
  model_forbidden,
  route_unknown,
  route_forbidden,

  // Limits.
  requests_limited,
  tokens_limited,
  concurrency_limited,
  overloaded,
  draining,
  log_unavailable,  // no record can be kept, so the call is refused

  // The upstream.
  upstream_unresolved,
  upstream_unreachable,
  upstream_connect_timeout,
  upstream_tls_failed,
  upstream_certificate_expired,
  upstream_certificate_untrusted,
  upstream_certificate_name,
  upstream_rejected_certificate,  // the upstream refused the gateway's client certificate
  upstream_closed,                // the upstream closed the connection before the answer's head was complete
  upstream_malformed,             // an answer that RFC 9112 forbids
  upstream_first_byte_timeout,
  upstream_idle_timeout,
  upstream_truncated,  // the upstream closed the connection in the middle of its answer
  upstream_busy,       // every connection that the pool may open is in use

  // Opening sealed data: errors of the log's reader, never of the gateway.
  envelope_malformed,  // a wrapped key does not have its form
  key_mismatch,        // the data key was wrapped for another key
  not_authentic,       // the key is right, but the bytes are not those that were sealed

  client_left,  // the client left before its answer was complete
  internal,
};

// The enumerator's name, for the record, the operator's log and metric labels. The text has static storage.
std::string_view name(Reason reason) noexcept;

struct Error {
  Reason reason = Reason::internal;
  int os_code = 0;  // errno when the operating system reported the failure, else 0

  constexpr Error(Reason r = Reason::internal, int code = 0) noexcept : reason(r), os_code(code) {}
  friend constexpr bool operator==(const Error&, const Error&) = default;
};

}  // namespace sallyport::core
