// Classes of bytes in HTTP/1 (RFC 9110 §5.6.2, RFC 9112 §3 and §5) and scans over them. Private to http/.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/find_byte.hpp"

namespace sallyport::http::grammar {

enum Class : std::uint8_t {
  token_byte = 1,  // tchar: the bytes of field names and methods
  host_byte = 2,   // unreserved: the bytes of host names and IPv4 addresses; real hosts need no other byte
};

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  constexpr std::string_view host_marks = "-._~";
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    std::uint8_t all = 0;
    if (alphanumeric || (byte < 128 && marks.find(c) != marks.npos)) all |= token_byte;
    if (alphanumeric || (byte < 128 && host_marks.find(c) != host_marks.npos)) all |= host_byte;
    classes[byte] = all;
  }
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> classes = make_classes();

constexpr bool is(Class wanted, char c) noexcept { return (classes[static_cast<unsigned char>(c)] & wanted) != 0; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
// -1 when `c` is not a hexadecimal digit.
constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The first position at or after `from` whose byte is not of the class; text.size() when all bytes are.
constexpr std::size_t skip(Class wanted, std::string_view text, std::size_t from) noexcept {
  while (from < text.size() && is(wanted, text[from])) ++from;
  return from;
}

// The length of the prefix of HTAB, SP, VCHAR and obs-text, which field values and reason phrases consist of.
inline std::size_t value_length(std::string_view text) noexcept {
  return core::find_byte(text, [](auto c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; });
}

// The length of the prefix of visible ASCII without '#': a request target has no fragment (RFC 9112 §3.2).
inline std::size_t target_length(std::string_view text) noexcept {
  return core::find_byte(text, [](auto c) { return c <= ' ' || c == 0x7f || c == '#'; });
}

// The text without optional white space around it (OWS, RFC 9110 §5.6.3).
constexpr std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace sallyport::http::grammar
