// What the load generator believes must be checked as hard as what it checks.
#include "bench/answer_reader.hpp"
#include "bench/answers.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport::bench;

namespace {

struct Read {
  std::string content;
  bool finished = false, broken = false;
  std::string_view rest;
};

// Feeds `text` in pieces of `size`.
Read read_in_pieces(AnswerReader& reader, std::string_view text, std::size_t size) {
  Read read;
  while (!text.empty() && !reader.finished() && !reader.broken()) {
    std::string_view piece = text.substr(0, size);
    text.remove_prefix(piece.size());
    while (!piece.empty() && !reader.finished() && !reader.broken()) read.content += reader.take(piece);
    read.rest = piece;
  }
  read.finished = reader.finished();
  read.broken = reader.broken();
  return read;
}

const std::string sized = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nConnection: close\r\n\r\nhello";
const std::string chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nname: value\r\n\r\n";

}  // namespace

TEST_CASE("an answer is the same however it is cut") {
  for (const std::string& text : {sized, chunked}) {
    for (std::size_t size = 1; size <= text.size(); ++size) {
      AnswerReader reader;
      const Read read = read_in_pieces(reader, text, size);
      CHECK(read.finished);
      CHECK(read.content == "hello");
      CHECK(reader.status() == 200);
      CHECK(reader.content_bytes() == 5);
      CHECK(reader.closes() == (text == sized));
    }
  }
}

TEST_CASE("an answer that was cut off is not finished") {
  for (const std::string& text : {sized, chunked}) {
    for (std::size_t size = 0; size < text.size(); ++size) {
      AnswerReader reader;
      CHECK_FALSE(read_in_pieces(reader, std::string_view(text).substr(0, size), 64).finished);
    }
  }
}

TEST_CASE("what follows an answer is not taken for a part of it") {
  AnswerReader reader;
  CHECK(read_in_pieces(reader, sized + "more", 1000).rest == "more");
}

TEST_CASE("an answer without framing is broken") {
  AnswerReader reader;
  CHECK(read_in_pieces(reader, "HTTP/1.1 200 OK\r\n\r\nhello", 1000).broken);
}

TEST_CASE("a request says to the model server what it should answer") {
  Wanted wanted;
  wanted.stream = true;
  wanted.events = 20;
  wanted.rate = 0.5;
  wanted.size = 300;
  const std::string request = chat_request(wanted, 5000);
  CHECK(request.size() == 5000);
  const Wanted read = wanted_from(std::string_view(request).substr(0, wanted_within));
  CHECK(read.stream);
  CHECK(read.events == 20);
  CHECK(read.rate == 0.5);
  CHECK(read.size == 300);
}

TEST_CASE("a plain answer has the size that was asked for and tells the prompt's") {
  Wanted wanted;
  wanted.bytes = 1234;
  const std::string answer = plain_answer(wanted, 777);
  CHECK(answer.size() == 1234);
  CHECK(answer.substr(0, plain_answer_least).find(prompt_tokens_field(777)) != std::string::npos);
}

TEST_CASE("an event has its size and gives back its time, and a changed one does not") {
  for (const std::uint32_t size : {event_least, 250u, event_most}) {
    EventText event(size);
    std::string text(event.stamped(1'234'567'890'123));
    CHECK(text.size() == size);
    CHECK(EventText::time_of(text) == 1'234'567'890'123);
    CHECK(EventText::time_of(std::string_view(text).substr(1)) == -1);
    text[text.size() - 8] = 'x';
    CHECK(EventText::time_of(text) == -1);
  }
}
