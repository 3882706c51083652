// Parses the heads of HTTP/1 requests and responses, without I/O.
//
// It refuses everything that two servers could read differently (RFC 9112; the list is in docs/http.md).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "http/message.hpp"

namespace sallyport::http {

// Bytes of all Connection values in one head. Limited because HopByHop searches them for each of the head's fields.
inline constexpr std::size_t connection_limit = 256;

struct HeadLimits {
  std::size_t bytes = 32 * 1024;  // the whole head, request or status line included
  std::size_t fields = 100;
  std::size_t target_bytes = 8 * 1024;
  std::size_t name_bytes = 256;
};

// Parses one request head at the start of `received`. Gives the head's length when it is complete, nullopt while more
// bytes are needed; call again with all bytes from the start then. The length includes an empty line before the request
// line (RFC 9112 §2.2). `head` is valid only when a length was given; its views point into `received`.
// Errors: malformed_request, head_too_large, target_too_long, version_unsupported, transfer_coding_unsupported,
// method_unsupported, expectation_unsupported. After an error the connection must be closed: its framing is unknown.
core::Result<std::optional<std::size_t>> parse_request_head(std::string_view received, const HeadLimits& limits,
                                                            RequestHead& head);

// The same for a response. It needs `request_method` because the response to HEAD has no body. Interim responses (1xx)
// are given like any other, without a body; only 101 is refused. Errors: upstream_malformed.
core::Result<std::optional<std::size_t>> parse_response_head(std::string_view received, const HeadLimits& limits,
                                                             std::string_view request_method, ResponseHead& head);

}  // namespace sallyport::http
