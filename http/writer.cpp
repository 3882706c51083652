#include "http/writer.hpp"

#include "core/text.hpp"
#include "http/grammar.hpp"

namespace sallyport::http {
namespace {

using core::Digits;

// A line break here would let a value begin a field, or a message, of its own.
bool writable(std::string_view name, std::string_view value) noexcept {
  return !name.empty() && grammar::skip(grammar::token_byte, name, 0) == name.size() &&
         grammar::value_length(value) == value.size();
}

}  // namespace

void append_request_line(std::string& out, std::string_view method, std::string_view target) {
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
}

void append_status_line(std::string& out, unsigned status, std::string_view reason) {
  out.append("HTTP/1.1 ").append(Digits(status)).append(" ");
  out.append(reason.empty() ? standard_reason(status) : reason).append("\r\n");
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (writable(name, value)) append_field(out, Field{name, value});
}

void append_field(std::string& out, const Field& read) {
  out.append(read.name).append(": ").append(read.value).append("\r\n");
}

void append_field(std::string& out, std::string_view name, std::uint64_t value) {
  append_field(out, Field{name, Digits(value)});
}

void append_framing(std::string& out, Framing framing) {
  if (framing.kind == BodyKind::sized) append_field(out, "content-length", framing.size);
  if (framing.kind == BodyKind::chunked) out.append("transfer-encoding: chunked\r\n");
}

void append_end_of_head(std::string& out) { out.append("\r\n"); }

void append_chunk_size(std::string& out, std::uint64_t size) { out.append(Digits(size, 16)).append("\r\n"); }

void append_last_chunk(std::string& out, const Fields& trailers) {
  out.append("0\r\n");
  const HopByHop hop_by_hop(trailers);
  for (const Field& field : trailers) {
    if (!hop_by_hop(field.name)) append_field(out, field.name, field.value);
  }
  out.append("\r\n");
}

std::string_view standard_reason(unsigned status) noexcept {
  switch (status) {  // RFC 9110 §15, RFC 6585
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

}  // namespace sallyport::http
