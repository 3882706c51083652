#include "http/head_scan.hpp"

#include <algorithm>
#include <charconv>

#include "http/grammar.hpp"

namespace sallyport::http {
namespace {

using core::Reason;
using Length = std::optional<std::size_t>;
constexpr Length more_needed = std::nullopt;

// Compares `text` with a pattern in which '#' stands for a digit, up to the end of the shorter one.
bool matches(std::string_view text, std::string_view pattern) noexcept {
  const std::size_t both = std::min(text.size(), pattern.size());
  for (std::size_t i = 0; i < both; ++i) {
    if (pattern[i] == '#' ? !grammar::is_digit(text[i]) : text[i] != pattern[i]) return false;
  }
  return true;
}

bool spoken(std::string_view version) noexcept { return version == "HTTP/1.0" || version == "HTTP/1.1"; }
unsigned minor_version(std::string_view version) noexcept { return version[7] == '1' ? 1 : 0; }

// Scans the line end at `at`: gives its length (2), nullopt while only its CR has arrived, an error for other bytes.
Scan<std::size_t> scan_line_end(std::string_view text, std::size_t at) {
  if (text[at] != '\r') return Reason::malformed_request;
  if (at + 1 == text.size()) return more_needed;
  if (text[at + 1] != '\n') return Reason::malformed_request;
  return Length{2};
}

// Whether the value begins or ends with a byte that some servers strip as white space (NEL and NBSP in Latin-1), unless
// that byte is part of a UTF-8 character.
bool foreign_space_around(std::string_view value) noexcept {
  const auto foreign = [](char c) { return c == '\x85' || c == '\xa0'; };
  if (value.empty()) return false;
  if (foreign(value.front())) return true;
  return foreign(value.back()) && static_cast<unsigned char>(value[value.size() - 2]) < 0x80;
}

// Scans one field line. The length includes CRLF.
Scan<std::size_t> scan_field(std::string_view text, std::size_t name_limit, Fields& fields) {
  const std::size_t colon = grammar::skip(grammar::token_byte, text, 0);
  if (colon > name_limit) return Reason::head_too_large;
  if (colon == text.size()) return more_needed;
  if (colon == 0 || text[colon] != ':') return Reason::malformed_request;

  const std::size_t begin = colon + 1;
  const std::size_t end = begin + grammar::value_length(text.substr(begin));
  if (end == text.size()) return more_needed;
  const std::string_view value = grammar::trimmed(text.substr(begin, end - begin));
  if (foreign_space_around(value)) return Reason::malformed_request;
  const auto line_end = scan_line_end(text, end);
  if (!line_end || !*line_end) return line_end;
  fields.add(text.substr(0, colon), value);
  return Length{end + **line_end};
}

}  // namespace

Scan<std::size_t> scan_request_line(std::string_view text, const HeadLimits& limits, RequestHead& head) {
  const std::size_t method_end = grammar::skip(grammar::token_byte, text, 0);
  if (method_end == text.size()) return more_needed;
  if (method_end == 0 || text[method_end] != ' ') return Reason::malformed_request;

  const std::size_t target = method_end + 1;
  const std::size_t target_end = target + grammar::target_length(text.substr(target));
  if (target_end - target > limits.target_bytes) return Reason::target_too_long;
  if (target_end == text.size()) return more_needed;
  if (target_end == target || text[target_end] != ' ') return Reason::malformed_request;

  constexpr std::string_view ending = "HTTP/#.#\r\n";
  const std::string_view version = text.substr(target_end + 1, ending.size());
  if (!matches(version, ending)) return Reason::malformed_request;
  if (version.size() < ending.size()) return more_needed;
  if (!spoken(version.substr(0, 8))) return Reason::version_unsupported;

  head.method = text.substr(0, method_end);
  if (head.method == "CONNECT" || head.method == "TRACE") return Reason::method_unsupported;
  head.target = text.substr(target, target_end - target);
  head.minor_version = minor_version(version);
  return Length{target_end + 1 + ending.size()};
}

Scan<std::size_t> scan_status_line(std::string_view text, ResponseHead& head) {
  constexpr std::string_view beginning = "HTTP/#.# ###";
  if (!matches(text, beginning)) return Reason::malformed_request;
  if (text.size() <= beginning.size()) return more_needed;
  if (!spoken(text.substr(0, 8))) return Reason::version_unsupported;

  // Some servers leave out the space before an empty reason phrase.
  const bool spaced = text[beginning.size()] == ' ';
  const std::size_t begin = beginning.size() + (spaced ? 1 : 0);
  const std::size_t end = begin + (spaced ? grammar::value_length(text.substr(begin)) : 0);
  if (end == text.size()) return more_needed;
  const auto line_end = scan_line_end(text, end);
  if (!line_end || !*line_end) return line_end;
  std::from_chars(text.data() + beginning.size() - 3, text.data() + beginning.size(), head.status);
  head.reason = text.substr(begin, end - begin);
  head.minor_version = minor_version(text);
  return Length{end + **line_end};
}

Scan<std::size_t> scan_fields(std::string_view text, const HeadLimits& limits, Fields& fields) {
  fields.clear();
  std::size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '\r') {
      const auto line_end = scan_line_end(text, at);
      if (!line_end || !*line_end) return line_end;
      return Length{at + **line_end};
    }
    if (fields.size() == limits.fields) return Reason::head_too_large;
    const auto field = scan_field(text.substr(at), limits.name_bytes, fields);
    if (!field || !*field) return field;
    at += **field;
  }
  return more_needed;
}

}  // namespace sallyport::http
