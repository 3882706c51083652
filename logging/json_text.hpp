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

// Writes through a pointer, into room that `out` has ahead: appending to a string costs more than most values do. `out`
// is whole again when the object ends; nothing else may touch it before. Where it grows it leaves nothing unwiped.
class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) {
    out_ += '{';
    size_ = out_.size();
  }
  ~JsonObject() {
    out_.resize(size_);
    out_ += '}';
  }
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;

  void text(std::string_view key, std::string_view value);
  void text_if_any(std::string_view key, std::string_view value) {
    if (!value.empty()) text(key, value);
  }
  void time(std::string_view key, core::WallTime value);
  template <std::integral T>
  void integer(std::string_view key, T value) {
    constexpr std::size_t digits = 20;  // -2^63, 2^64 - 1
    char* const at = begin(key, digits);
    end(std::to_chars(at, at + digits, value).ptr);
  }
  void boolean(std::string_view key, bool value);

 private:
  char* begin(std::string_view key, std::size_t value_size);  // where a value of at most that size may be written
  void end(const char* at) noexcept { size_ = static_cast<std::size_t>(at - out_.data()); }

  std::string& out_;
  std::size_t size_ = 0;  // of out_ that is written; the rest is room
};

// {"key":"time"}, the text of a note part.
std::string time_note(std::string_view key, core::WallTime time);

}  // namespace sallyport::logging
