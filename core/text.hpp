// Small functions on text.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::core {

// The text without spaces, tabs and line ends around it.
constexpr std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view spaces = " \t\r\n";
  const auto first = text.find_first_not_of(spaces);
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

// ASCII only, whatever the locale: protocol names are ASCII.
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

// "127.0.0.1:8443", "[::1]:8443", "llama.internal:443" (RFC 3986 §3.2).
inline std::string with_port(std::string_view host, std::uint16_t port) {
  const bool literal6 = host.find(':') != host.npos;
  std::string text(literal6 ? "[" : "");
  return text.append(host).append(literal6 ? "]:" : ":").append(std::to_string(port));
}

// An integer as text in a buffer of its own; std::to_string may allocate. The view is valid while the object lives.
class Digits {
 public:
  enum Base { decimal = 10, hexadecimal = 16 };

  template <std::integral Number>
  explicit Digits(Number number, Base base = decimal) noexcept
      : size_(static_cast<std::size_t>(std::to_chars(text_, text_ + sizeof text_, number, base).ptr - text_)) {}
  operator std::string_view() const noexcept { return {text_, size_}; }

 private:
  char text_[20];  // the longest are -2^63 and 2^64 - 1 in decimal
  std::size_t size_;
};

}  // namespace sallyport::core
