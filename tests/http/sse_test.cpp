#include "http/sse.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace sallyport::http;
using namespace std::string_literals;

namespace {

struct Reading {
  std::vector<std::string> events;  // each one's data; without those that have none
  std::string passed;               // every byte, in order
  std::string rest;                 // of the event that did not end
};

// What a reader of these pieces sees that gathers each event's bytes.
Reading read(const std::vector<std::string_view>& pieces) {
  SseSplitter splitter;
  Reading reading;
  std::string scratch;
  for (std::string_view piece : pieces) {
    while (!piece.empty()) {
      const std::size_t end = splitter.find_event_end(piece);
      const std::string_view part = piece.substr(0, end);
      reading.passed += part;
      reading.rest += part;
      piece.remove_prefix(part.size());
      if (end == SseSplitter::npos) continue;
      if (const auto data = event_data(reading.rest, scratch); !data.empty()) reading.events.emplace_back(data);
      reading.rest.clear();
    }
  }
  return reading;
}

struct Stream {
  std::string bytes;
  std::vector<std::string> events;
};

std::vector<Stream> streams() {
  return {
      {"", {}},
      {"data: a\n\n", {"a"}},
      {"data: a\r\n\r\n", {"a"}},
      {"data: a\r\r", {"a"}},
      {"data: a\n\r", {"a"}},
      {"data: a\r\n\n", {"a"}},
      {"data: a\n\r\n", {"a"}},
      {"data: a\r\n\r", {"a"}},
      {"data: a\n", {}},
      {"data: a\r\n", {}},
      {"data: a\r", {}},
      {"data: a", {}},
      {"data: a\n\ndata: b\n\n", {"a", "b"}},
      {"data: a\r\n\r\ndata: b\r\n\r\n", {"a", "b"}},
      {"data: a\r\rdata: b\r\r", {"a", "b"}},
      {"data: a\n\r\ndata: b\r\n\rdata: c\r\r\ndata: d\n\n", {"a", "b", "c", "d"}},
      {"\n\n\r\r\r\n\r\ndata: a\n\n\n\n\n", {"a"}},
      {": ping\n\ndata: a\n\n: ping\r\n\r\n", {"a"}},
      {"event: x\ndata: a\n\n", {"a"}},
      {"event:x\r\ndata:a\r\n\r\n", {"a"}},
      {"event: x\nevent: y\ndata: a\n\n", {"a"}},
      {"data: a\ndata: b\ndata: c\n\n", {"a\nb\nc"}},
      {"data: a\r\ndata: b\rdata: c\n\r", {"a\nb\nc"}},
      {"data\ndata\n\n", {"\n"}},
      {"data: a\ndata\n\n", {"a\n"}},
      {"data:\ndata: a\n\n", {"\na"}},
      {"data:  a \n\n", {" a "}},
      {"data:a:b: c\n\n", {"a:b: c"}},
      {"data : a\nDATA: b\ndatas: c\n data: d\nx: data: e\n\n", {}},
      {"id: 1\nretry: 5\ndata: a\n\n", {"a"}},
      {"data: {\"a\":\"\\n\\n\"}\n\ndata: [DONE]\n\n", {"{\"a\":\"\\n\\n\"}", "[DONE]"}},
      {"data: \0\xff\n\n"s, {"\0\xff"s}},
  };
}

}  // namespace

TEST_CASE("an event stream's events are the same however its bytes arrive") {
  for (const auto& stream : streams()) {
    INFO(stream.bytes);
    const std::string_view bytes = stream.bytes;
    CHECK(read({bytes}).events == stream.events);
    for (std::size_t first = 0; first <= bytes.size(); ++first) {
      for (std::size_t second = first; second <= bytes.size(); ++second) {
        const Reading reading =
            read({bytes.substr(0, first), bytes.substr(first, second - first), bytes.substr(second)});
        REQUIRE(reading.events == stream.events);
        REQUIRE(reading.passed == bytes);
      }
    }
    std::vector<std::string_view> single;
    for (std::size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
    REQUIRE(read(single).events == stream.events);
  }
}

TEST_CASE("an event ends with the last byte of its blank line") {
  SseSplitter splitter;
  CHECK(splitter.find_event_end("data: a\n\ndata: b") == 9);
  CHECK(splitter.find_event_end("data: b") == SseSplitter::npos);
  CHECK(splitter.find_event_end("\r\n") == SseSplitter::npos);
  CHECK(splitter.find_event_end("\r\n: next") == 2);
  CHECK(splitter.find_event_end("\r") == 1);
  CHECK(splitter.find_event_end("") == SseSplitter::npos);
  CHECK(splitter.find_event_end("\n") == SseSplitter::npos);
  CHECK(splitter.find_event_end("\n") == 1);
}

TEST_CASE("line ends are found wherever they stand in a long line") {
  for (const std::string& end : {"\n\n"s, "\r\r"s, "\r\n\r\n"s}) {
    for (std::size_t size = 200; size < 600; ++size) {
      const std::string bytes = "data: " + std::string(size, 'a') + end;
      SseSplitter splitter;
      REQUIRE(splitter.find_event_end(bytes + "data: b") == bytes.size());
    }
  }
}

TEST_CASE("a megabyte in one line is one event, and one byte over the limit says so") {
  const std::string head = "data: ";
  for (const std::size_t over : {0U, 1U}) {
    const std::string event = head + std::string(1024 * 1024 - head.size() - 2 + over, 'a') + "\n\n";
    SseSplitter whole;
    CHECK(whole.find_event_end(event) == event.size());
    CHECK(whole.event_too_long() == (over == 1));

    SseSplitter split;
    for (std::size_t at = 0; at < event.size(); at += 1000) split.find_event_end(event.substr(at, 1000));
    CHECK(split.event_too_long() == (over == 1));
    CHECK(split.find_event_end("data: b\n\n") == 9);
    CHECK_FALSE(split.event_too_long());
  }
}

TEST_CASE("one line of data is a view into its event") {
  const std::string event = "event: x\ndata: abc\n\n";
  std::string scratch;
  const auto data = event_data(event, scratch);
  CHECK(data == "abc");
  CHECK(data.data() == event.data() + 15);
  CHECK(scratch.empty());
}

TEST_CASE("an event without data has none") {
  std::string scratch = "old";
  CHECK(event_data("", scratch).empty());
  CHECK(event_data(": comment\n\n", scratch).empty());
}
