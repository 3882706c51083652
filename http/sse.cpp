#include "http/sse.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace sallyport::http {
namespace {

// The position of the first CR or LF at or after `from`; bytes.size() when there is none. It searches in windows,
// because a memchr for a rare byte runs to the end of its input.
std::size_t find_line_end(std::string_view bytes, std::size_t from) noexcept {
  constexpr std::size_t window = 256;
  while (from < bytes.size()) {
    const char* begin = bytes.data() + from;
    std::size_t length = std::min(window, bytes.size() - from);
    const void* line_feed = std::memchr(begin, '\n', length);
    if (line_feed != nullptr) length = static_cast<std::size_t>(static_cast<const char*>(line_feed) - begin);
    const void* carriage_return = std::memchr(begin, '\r', length);
    const void* hit = carriage_return != nullptr ? carriage_return : line_feed;
    if (hit != nullptr) return static_cast<std::size_t>(static_cast<const char*>(hit) - bytes.data());
    from += length;
  }
  return bytes.size();
}

// The line's value when it is a "data" field, without the colon and one space after it.
std::optional<std::string_view> data_of(std::string_view line) noexcept {
  constexpr std::string_view field = "data";
  if (!line.starts_with(field)) return std::nullopt;
  line.remove_prefix(field.size());
  if (line.empty()) return line;
  if (line.front() != ':') return std::nullopt;
  line.remove_prefix(line.starts_with(": ") ? 2 : 1);
  return line;
}

// Calls `take` with the value of each "data" field in the event. It reads CRLF as two line ends: the empty line between
// them has no effect.
template <class Take>
void each_data(std::string_view event, Take take) {
  for (std::size_t at = 0; at < event.size();) {
    const std::size_t end = find_line_end(event, at);
    if (const auto value = data_of(event.substr(at, end - at))) take(*value);
    at = end + 1;
  }
}

}  // namespace

std::size_t SseSplitter::find_event_end(std::string_view bytes) {
  if (ended_) length_ = 0;
  ended_ = false;

  std::size_t at = after_cr_ && bytes.starts_with('\n') ? 1 : 0;
  if (!bytes.empty()) after_cr_ = false;
  while (at < bytes.size() && !ended_) {
    const std::size_t end = find_line_end(bytes, at);
    const bool blank = line_empty_ && end == at;
    line_empty_ = end < bytes.size();
    if (!line_empty_) break;
    at = end + 1;
    if (bytes[end] == '\r') {
      after_cr_ = at == bytes.size();
      if (!after_cr_ && bytes[at] == '\n') ++at;
    }
    ended_ = blank;
  }
  length_ += ended_ ? at : bytes.size();
  return ended_ ? at : npos;
}

std::string_view event_data(std::string_view event, std::string& scratch) {
  std::string_view first;
  std::size_t lines = 0;
  each_data(event, [&](std::string_view value) {
    if (++lines == 1) {
      first = value;
      return;
    }
    if (lines == 2) scratch.assign(first);
    scratch.append("\n").append(value);
  });
  return lines > 1 ? std::string_view(scratch) : first;
}

}  // namespace sallyport::http
