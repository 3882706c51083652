#include "routing/json_text.hpp"

#include <charconv>

namespace sallyport::routing {
namespace {

constexpr std::uint64_t largest_count = 1ull << 53;

std::optional<std::uint32_t> code_unit(std::string_view digits) {
  std::uint32_t unit = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
  if (error != std::errc() || end != digits.data() + 4) return std::nullopt;
  return unit;
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xc0 | point >> 6);
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
  }
  put(0x80 | (point & 0x3f));
}

// The code point of "\uXXXX", or of a surrogate pair of them, at the front of `text`, which is advanced past it.
std::optional<std::uint32_t> take_code_point(std::string_view& text) {
  const auto first = code_unit(text.substr(2, 4));
  if (!first || *first == 0) return std::nullopt;
  text.remove_prefix(6);
  if (*first < 0xd800 || *first > 0xdfff) return first;
  if (*first >= 0xdc00 || !text.starts_with("\\u")) return std::nullopt;
  const auto second = code_unit(text.substr(2, 4));
  if (!second || *second < 0xdc00 || *second > 0xdfff) return std::nullopt;
  text.remove_prefix(6);
  return 0x10000 + ((*first - 0xd800) << 10) + (*second - 0xdc00);
}

char escaped_character(char letter) {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;
  }
}

}  // namespace

std::optional<std::string> unescape_json(std::string_view inside) {
  std::string out;
  out.reserve(inside.size());
  while (!inside.empty()) {
    const std::size_t plain = std::min(inside.find('\\'), inside.size());
    out.append(inside.substr(0, plain));
    inside.remove_prefix(plain);
    if (inside.empty()) break;
    if (inside.size() < 2) return std::nullopt;
    if (inside[1] == 'u') {
      const auto point = take_code_point(inside);
      if (!point) return std::nullopt;
      append_utf8(out, *point);
    } else {
      out.push_back(escaped_character(inside[1]));
      inside.remove_prefix(2);
    }
  }
  return out;
}

std::string quote_json(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 0xf];
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

std::optional<std::uint64_t> count_of(std::string_view json) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(json.data(), json.data() + json.size(), count);
  if (error != std::errc() || end != json.data() + json.size() || count > largest_count) return std::nullopt;
  return count;
}

}  // namespace sallyport::routing
