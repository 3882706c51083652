#include "bench/answers.hpp"

#include <algorithm>
#include <charconv>

namespace sallyport::bench {
namespace {

constexpr std::string_view event_start =
    R"(data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench",)"
    R"("choices":[{"index":0,"delta":{"content":")";
constexpr std::string_view event_middle = R"("},"finish_reason":null}],"t":")";
constexpr std::string_view event_end = "\"}\n\n";
constexpr std::size_t time_digits = 19;

template <typename Number>
void read_number(std::string_view text, std::string_view name, Number& number) {
  const std::size_t at = text.find(name);
  if (at != text.npos) std::from_chars(text.data() + at + name.size(), text.data() + text.size(), number);
}

// Words, as a prompt would have: what compresses or escapes oddly would favour one proxy.
std::string filler(std::uint64_t bytes) {
  static constexpr std::string_view words = "the quick brown fox jumps over the lazy dog and goes on ";
  std::string text;
  text.reserve(bytes);
  while (text.size() < bytes) text.append(words.substr(0, std::min<std::uint64_t>(words.size(), bytes - text.size())));
  return text;
}

std::string fill_between(std::string start, std::string_view end, std::uint64_t bytes) {
  const std::uint64_t fixed = start.size() + end.size();
  start.append(filler(bytes > fixed ? bytes - fixed : 0));
  return start.append(end);
}

}  // namespace

Wanted wanted_from(std::string_view body_start) {
  Wanted wanted;
  const std::size_t at = body_start.find(R"("user":")");
  if (at == body_start.npos) return wanted;
  const std::string_view text = body_start.substr(at + 8, body_start.find('"', at + 8) - at - 8);
  wanted.stream = text.find("events=") != text.npos;
  read_number(text, "bytes=", wanted.bytes);
  read_number(text, "events=", wanted.events);
  read_number(text, "rate=", wanted.rate);
  read_number(text, "size=", wanted.size);
  wanted.bytes = std::max(wanted.bytes, plain_answer_least);
  wanted.size = std::clamp(wanted.size, event_least, event_most);
  return wanted;
}

std::string chat_request(const Wanted& wanted, std::uint64_t bytes) {
  std::string start = R"({"model":"bench","user":")";
  if (wanted.stream) {
    start += "events=" + std::to_string(wanted.events) + " rate=" + std::to_string(wanted.rate) +
             " size=" + std::to_string(wanted.size) + R"(","stream":true,"stream_options":{"include_usage":true})";
  } else {
    start += "bytes=" + std::to_string(wanted.bytes) + "\"";
  }
  start += R"(,"max_tokens":256,"temperature":0.7,"messages":[{"role":"user","content":")";
  return fill_between(std::move(start), R"("}]})", bytes);
}

std::string prompt_tokens_field(std::uint64_t prompt_bytes) {
  return "\"prompt_tokens\":" + std::to_string(prompt_bytes) + ",";
}

std::string plain_answer(const Wanted& wanted, std::uint64_t prompt_bytes) {
  std::string start =
      R"({"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench","usage":{)";
  start += prompt_tokens_field(prompt_bytes) + R"("completion_tokens":200,"total_tokens":)" +
           std::to_string(prompt_bytes + 200) +
           R"(},"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":")";
  return fill_between(std::move(start), R"("}}]})", wanted.bytes);
}

EventText::EventText(std::uint32_t size)
    : text_(fill_between(std::string(event_start), std::string(event_middle).append(time_digits, '0').append(event_end),
                         size)) {}

std::string_view EventText::stamped(Nanoseconds now) {
  char* digit = text_.data() + text_.size() - event_end.size();
  for (std::size_t i = 0; i < time_digits; ++i, now /= 10) *--digit = static_cast<char>('0' + now % 10);
  return text_;
}

Nanoseconds EventText::time_of(std::string_view event) {
  const std::size_t tail = event_middle.size() + time_digits + event_end.size();
  if (event.size() < event_start.size() + tail || !event.starts_with(event_start) || !event.ends_with(event_end))
    return -1;
  const std::string_view end = event.substr(event.size() - tail);
  if (!end.starts_with(event_middle)) return -1;
  const std::string_view digits = end.substr(event_middle.size(), time_digits);
  Nanoseconds time = -1;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), time);
  return read.ptr == digits.data() + digits.size() ? time : -1;
}

std::string stream_end(std::uint64_t events, std::uint64_t prompt_bytes) {
  return R"(data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench",)"
         R"("choices":[],"usage":{)" +
         prompt_tokens_field(prompt_bytes) + "\"completion_tokens\":" + std::to_string(events) +
         ",\"total_tokens\":" + std::to_string(prompt_bytes + events) + "}}\n\ndata: [DONE]\n\n";
}

}  // namespace sallyport::bench
