// Writes HTTP/1.1 messages as bytes, without I/O. The gateway never forwards framing: it writes its own.
#pragma once

#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "http/message.hpp"

namespace sallyport::http {

// Each function appends to `out`, which the caller reuses. Only append_field with a text value checks its arguments.
void append_request_line(std::string& out, std::string_view method, std::string_view target);
// An empty `reason` stands for standard_reason(status).
void append_status_line(std::string& out, unsigned status, std::string_view reason = {});
// Appends nothing when the name is not a token or the value contains a control byte other than a tab.
void append_field(std::string& out, std::string_view name, std::string_view value);
void append_read_field(std::string& out, const Field& field);  // for a field that the reader has already checked
void append_field(std::string& out, std::string_view name, std::uint64_t value);
// Content-Length or Transfer-Encoding: chunked; nothing for the other kinds.
void append_framing(std::string& out, Framing framing);
// Connection, where the default of the client's version does not say it already (RFC 9112 §9.3, §C.2.2): "close" when
// the connection ends after this answer, "keep-alive" for an HTTP/1.0 client whose connection stays open.
void append_persistence(std::string& out, bool keep, unsigned client_minor_version);
void append_date(std::string& out, core::WallTime now);  // "date: Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7)
void append_end_of_head(std::string& out);

void append_chunk_size(std::string& out, std::uint64_t size);  // "1f\r\n"; chunk_end follows the data
inline constexpr std::string_view chunk_end = "\r\n";
// "0\r\n" trailers "\r\n", without hop-by-hop and framing fields, which must not be trailers (RFC 9110 §6.5.1).
void append_last_chunk(std::string& out, const Fields& trailers);

std::string_view standard_reason(unsigned status) noexcept;  // static storage; empty for an unknown status

}  // namespace sallyport::http
