// One HTTP message as our readers see it, as plain values that compare.
#pragma once

#include <optional>
#include <string>

#include "http/body_decoder.hpp"
#include "http/reader.hpp"
#include "http/writer.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace sallyport::fuzz {

// Small, so that inputs reach them.
inline constexpr http::HeadLimits narrow{.bytes = 1024, .fields = 12, .target_bytes = 256, .name_bytes = 64};
// For what is written again, which may be a little longer than it came.
inline constexpr http::HeadLimits wide{.bytes = 64 * 1024, .fields = 100, .target_bytes = 8 * 1024, .name_bytes = 256};

struct Message {
  core::Reason refused = core::Reason::none;
  std::string head;  // what it says; empty until it is whole
  std::size_t head_size = 0;
  std::string content, trailers;
  std::size_t body_size = 0;  // bytes of the input
  bool finished = false, ends_here = false;
  friend bool operator==(const Message&, const Message&) = default;
};

inline std::string said_by(const http::Fields& fields) {
  std::string text;
  for (const http::Field& field : fields) text.append(field.name).append(": ").append(field.value).append("\n");
  return text;
}

inline std::string said_by(const http::Framing& framing) {
  return std::to_string(static_cast<int>(framing.kind)) + " " + std::to_string(framing.size) + "\n";
}

// False when the body is refused: what came before may or may not have been given then.
inline bool decode(http::BodyDecoder& body, core::ConstBytes piece, Message& message) {
  while (!piece.empty() && !message.finished) {
    const auto step = body.decode(piece);
    if (!step) {
      message = {.refused = step.error().reason, .head = message.head, .head_size = message.head_size};
      return false;
    }
    claim(step->consumed > 0 || step->finished, "a body goes on or ends with every step");
    message.content += core::text_of(step->content);
    message.body_size += step->consumed;
    message.finished = step->finished;
    piece = piece.subspan(step->consumed);
  }
  return true;
}

// Content and trailers that were read and are written again can be read again.
inline void check_chunks_again(const Message& message, const http::Fields& trailers) {
  std::string text;
  if (!message.content.empty()) {
    http::append_chunk_size(text, message.content.size());
    text.append(message.content).append(http::chunk_end);
  }
  http::append_last_chunk(text, trailers);
  http::BodyDecoder body({http::BodyKind::chunked, 0});
  Message again;
  claim(decode(body, core::bytes_of(text), again) && again.finished, "our own chunks are read");
  claim(again.body_size == text.size() && again.content == message.content, "our own chunks hold the content");
}

// parse(text, head): one of the two head readers. The decoder moves between any two pieces, as it does in the gateway.
template <class Head, class Parse>
Message read_message(const Pieces& pieces, Parse parse) {
  Message message;
  core::Bytes received;
  std::optional<http::BodyDecoder> body;
  for (const core::Bytes& piece : pieces) {
    if (body) {
      http::BodyDecoder moved = std::move(*body);
      if (!decode(moved, piece, message)) return message;
      body = std::move(moved);
      continue;
    }
    received.insert(received.end(), piece.begin(), piece.end());
    const core::Bytes exact(received.begin(), received.end());
    Head head;
    const auto length = parse(core::text_of(exact), head);
    if (!length) {
      message.refused = length.error().reason;
      return message;
    }
    if (!*length) continue;
    claim(**length > 0 && **length <= exact.size(), "a head ends within what was received");
    message.head_size = **length;
    message.head = said_by(head);
    body.emplace(head.framing, std::size_t{512});
    if (!decode(*body, core::ConstBytes(exact).subspan(**length), message)) return message;
  }
  if (!body) return message;
  message.finished = body->finished();
  message.ends_here = body->ends_here();
  message.trailers = said_by(body->trailers());
  if (message.finished) check_chunks_again(message, body->trailers());
  return message;
}

// The same bytes in other pieces are the same message, or refused for the same reason.
template <class Head, class Parse>
void check_cuttings(core::ConstBytes input, Parse parse) {
  const Message message = read_message<Head>(whole(input), parse);
  for (const Pieces& pieces : cuttings(input)) {
    claim(read_message<Head>(pieces, parse) == message, "cutting a message changes nothing");
  }
}

}  // namespace sallyport::fuzz
