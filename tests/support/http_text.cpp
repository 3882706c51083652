#include "tests/support/http_text.hpp"

#include <strings.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sallyport::tests {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trim(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t");
  return from == std::string_view::npos ? "" : text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

HeaderFields parse_fields(std::string_view lines) {
  HeaderFields fields;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(std::min(lines.size(), line.size() + 2));
    const std::size_t colon = line.find(':');
    if (line.empty()) continue;
    if (colon == std::string_view::npos) throw WireError("a field without a colon: " + std::string(line));
    fields.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
  return fields;
}

std::string word(const std::string& line, int index) {
  std::size_t from = 0;
  for (; index > 0; --index) {
    from = line.find(' ', from);
    if (from == std::string::npos) return "";
    ++from;
  }
  return line.substr(from, line.find(' ', from) - from);
}

}  // namespace

unsigned Message::status() const {
  return static_cast<unsigned>(std::strtoul(word(start_line, 1).c_str(), nullptr, 10));
}
std::string Message::method() const { return word(start_line, 0); }
std::string Message::target() const { return word(start_line, 1); }

std::string Message::field(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (same_name(key, name)) return value;
  }
  return "";
}

std::size_t Message::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(), [&](const auto& field) { return same_name(field.first, name); }));
}

Message read_head(Wire& wire, Milliseconds limit) {
  const std::string text = wire.read_until("\r\n\r\n", limit);
  const std::size_t line = text.find("\r\n");
  Message head;
  head.start_line = text.substr(0, line);
  head.fields = parse_fields(std::string_view(text).substr(line + 2));
  return head;
}

BodyReader::BodyReader(Wire& wire, Message& head, Of of) : wire_(wire), head_(head) {
  const unsigned status = of == Of::request ? 0 : head.status();
  const std::string length = head.field("content-length");
  chunked_ = same_name(head.field("transfer-encoding"), "chunked");
  if (of == Of::answer_to_head || status == 204 || status == 304 || (status >= 100 && status < 200)) {
    chunked_ = false;
    finished_ = true;
  } else if (!length.empty()) {
    left_ = std::stoul(length);
    finished_ = left_ == 0;
  } else if (!chunked_) {
    until_end_ = of == Of::answer;
    finished_ = !until_end_;
  }
  head.whole = finished_;
}

std::string BodyReader::next(Milliseconds limit) try {
  if (finished_) return "";
  if (chunked_) return next_chunk(limit);
  if (until_end_) {
    std::string some = wire_.read_some(limit);
    if (some.empty()) finished_ = head_.whole = wire_.ending() == Ending::clean;
    return some;
  }
  std::string some = wire_.read_some(limit);
  if (some.size() > left_) {
    wire_.put_back(std::string_view(some).substr(left_));
    some.resize(left_);
  }
  left_ -= some.size();
  finished_ = head_.whole = left_ == 0;
  return some;
} catch (const WireError&) {
  return "";
}

std::string BodyReader::next_chunk(Milliseconds limit) {
  const std::size_t size = std::stoul(wire_.read_until("\r\n", limit), nullptr, 16);
  if (size > 0) {
    std::string data = wire_.read_exactly(size, limit);
    if (wire_.read_exactly(2, limit) != "\r\n") throw WireError("a chunk of the wrong size");
    return data;
  }
  for (;;) {
    const std::string line = wire_.read_until("\r\n", limit);
    if (line == "\r\n") break;
    for (auto& field : parse_fields(line)) head_.trailers.push_back(std::move(field));
  }
  finished_ = head_.whole = true;
  return "";
}

std::string BodyReader::next_event(Milliseconds limit) {
  std::size_t end = event_.find("\n\n");
  while (end == std::string::npos) {
    const std::string some = next(limit);
    if (some.empty()) return "";
    event_ += some;
    end = event_.find("\n\n");
  }
  std::string event = event_.substr(0, end + 2);
  event_.erase(0, end + 2);
  return event;
}

Message read_message(Wire& wire, BodyReader::Of of, Milliseconds limit) {
  Message message = read_head(wire, limit);
  std::string body;
  BodyReader reader(wire, message, of);
  for (std::string some = reader.next(limit); !some.empty(); some = reader.next(limit)) body += some;
  message.body = std::move(body);
  return message;
}

std::string chunk(std::string_view data) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return size + std::string(data) + "\r\n";
}

}  // namespace sallyport::tests
