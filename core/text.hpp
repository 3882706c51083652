// Small things done to text.
#pragma once

#include <charconv>
#include <concepts>
#include <string_view>

namespace sallyport::core {

// Without the spaces, tabs and line ends around it.
constexpr std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view spaces = " \t\r\n";
  const auto first = text.find_first_not_of(spaces);
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

// An integer as text, where std::to_string would allocate.
class Digits {
 public:
  template <std::integral Number>
  explicit Digits(Number number, int base = 10) noexcept
      : size_(static_cast<std::size_t>(std::to_chars(text_, text_ + sizeof text_, number, base).ptr - text_)) {}
  operator std::string_view() const noexcept { return {text_, size_}; }

 private:
  char text_[20];  // -2^63, 2^64 - 1; base 10 or 16
  std::size_t size_;
};

}  // namespace sallyport::core
