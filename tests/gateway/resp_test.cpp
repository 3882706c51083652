#include "gateway/resp.hpp"

#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::gateway;

namespace {

constexpr auto incomplete = std::size_t{0};

core::Result<std::size_t> parse(std::string_view arrived) {
  RespReply reply;
  return parse_resp(arrived, reply);
}

}  // namespace

TEST_CASE("a command is an array of words with their sizes, whatever they hold") {
  std::string command;
  const std::string_view words[] = {"AUTH", "two\r\nlines", ""};
  append_resp_command(command, words);
  CHECK(command == "*3\r\n$4\r\nAUTH\r\n$10\r\ntwo\r\nlines\r\n$0\r\n\r\n");
}

TEST_CASE("a status, an error and an array of integers are read, and the rest is left") {
  RespReply reply;
  REQUIRE(parse_resp("+OK\r\n", reply).value() == 5);
  CHECK(reply.kind == RespReply::Kind::status);
  CHECK(reply.text == "OK");
  REQUIRE(parse_resp("-ERR no\r\n+OK\r\n", reply).value() == 9);
  CHECK(reply.kind == RespReply::Kind::error);
  CHECK(reply.text == "ERR no");
  REQUIRE(parse_resp("*2\r\n:-7\r\n:60000000000000\r\n", reply).value() == 26);
  CHECK(reply.kind == RespReply::Kind::numbers);
  CHECK(reply.numbers == std::vector<std::int64_t>{-7, 60'000'000'000'000});
  REQUIRE(parse_resp("*0\r\n", reply).value() == 4);
  CHECK(reply.numbers.empty());
}

TEST_CASE("every beginning of a reply is incomplete") {
  for (const std::string_view whole : {"+OK\r\n", "-ERR no\r\n", "*2\r\n:1\r\n:22\r\n"}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      INFO(whole << " " << size);
      const auto parsed = parse(whole.substr(0, size));
      REQUIRE(parsed.has_value());
      CHECK(*parsed == incomplete);
    }
  }
}

TEST_CASE("a reply that nobody asks for is malformed") {
  const std::string reply = GENERATE(as<std::string>{}, "$2\r\nOK\r\n", ":1\r\n", "*-1\r\n", "*1\r\n$1\r\n1\r\n",
                                     "*1\r\n:\r\n", "*1\r\n:1x\r\n", "*1\r\n:99999999999999999999\r\n", "*4097\r\n",
                                     "*\r\n", "\r\n", "HTTP/1.1 400 Bad Request\r\n", "*1\r\n*1\r\n:1\r\n");
  INFO(reply);
  const auto parsed = parse(reply);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().reason == core::Reason::upstream_malformed);
}

TEST_CASE("a line without an end is refused when it is too long") {
  CHECK(parse("+" + std::string(resp_line_limit - 2, 'x')).value() == incomplete);
  CHECK_FALSE(parse("+" + std::string(resp_line_limit - 1, 'x')).has_value());
  CHECK_FALSE(parse("*1\r\n:" + std::string(resp_line_limit, '1')).has_value());
}
