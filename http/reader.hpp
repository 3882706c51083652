// Bytes to messages, without I/O.
//
// Everything two servers could read differently is refused here (RFC 9112; the list is in docs/http.md).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "http/message.hpp"

namespace sallyport::http {

// Bytes of all Connection values of a head: each of its other fields is looked for in them (HopByHop).
inline constexpr std::size_t connection_limit = 256;

struct HeadLimits {
  std::size_t bytes = 32 * 1024;  // whole head, request line included
  std::size_t fields = 100;
  std::size_t target_bytes = 8 * 1024;
  std::size_t name_bytes = 256;
};

// Parses one request head at the start of `received`. Gives the head's length when it is complete, nothing while more
// bytes are needed. The head's views point into `received`.
// Errors: malformed_request, head_too_large, target_too_long, version_unsupported, transfer_coding_unsupported,
// method_unsupported, expectation_unsupported. After an error the connection must be closed: its framing is unknown.
core::Result<std::optional<std::size_t>> parse_request_head(std::string_view received, const HeadLimits& limits,
                                                            RequestHead& head);

// The same for an answer; `request_method` because HEAD has no body. Interim answers (1xx) are given like any other,
// with no body. Errors: upstream_malformed.
core::Result<std::optional<std::size_t>> parse_response_head(std::string_view received, const HeadLimits& limits,
                                                             std::string_view request_method, ResponseHead& head);

}  // namespace sallyport::http
