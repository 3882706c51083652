#include "logging/json_text.hpp"

#include <algorithm>

#include "core/find_byte.hpp"
#include "core/secret.hpp"

namespace sallyport::logging {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

// Length of the UTF-8 sequence (RFC 3629, section 4) at the front of `text`; 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto in = [&](std::size_t i, unsigned char low, unsigned char high) {
    return i < text.size() && at(i) >= low && at(i) <= high;
  };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return in(1, 0x80, 0xBF) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned char low = first == 0xE0 ? 0xA0 : 0x80, high = first == 0xED ? 0x9F : 0xBF;
    return in(1, low, high) && in(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned char low = first == 0xF0 ? 0x90 : 0x80, high = first == 0xF4 ? 0x8F : 0xBF;
    return in(1, low, high) && in(2, 0x80, 0xBF) && in(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

void append_control(std::string& out, unsigned char c) {
  constexpr char hex[] = "0123456789abcdef";
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\t') {
    out += "\\t";
  } else {
    out += "\\u00";
    out += hex[c >> 4];
    out += hex[c & 15];
  }
}

// How much at the front needs no escape.
std::size_t plain_length(std::string_view text) {
  return core::find_byte(text, [](auto c) { return c < 0x20 || c == 0x7f || c == '"' || c == '\\'; });
}

// The most that it may take between quotes.
std::size_t quoted_size(std::string_view text) {
  std::size_t size = 2;
  for (const char one : text) {
    const auto c = static_cast<unsigned char>(one);
    const bool control = c < 0x20 || c == 0x7F;
    size += control ? std::string_view(R"(\u0000)").size() : c < 0x80 ? 2 : replacement.size();
  }
  return size;
}

constexpr std::size_t time_size = std::string_view("2026-11-22T21:28:03.000250Z").size();

char* write_time(char* at, core::WallTime time) {
  using namespace std::chrono;
  const auto micro = floor<microseconds>(time);
  const auto day = floor<days>(micro);
  const year_month_day date{day};
  const auto of_day = static_cast<std::uint64_t>((micro - day).count());
  const auto second = static_cast<unsigned>(of_day / 1'000'000);
  const auto put = [&at](unsigned value, unsigned width, char after) {
    for (unsigned i = width; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
    at[width] = after;
    at += width + 1;
  };
  put(static_cast<unsigned>(static_cast<int>(date.year())), 4, '-');
  put(static_cast<unsigned>(date.month()), 2, '-');
  put(static_cast<unsigned>(date.day()), 2, 'T');
  put(second / 3600, 2, ':');
  put(second / 60 % 60, 2, ':');
  put(second % 60, 2, '.');
  put(static_cast<unsigned>(of_day % 1'000'000), 6, 'Z');
  return at;
}

char* copy(std::string_view text, char* at) { return at + text.copy(at, text.npos); }

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  text = text.substr(0, max_json_text);
  out += '"';
  for (;;) {
    const std::size_t plain = plain_length(text);
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto c = static_cast<unsigned char>(text[0]);
    std::size_t taken = 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[0];
    } else if (c < 0x20 || c == 0x7F) {
      append_control(out, c);
    } else if (const std::size_t length = sequence_length(text); length > 0) {
      out.append(text.substr(0, length));
      taken = length;
    } else {
      out += replacement;
    }
    text.remove_prefix(taken);
  }
  out += '"';
}

void append_time(std::string& out, core::WallTime time) {
  char text[time_size];
  out.append(text, write_time(text, time));
}

char* JsonObject::begin(std::string_view key, std::size_t value_size) {
  const std::size_t needed = size_ + key.size() + std::string_view(R"(,"":})").size() + value_size;
  if (needed > out_.size()) {
    core::reserve_wiping(out_, needed);
    out_.resize(out_.capacity());
  }
  char* at = out_.data() + size_;
  if (at[-1] != '{') *at++ = ',';
  *at++ = '"';
  return copy("\":", copy(key, at));
}

void JsonObject::text(std::string_view key, std::string_view value) {
  if (value.size() <= max_json_text && plain_length(value) == value.size()) {  // nearly every text
    char* const at = begin(key, value.size() + 2);
    *at = '"';
    return end(copy("\"", copy(value, at + 1)));
  }
  end(begin(key, quoted_size(value.substr(0, max_json_text))));
  out_.resize(size_);
  append_quoted(out_, value);
  size_ = out_.size();
}

void JsonObject::time(std::string_view key, core::WallTime value) {
  char* const at = begin(key, time_size + 2);
  *at = '"';
  end(copy("\"", write_time(at + 1, value)));
}

void JsonObject::boolean(std::string_view key, bool value) {
  const std::string_view text = value ? "true" : "false";
  end(copy(text, begin(key, text.size())));
}

std::string time_note(std::string_view key, core::WallTime time) {
  std::string note;
  JsonObject(note).time(key, time);
  return note;
}

}  // namespace sallyport::logging
