// Appends one flat JSON object to a string: the hot path's way, without a tree.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

#include "core/clock.hpp"

namespace sallyport::logging {

inline constexpr std::size_t max_json_text = 4096;  // bytes kept of one string; the rest is cut off

// `text` between quotes: escaped, bytes that are not UTF-8 become U+FFFD, at most max_json_text bytes of it.
void append_quoted(std::string& out, std::string_view text);

// RFC 3339, UTC, microseconds: "2026-11-22T21:28:03.000250Z".
void append_time(std::string& out, core::WallTime time);

class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }
  ~JsonObject() { out_ += '}'; }
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;

  void text(std::string_view key, std::string_view value) {
    begin(key);
    append_quoted(out_, value);
  }
  void text_if_any(std::string_view key, std::string_view value) {
    if (!value.empty()) text(key, value);
  }
  void time(std::string_view key, core::WallTime value) {
    begin(key);
    out_ += '"';
    append_time(out_, value);
    out_ += '"';
  }
  template <std::integral T>
  void integer(std::string_view key, T value) {
    char digits[24];
    begin(key);
    out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
  void boolean(std::string_view key, bool value) {
    begin(key);
    out_ += value ? "true" : "false";
  }

 private:
  void begin(std::string_view key) {
    out_ += out_.back() == '{' ? std::string_view("\"") : std::string_view(",\"");
    out_ += key;
    out_ += "\":";
  }
  std::string& out_;
};

// {"key":"time"}, the text of a note part.
std::string time_note(std::string_view key, core::WallTime time);

}  // namespace sallyport::logging
