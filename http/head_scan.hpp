// Scans a head's raw bytes strictly: only CRLF ends a line, folded lines and white space around field names are refused
// (RFC 9112 §2.2, §3, §4, §5). Private to http/.
//
// Each scan takes text that begins where its part of the head begins. It gives the length of that part, or nullopt when
// the text is correct so far but incomplete. It refuses wrong bytes as soon as it sees them, before the part is
// complete. It writes what it found to its last argument, as views into the text; that is valid only when the scan gave
// a length.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "core/result.hpp"
#include "http/reader.hpp"

namespace sallyport::http {

template <class T>
using Scan = core::Result<std::optional<T>>;

// method SP request-target SP HTTP-version CRLF. The length includes CRLF. Errors: malformed_request, target_too_long,
// version_unsupported, method_unsupported (CONNECT and TRACE).
Scan<std::size_t> scan_request_line(std::string_view text, const HeadLimits& limits, RequestHead& head);

// HTTP-version SP status-code [SP reason-phrase] CRLF. The length includes CRLF. Errors: malformed_request,
// version_unsupported.
Scan<std::size_t> scan_status_line(std::string_view text, ResponseHead& head);

// *( name ":" OWS value OWS CRLF ) CRLF: a head's fields or a body's trailers. The length includes the empty line.
// Errors: malformed_request; head_too_large for too many fields or too long a name.
Scan<std::size_t> scan_fields(std::string_view text, const HeadLimits& limits, Fields& fields);

}  // namespace sallyport::http
