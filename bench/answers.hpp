// What the bench's model server answers, and what the load generator therefore expects, byte for byte.
//
// A request says which answer it wants in OpenAI's own "user" field, so that it passes through any proxy:
// "user":"bytes=1000" or "user":"events=200 rate=20 size=250" (rate 0: flat out; events 0: without end).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::bench {

struct Wanted {
  std::uint64_t bytes = 1000;  // of a plain answer; at least plain_answer_least
  bool stream = false;
  std::uint64_t events = 0;  // of a stream, before the two that end it; 0: without end
  double rate = 0;           // events a second; 0: flat out
  std::uint32_t size = 250;  // bytes of an event; between event_least and event_most
};

inline constexpr std::uint64_t plain_answer_least = 400;
inline constexpr std::uint32_t event_least = 200;
inline constexpr std::uint32_t event_most = 4096;

// A field must begin within so many bytes of the body: proxies may rewrite what stands before it.
inline constexpr std::size_t wanted_within = 512;

Wanted wanted_from(std::string_view body_start);
// A chat request of exactly `bytes` bytes, or the least that will hold it.
std::string chat_request(const Wanted& wanted, std::uint64_t bytes);

// A chat completion of exactly `wanted.bytes`, its usage telling how many bytes the prompt had.
std::string plain_answer(const Wanted& wanted, std::uint64_t prompt_bytes);
// What a plain answer holds when the whole request of so many bytes arrived.
std::string prompt_tokens_field(std::uint64_t prompt_bytes);

using Nanoseconds = std::int64_t;
// The machine's monotonic clock, the same for every process.
inline Nanoseconds monotonic_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Events of exactly `size` bytes that carry the time of their sending.
class EventText {
 public:
  explicit EventText(std::uint32_t size);
  std::string_view stamped(Nanoseconds now);  // until the next call

  // The time in an event, or -1 when `event` is not what an EventText of its size would give.
  static Nanoseconds time_of(std::string_view event);

 private:
  std::string text_;
};

// How a stream ends: usage, then [DONE].
std::string stream_end(std::uint64_t events, std::uint64_t prompt_bytes);

}  // namespace sallyport::bench
