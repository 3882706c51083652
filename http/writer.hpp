// Messages to bytes, without I/O. The gateway never forwards framing: it writes its own.
#pragma once

#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "http/message.hpp"

namespace sallyport::http {

// Each appends to `out`, which the caller reuses.
void append_request_line(std::string& out, std::string_view method, std::string_view target);
void append_status_line(std::string& out, unsigned status, std::string_view reason = {});  // standard words if empty
void append_field(std::string& out, std::string_view name, std::string_view value);  // nothing if it breaks its line
void append_read_field(std::string& out, const Field& field);  // unchecked: of a head that was read, and checked there
void append_field(std::string& out, std::string_view name, std::uint64_t value);
void append_framing(std::string& out, Framing framing);  // Content-Length, or Transfer-Encoding: chunked; none: nothing
// Whether the connection goes on after this answer, where that does not go without saying (RFC 9112 §9.3, §C.2.2).
void append_persistence(std::string& out, bool keep, unsigned client_minor_version);
void append_date(std::string& out, core::WallTime now);  // "date: Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7)
void append_end_of_head(std::string& out);

void append_chunk_size(std::string& out, std::uint64_t size);  // "1f\r\n"; after the data comes "\r\n"
inline constexpr std::string_view chunk_end = "\r\n";
// "0\r\n" trailers "\r\n", without those that are hop-by-hop or framing: none may be a trailer (RFC 9110 §6.5.1).
void append_last_chunk(std::string& out, const Fields& trailers);

std::string_view standard_reason(unsigned status) noexcept;

}  // namespace sallyport::http
