#include "http/path.hpp"

#include "http/grammar.hpp"

namespace sallyport::http {
namespace {

// Whether a server that decodes this percent-encoded byte may read another path. Unreserved bytes (RFC 3986 §2.3) need
// no encoding; '/' and '\' make other segments; control bytes end a C string or match the end of a Python pattern.
bool hides_something(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f || c == '/' || c == '\\' || grammar::is(grammar::host_byte, c);
}

// The byte that "%XY" at the beginning of the text stands for.
std::optional<char> encoded_byte(std::string_view text) noexcept {
  if (text.size() < 3) return std::nullopt;
  const int high = grammar::hex_value(text[1]), low = grammar::hex_value(text[2]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

bool is_normal_segment(std::string_view segment) noexcept {
  if (segment == "." || segment == "..") return false;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] == '\\' || segment[i] == ';') return false;
    if (segment[i] != '%') continue;
    const auto byte = encoded_byte(segment.substr(i));
    if (!byte || hides_something(*byte)) return false;
    i += 2;
  }
  return true;
}

}  // namespace

bool is_normal_path(std::string_view path) noexcept {
  if (path == "*") return true;
  if (!path.starts_with('/')) return false;
  for (;;) {
    path.remove_prefix(1);
    const std::size_t end = path.find('/');
    if (!is_normal_segment(path.substr(0, end))) return false;
    if (end == path.npos) return true;
    if (end == 0) return false;  // "//"
    path.remove_prefix(end);
  }
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto byte = encoded_byte(text.substr(i));
    if (!byte) return std::nullopt;
    out += *byte;
    i += 2;
  }
  return out;
}

}  // namespace sallyport::http
