// Bytes to messages, without I/O: strict scan, then Boost.Beast's parser, which lives behind reader.cpp.
//
// Everything two servers could read differently is refused here (RFC 9112; the list is in docs/http.md).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "http/message.hpp"

namespace sallyport::http {

struct HeadLimits {
  std::size_t bytes = 32 * 1024;      // whole head, request line included
  std::size_t fields = 100;
  std::size_t target_bytes = 8 * 1024;
  std::size_t name_bytes = 256;
};

// Parses one request head at the start of `received`. Gives the head's length when it is complete, nothing while more
// bytes are needed. The head's views point into `received`.
// Errors: malformed_request, head_too_large, target_too_long, version_unsupported, transfer_coding_unsupported,
// method_unsupported, expectation_unsupported. After an error the connection must be closed: its framing is unknown.
core::Result<std::optional<std::size_t>> parse_request_head(std::string_view received, const HeadLimits& limits,
                                                      RequestHead& head);

// The same for an answer; `request_method` because HEAD has no body. Interim answers (1xx) are given like any other,
// with no body. Errors: upstream_malformed.
core::Result<std::optional<std::size_t>> parse_response_head(std::string_view received, const HeadLimits& limits,
                                                       std::string_view request_method, ResponseHead& head);

// Follows one body through the bytes that carry it. Memory is bounded; chunk extensions and sizes are checked strictly.
class BodyDecoder {
 public:
  explicit BodyDecoder(Framing framing, std::size_t trailer_limit = 8 * 1024);

  struct Step {
    std::size_t consumed = 0;     // bytes of `received` this step used up
    core::ConstBytes content;     // body content among them: a view into `received`, may be empty
    bool finished = false;        // the body ended within these bytes; what follows belongs to the next message
  };
  // Takes one step. consumed == 0 and not finished: more bytes are needed. Call again with the rest otherwise.
  // Errors: malformed_body.
  core::Result<Step> decode(core::ConstBytes received);

  // The peer ended cleanly. True when that is this body's proper end (until_close, or already finished).
  bool ends_here() const noexcept;
  bool finished() const noexcept { return finished_; }

  // Trailer fields of a finished chunked body. Views into this decoder.
  const Fields& trailers() const noexcept { return trailers_; }

 private:
  // Implementation's state: see reader.cpp / body_decoder.cpp.
  enum class Phase : std::uint8_t { size_line, data, data_end, trailer, done };
  Framing framing_;
  std::uint64_t left_ = 0;
  Phase phase_ = Phase::size_line;
  bool finished_ = false;
  std::size_t trailer_limit_;
  std::string line_;       // a size line or trailer block that came in parts
  Fields trailers_;
};

}  // namespace sallyport::http
