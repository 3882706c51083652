// Splits a stream of server-sent events (SSE) into events, without copies and without I/O.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream : lines end in CR, LF or CRLF,
// an empty line ends an event.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sallyport::http {

class SseSplitter {
 public:
  explicit SseSplitter(std::size_t event_limit = 1024 * 1024) : limit_(event_limit) {}

  // Finds the end of the event that `bytes` continue: the number of bytes up to and including its blank line, or npos
  // when the event goes on behind them. State is kept between calls, so any split of the input gives the same events.
  // The CR of a blank line ends an event at once. When the input is split between this CR and its LF, the LF becomes
  // the next event's first byte, where it means nothing. An additional blank line ends an event without lines.
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  std::size_t find_event_end(std::string_view bytes);

  // Whether the current event, or the one that has just ended, is longer than event_limit. The caller should forward
  // its bytes but keep no copy of them.
  bool event_too_long() const noexcept { return length_ > limit_; }

 private:
  std::size_t limit_;
  std::size_t length_ = 0;  // of the event, as far as seen
  bool ended_ = false;      // the last call found an end
  bool line_empty_ = true;  // no byte of the current line has been seen
  bool after_cr_ = false;   // the last byte was a CR, whose LF may follow
};

// The "data" of one whole event, its lines joined by '\n' as the specification says; empty when there is none. A view
// into `event` when there is one data line (the common case), else into `scratch`.
std::string_view event_data(std::string_view event, std::string& scratch);

}  // namespace sallyport::http
