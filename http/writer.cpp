#include "http/writer.hpp"

#include <boost/beast/http/status.hpp>

#include <chrono>

#include "core/text.hpp"
#include "http/grammar.hpp"

namespace sallyport::http {
namespace {

using core::Digits;

// A line break in a name or value would let it begin another field or message.
bool writable(std::string_view name, std::string_view value) noexcept {
  return !name.empty() && grammar::skip(grammar::token_byte, name, 0) == name.size() &&
         grammar::value_length(value) == value.size();
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
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
  if (writable(name, value)) append_line(out, name, value);
}

void append_read_field(std::string& out, const Field& field) { append_line(out, field.name, field.value); }

void append_field(std::string& out, std::string_view name, std::uint64_t value) {
  append_line(out, name, Digits(value));
}

void append_framing(std::string& out, Framing framing) {
  if (framing.kind == BodyKind::sized) append_field(out, "content-length", framing.size);
  if (framing.kind == BodyKind::chunked) out.append("transfer-encoding: chunked\r\n");
}

void append_persistence(std::string& out, bool keep, unsigned client_minor_version) {
  if (!keep) return append_line(out, "connection", "close");
  if (client_minor_version == 0) append_line(out, "connection", "keep-alive");
}

void append_date(std::string& out, core::WallTime now) {
  constexpr std::string_view weekdays = "SunMonTueWedThuFriSat", months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto today = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(today);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(now - today));
  std::string text = "Sun, 06 Nov 1994 08:49:37 GMT";
  const auto put = [&text](std::size_t last, auto number, int digits) {
    for (; digits > 0; --digits, number /= 10) text[last--] = static_cast<char>('0' + number % 10);
  };
  weekdays.copy(text.data(), 3, 3 * std::chrono::weekday(today).c_encoding());
  put(6, static_cast<unsigned>(date.day()), 2);
  months.copy(&text[8], 3, 3 * (static_cast<unsigned>(date.month()) - 1));
  put(15, static_cast<int>(date.year()), 4);
  put(18, time.hours().count(), 2);
  put(21, time.minutes().count(), 2);
  put(24, time.seconds().count(), 2);
  append_line(out, "date", text);
}

void append_end_of_head(std::string& out) { out.append("\r\n"); }

void append_chunk_size(std::string& out, std::uint64_t size) {
  out.append(Digits(size, Digits::hexadecimal)).append("\r\n");
}

void append_last_chunk(std::string& out, const Fields& trailers) {
  out.append("0\r\n");
  const HopByHop hop_by_hop;
  for (const Field& field : trailers) {
    if (!hop_by_hop(field.name)) append_field(out, field.name, field.value);
  }
  out.append("\r\n");
}

std::string_view standard_reason(unsigned status) noexcept {
  // Beast still has the names of RFC 7231 §6.5.11 and RFC 4918 §11.2 for these two.
  if (status == 413) return "Content Too Large";      // RFC 9110 §15.5.14
  if (status == 422) return "Unprocessable Content";  // RFC 9110 §15.5.21
  const auto known = boost::beast::http::int_to_status(status);
  if (known == boost::beast::http::status::unknown) return "";
  const auto reason = boost::beast::http::obsolete_reason(known);
  return {reason.data(), reason.size()};
}

}  // namespace sallyport::http
