// Splits a server-sent event stream into events without copying or waiting more than it must, and without I/O.
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

  // Finds the end of the event that `bytes` continue: the number of bytes up to and with its blank line, or npos when
  // the event goes on. State is kept between calls, so any split of the input gives the same events. An event ends with
  // its CR at once; where the input was cut between the CR and LF of a blank line, that LF counts as the next event's
  // first byte and means nothing there. A blank line too many ends an event without lines.
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  std::size_t find_event_end(std::string_view bytes);

  // The event under way, or the one just ended, is longer than event_limit: pass its bytes on, but keep no copy.
  bool event_too_long() const noexcept { return length_ > limit_; }

 private:
  std::size_t limit_;
  std::size_t length_ = 0;  // of the event, as far as seen
  bool ended_ = false;      // the last call found an end
  bool line_empty_ = true;  // nothing of the line under way has been seen
  bool after_cr_ = false;   // the last byte was a CR whose LF may follow
};

// The joined "data" of one whole event, lines joined by '\n' as the specification says. A view into `event` when there
// is one data line (the common case), else into `scratch`.
std::string_view event_data(std::string_view event, std::string& scratch);

}  // namespace sallyport::http
