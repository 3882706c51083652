#include <string>
#include <utility>
#include <vector>

#include "http/body_decoder.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport::http;
using namespace std::string_literals;
using sallyport::core::bytes_of;
using sallyport::core::Reason;
using sallyport::core::text_of;

namespace {

struct Outcome {
  std::string content;
  std::size_t consumed = 0;
  bool finished = false;
  bool refused = false;
  std::vector<std::pair<std::string, std::string>> trailers;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Feeds one piece, step by step, until it is used up, the body is over or refused.
void feed(BodyDecoder& decoder, std::string_view piece, Outcome& outcome) {
  while (!piece.empty() && !outcome.finished && !outcome.refused) {
    const auto step = decoder.decode(bytes_of(piece));
    if (!step) {
      CHECK(step.error().reason == Reason::malformed_body);
      outcome.refused = true;
      return;
    }
    REQUIRE((step->consumed > 0 || step->finished));
    outcome.content += text_of(step->content);
    outcome.consumed += step->consumed;
    outcome.finished = step->finished;
    piece.remove_prefix(step->consumed);
  }
}

Outcome decode(Framing framing, const std::vector<std::string_view>& pieces) {
  BodyDecoder decoder(framing);
  Outcome outcome;
  for (const auto piece : pieces) feed(decoder, piece, outcome);
  CHECK(decoder.finished() == outcome.finished);
  for (const Field& field : decoder.trailers()) outcome.trailers.emplace_back(field.name, field.value);
  return outcome;
}

const Framing chunked{BodyKind::chunked, 0};

Outcome decode_chunked(std::string_view bytes) { return decode(chunked, {bytes}); }

std::vector<std::string_view> byte_by_byte(std::string_view bytes) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < bytes.size(); ++i) pieces.push_back(bytes.substr(i, 1));
  return pieces;
}

struct Accepted {
  std::string bytes;
  std::string content;
  std::vector<std::pair<std::string, std::string>> trailers;
};

std::vector<Accepted> accepted() {
  return {
      {"0\r\n\r\n", "", {}},
      {"0000000000000000\r\n\r\n", "", {}},
      {"5\r\nhello\r\n0\r\n\r\n", "hello", {}},
      {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", {}},
      {"0000000000000005\r\nhello\r\n0\r\n\r\n", "hello", {}},
      {"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", {}},
      {"1F\r\n" + std::string(31, 'x') + "\r\n1f\r\n" + std::string(31, 'y') + "\r\n0\r\n\r\n",
       std::string(31, 'x') + std::string(31, 'y'),
       {}},
      {"5;a\r\nhello\r\n0\r\n\r\n", "hello", {}},
      {"5;a=b;c=\"d e\"\r\nhello\r\n0;last\r\n\r\n", "hello", {}},
      {"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n", {}},
      {"4\r\n\0\xff\r\n\r\n0\r\n\r\n"s, "\0\xff\r\n"s, {}},
      {"1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n", "a", {{"X-Sum", "1"}}},
      {"1\r\na\r\n0\r\nA:\r\nB: \t c d \t\r\nContent-Length: 5\r\n\r\n",
       "a",
       {{"A", ""}, {"B", "c d"}, {"Content-Length", "5"}}},
  };
}

std::vector<std::string> refused() {
  const std::string rest = "\r\nhello\r\n0\r\n\r\n";
  return {
      // sizes
      "0x5" + rest,
      "+5" + rest,
      "-5" + rest,
      "-0" + rest,
      "5_" + rest,
      "_5" + rest,
      " 5" + rest,
      "5 " + rest,
      "5\t" + rest,
      "\t5" + rest,
      "g" + rest,
      "5g" + rest,
      "5.0" + rest,
      "\"5\"" + rest,
      "5," + rest,
      "\xef\xbc\x95" + rest,
      "\0"s + "5" + rest,
      "5\0"s + rest,
      "00000000000000005" + rest,
      "10000000000000005" + rest,
      "fffffffffffffffff" + rest,
      "" + rest,
      "\r\n5" + rest,
      "\n5" + rest,
      // line ends after a size
      "5\nhello\r\n0\r\n\r\n",
      "5\rhello\r\n0\r\n\r\n",
      "5\r\rhello",
      "5\r\r\nhello\r\n0\r\n\r\n",
      "5\n\rhello",
      "0\n\r\n",
      "0\r\r\n",
      // line ends after data
      "5\r\nhello\n\n0\r\n\r\n",
      "5\r\nhello!\n0\r\n\r\n",
      "5\r\nhello0\r\n\r\n",
      "5\r\nhello\n0\r\n\r\n",
      "5\r\nhello\r0\r\n\r\n",
      "5\r\nhello!\r\n0\r\n\r\n",
      "5\r\nhell\r\n0\r\n\r\n",
      "5\r\nhello\r\n\r\n0\r\n\r\n",
      "5\r\nhello \r\n0\r\n\r\n",
      "5\r\nhello\n\r0\r\n\r\n",
      // extensions
      "5;" + rest,
      "5;;a" + rest,
      "5; a" + rest,
      "5 ;a" + rest,
      "5\t;a" + rest,
      "5;=b" + rest,
      "5;a;" + rest,
      "5;a\nb" + rest,
      "5;a\rb" + rest,
      "5;a=\"\n\"" + rest,
      "5;a=\"\r\n\"" + rest,
      "5;a\0"s + rest,
      "5;a\x7f" + rest,
      "5;a\x80" + rest,
      "5;a\tb" + rest,
      "5;a\n0\r\n\r\n",
      "0;a\n\r\n",
      ";a" + rest,
      // trailers
      "0\r\n\n",
      "0\r\nA: b\n\r\n",
      "0\r\nA: b\r\n\n",
      "0\r\nA : b\r\n\r\n",
      "0\r\n A: b\r\n\r\n",
      "0\r\nA: b\r\n c\r\n\r\n",
      "0\r\nA\r\n\r\n",
      "0\r\n: b\r\n\r\n",
      "0\r\nA: b\0\r\n\r\n"s,
      "0\r\nA: b\rc\r\n\r\n",
      "0\r\n\rX",
      "0\r\n\0"s,
      "0\r\nGET / HTTP/1.1\r\n\r\n",
  };
}

}  // namespace

TEST_CASE("a chunked body is its chunks' data, however the bytes arrive") {
  for (const auto& vector : accepted()) {
    INFO(vector.bytes);
    const Outcome expected{vector.content, vector.bytes.size(), true, false, vector.trailers};
    CHECK(decode_chunked(vector.bytes) == expected);
    CHECK(decode(chunked, byte_by_byte(vector.bytes)) == expected);
    const std::string_view bytes = vector.bytes;
    for (std::size_t first = 0; first <= bytes.size(); ++first) {
      for (std::size_t second = first; second <= bytes.size(); ++second) {
        const Outcome outcome =
            decode(chunked, {bytes.substr(0, first), bytes.substr(first, second - first), bytes.substr(second)});
        REQUIRE(outcome == expected);
      }
    }
  }
}

TEST_CASE("a chunked body cut short is never finished") {
  for (const auto& vector : accepted()) {
    INFO(vector.bytes);
    for (std::size_t cut = 0; cut < vector.bytes.size(); ++cut) {
      BodyDecoder decoder(chunked);
      Outcome outcome;
      feed(decoder, std::string_view(vector.bytes).substr(0, cut), outcome);
      REQUIRE_FALSE(outcome.finished);
      REQUIRE_FALSE(outcome.refused);
      REQUIRE_FALSE(decoder.ends_here());
    }
  }
}

TEST_CASE("a chunked body ends where it ends and leaves the next message alone") {
  for (const auto& vector : accepted()) {
    INFO(vector.bytes);
    for (const std::string& next : {"GET / HTTP/1.1\r\n"s, "\r\n"s, "\0"s, "0\r\n\r\n"s}) {
      CHECK(decode_chunked(vector.bytes + next) ==
            Outcome{vector.content, vector.bytes.size(), true, false, vector.trailers});
    }
  }
}

TEST_CASE("chunk framing that two servers could read differently is refused, however the bytes arrive") {
  REQUIRE(refused().size() >= 60);
  for (const auto& bytes : refused()) {
    INFO(bytes);
    CHECK(decode_chunked(bytes).refused);
    CHECK(decode(chunked, byte_by_byte(bytes)).refused);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      REQUIRE(decode(chunked, {std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)}).refused);
    }
  }
}

TEST_CASE("a refused body stays refused") {
  BodyDecoder decoder(chunked);
  CHECK_FALSE(decoder.decode(bytes_of("x")).has_value());
  CHECK_FALSE(decoder.decode(bytes_of("0\r\n\r\n")).has_value());
  CHECK_FALSE(decoder.finished());
  CHECK_FALSE(decoder.ends_here());
}

TEST_CASE("a chunk may be as large as sixteen digits say") {
  BodyDecoder decoder(chunked);
  const auto step = decoder.decode(bytes_of("FFFFFFFFFFFFFFFF\r\nabc"));
  REQUIRE(step.has_value());
  CHECK(text_of(step->content) == "abc");
  CHECK_FALSE(step->finished);
}

TEST_CASE("a chunk's extensions may be as long as the limit and not one byte longer") {
  const auto body = [](std::size_t bytes) {
    return "5;" + std::string(bytes - 1, 'a') + "\r\nhello\r\n0;" + std::string(bytes - 1, 'b') + "\r\n\r\n";
  };
  CHECK(decode_chunked(body(BodyDecoder::chunk_extension_limit)).finished);
  CHECK(decode_chunked(body(BodyDecoder::chunk_extension_limit + 1)).refused);
  CHECK(decode_chunked("5;" + std::string(BodyDecoder::chunk_extension_limit, 'a')).refused);
}

TEST_CASE("a body's extensions together may be as long as the limit and not one byte longer") {
  constexpr std::size_t each = BodyDecoder::chunk_extension_limit;
  static_assert(BodyDecoder::extensions_limit % each == 0);
  std::string body;
  for (std::size_t i = 0; i < BodyDecoder::extensions_limit / each; ++i) {
    body += "1;" + std::string(each - 1, 'a') + "\r\nx\r\n";
  }
  CHECK(decode_chunked(body + "0\r\n\r\n").finished);
  CHECK(decode_chunked(body + "0;a\r\n\r\n").refused);
}

TEST_CASE("trailers keep the limits") {
  SECTION("of bytes") {
    const auto trailer = [](std::size_t bytes) { return "0\r\nA: " + std::string(bytes - 7, 'a') + "\r\n\r\n"; };
    CHECK(decode_chunked(trailer(8 * 1024)).finished);
    CHECK(decode_chunked(trailer(8 * 1024 + 1)).refused);
    CHECK(decode(chunked, byte_by_byte(trailer(8 * 1024))).finished);
    CHECK(decode(chunked, byte_by_byte(trailer(8 * 1024 + 1))).refused);
    CHECK(decode_chunked(trailer(100'000).substr(0, 8 * 1024 + 3)).refused);
  }
  SECTION("of fields") {
    std::string lines = "0\r\n";
    for (std::size_t i = 0; i < BodyDecoder::trailer_fields_limit; ++i) lines += "a: b\r\n";
    CHECK(decode_chunked(lines + "\r\n").finished);
    CHECK(decode_chunked(lines + "a: b\r\n\r\n").refused);
  }
  SECTION("of a name") {
    CHECK(decode_chunked("0\r\n" + std::string(BodyDecoder::trailer_name_limit, 'a') + ": b\r\n\r\n").finished);
    CHECK(decode_chunked("0\r\n" + std::string(BodyDecoder::trailer_name_limit + 1, 'a') + ": b\r\n\r\n").refused);
  }
  SECTION("of the whole section") {
    const std::size_t longest = BodyDecoder::trailer_limit - "A: \r\n\r\n"s.size();
    CHECK(decode_chunked("0\r\nA: " + std::string(longest, 'b') + "\r\n\r\n").finished);
    CHECK(decode_chunked("0\r\nA: " + std::string(longest + 1, 'b') + "\r\n\r\n").refused);
  }
}

TEST_CASE("a sized body is as long as it says, however the bytes arrive") {
  const std::string bytes = "hello world";
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    const Framing framing{BodyKind::sized, size};
    const Outcome expected{bytes.substr(0, size), size, true, false, {}};
    CHECK(decode(framing, {bytes}) == expected);
    CHECK(decode(framing, byte_by_byte(bytes)) == expected);
    for (std::size_t cut = 0; cut < size; ++cut) {
      CHECK(decode(framing, {bytes.substr(0, cut)}).finished == false);
    }
  }
}

TEST_CASE("an empty body is finished before any byte") {
  for (const Framing framing : {Framing{BodyKind::none, 0}, Framing{BodyKind::sized, 0}}) {
    BodyDecoder decoder(framing);
    CHECK(decoder.finished());
    CHECK(decoder.ends_here());
    const auto step = decoder.decode(bytes_of("next"));
    REQUIRE(step.has_value());
    CHECK(step->consumed == 0);
    CHECK(step->finished);
  }
}

TEST_CASE("a body until the end takes everything and ends with the connection") {
  BodyDecoder decoder({BodyKind::until_close, 0});
  Outcome outcome;
  feed(decoder, "5\r\nhello", outcome);
  feed(decoder, " world", outcome);
  CHECK(outcome.content == "5\r\nhello world");
  CHECK_FALSE(decoder.finished());
  CHECK(decoder.ends_here());
}

TEST_CASE("only a body's proper end lets a connection end") {
  BodyDecoder sized({BodyKind::sized, 2});
  CHECK_FALSE(sized.ends_here());
  REQUIRE(sized.decode(bytes_of("a")).has_value());
  CHECK_FALSE(sized.ends_here());
  REQUIRE(sized.decode(bytes_of("b")).has_value());
  CHECK(sized.ends_here());
}
