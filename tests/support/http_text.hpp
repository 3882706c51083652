// Just enough HTTP/1.1 to script a peer and to look at what came, written apart from the gateway's own http folder so
// that the two cannot share a mistake.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/wire.hpp"

namespace sallyport::tests {

using HeaderFields = std::vector<std::pair<std::string, std::string>>;

struct Message {
  std::string start_line;
  HeaderFields fields;
  HeaderFields trailers;
  std::string body;    // chunking undone
  bool whole = false;  // false: the connection ended, or stood still, before the message's end

  unsigned status() const;     // of an answer
  std::string method() const;  // of a request
  std::string target() const;
  std::string field(std::string_view name) const;  // "" when absent; names without case
  std::size_t count(std::string_view name) const;
};

// A head, without its body. Throws WireError when none comes.
Message read_head(Wire& wire, Milliseconds limit = patience);

// The body that follows a head, as it arrives.
class BodyReader {
 public:
  enum class Of { request, answer, answer_to_head };
  BodyReader(Wire& wire, Message& head, Of of);

  // The next content; empty when the body ended, was cut off, or nothing came within the limit.
  std::string next(Milliseconds limit = patience);
  // The next server-sent event, its blank line included; empty as for next().
  std::string next_event(Milliseconds limit = patience);
  bool finished() const noexcept { return finished_; }

 private:
  std::string next_chunk(Milliseconds limit);
  Wire& wire_;
  Message& head_;
  bool chunked_ = false;
  bool until_end_ = false;
  bool finished_ = false;
  std::size_t left_ = 0;
  std::string event_;
};

// A whole message.
Message read_message(Wire& wire, BodyReader::Of of, Milliseconds limit = patience);

// "f\r\n" + data + "\r\n".
std::string chunk(std::string_view data);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace sallyport::tests
