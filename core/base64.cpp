#include "core/base64.hpp"

#include <array>

namespace sallyport::core {

namespace {

constexpr std::string_view standard_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::uint8_t no_digit = 0xff;

using Values = std::array<std::uint8_t, 256>;

constexpr Values values_of(std::string_view digits) {
  Values values{};
  values.fill(no_digit);
  for (std::size_t i = 0; i < digits.size(); ++i) values[static_cast<std::uint8_t>(digits[i])] = std::uint8_t(i);
  return values;
}

constexpr Values standard_values = values_of(standard_digits);
constexpr Values url_values = values_of(url_digits);
constexpr Values hex_values = values_of(hex_digits);

// Both base64 forms read the bytes as one string of bits and cut it into digits of `width` bits, most significant
// first.
std::string encode(ConstBytes bytes, std::string_view digits, unsigned width) {
  std::string text;
  text.reserve((bytes.size() * 8 + width - 1) / width + 3);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const std::byte byte : bytes) {
    bits = bits << 8 | std::to_integer<std::uint32_t>(byte);
    for (held += 8; held >= width;) text += digits[bits >> (held -= width) & (digits.size() - 1)];
  }
  if (held > 0) text += digits[bits << (width - held) & (digits.size() - 1)];
  return text;
}

std::optional<Bytes> decode(std::string_view text, const Values& values, unsigned width) {
  Bytes bytes;
  bytes.reserve(text.size() * width / 8);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char digit : text) {
    const std::uint8_t value = values[static_cast<std::uint8_t>(digit)];
    if (value == no_digit) return std::nullopt;
    bits = bits << width | value;
    held += width;
    if (held >= 8) bytes.push_back(static_cast<std::byte>(bits >> (held -= 8)));
  }
  // A leftover of a whole digit belongs to no byte. Leftover bits must be zero, or one value would have several
  // spellings.
  if (held >= width || (bits & ((1u << held) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace

std::string to_base64(ConstBytes bytes) {
  std::string text = encode(bytes, standard_digits, 6);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::optional<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return decode(text, standard_values, 6);
}

std::string to_base64url(ConstBytes bytes) { return encode(bytes, url_digits, 6); }
std::optional<Bytes> from_base64url(std::string_view text) { return decode(text, url_values, 6); }

std::string to_hex(ConstBytes bytes) {
  std::string text(2 * bytes.size(), '0');
  auto out = text.begin();
  for (const std::byte byte : bytes) {
    *out++ = hex_digits[std::to_integer<unsigned>(byte >> 4)];
    *out++ = hex_digits[std::to_integer<unsigned>(byte & std::byte{0xf})];
  }
  return text;
}

std::optional<Bytes> from_hex(std::string_view text) { return decode(text, hex_values, 4); }

}  // namespace sallyport::core
