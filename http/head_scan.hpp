// The strict look at a head's raw bytes: CRLF alone ends a line, nothing is folded, nothing is tolerated around names
// (RFC 9112 §2.2, §3, §4, §5). Private to http/.
//
// Each scan takes text that begins where its part of the head should, gives nothing when the bytes seen so far are
// right but end too early, and refuses at the first wrong byte, complete or not. What it found goes to its last
// argument, as views into the text, and means something only when the scan gave a length.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "core/result.hpp"
#include "http/reader.hpp"

namespace sallyport::http {

template <class T>
using Scan = core::Result<std::optional<T>>;

// method SP request-target SP HTTP-version CRLF. Gives the length with its CRLF. Errors: malformed_request,
// target_too_long, version_unsupported, method_unsupported.
Scan<std::size_t> scan_request_line(std::string_view text, const HeadLimits& limits, RequestHead& head);

// HTTP-version SP status-code [SP reason-phrase] CRLF. Gives the length with its CRLF. Errors: malformed_request,
// version_unsupported.
Scan<std::size_t> scan_status_line(std::string_view text, ResponseHead& head);

// *( name ":" OWS value OWS CRLF ) CRLF: a head's fields or a body's trailers. Gives the length with the empty line.
// Errors: malformed_request; head_too_large for too many fields or too long a name.
Scan<std::size_t> scan_fields(std::string_view text, const HeadLimits& limits, Fields& fields);

}  // namespace sallyport::http
