#include "http/writer.hpp"

#include <limits>
#include <utility>

#include "http/body_decoder.hpp"
#include "http/reader.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport::http;

namespace {

template <class Out>
concept TakesBraces = requires(Out& out) {
  append_field(out, {"x-a", "b"});
};

}  // namespace

TEST_CASE("a request head is written as it will be read") {
  std::string out;
  append_request_line(out, "POST", "/v1/chat/completions?a=b");
  append_field(out, "host", "model.internal:8443");
  append_framing(out, {BodyKind::sized, 12});
  append_end_of_head(out);
  CHECK(out == "POST /v1/chat/completions?a=b HTTP/1.1\r\nhost: model.internal:8443\r\ncontent-length: 12\r\n\r\n");

  RequestHead head;
  const auto length = parse_request_head(out, {}, head);
  REQUIRE(length.has_value());
  CHECK(*length == out.size());
  CHECK(head.target == "/v1/chat/completions?a=b");
  CHECK(head.framing.size == 12);
}

TEST_CASE("a response head is written as it will be read") {
  std::string out;
  append_status_line(out, 503);
  append_field(out, "retry-after", 2);
  append_framing(out, {BodyKind::chunked, 0});
  append_end_of_head(out);
  CHECK(out == "HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\ntransfer-encoding: chunked\r\n\r\n");

  ResponseHead head;
  REQUIRE(parse_response_head(out, {}, "GET", head).has_value());
  CHECK(head.status == 503);
  CHECK(head.framing.kind == BodyKind::chunked);
}

TEST_CASE("a date is written in the one form that is to be sent") {
  const auto written = [](std::int64_t since_1970) {
    std::string out;
    append_date(out, sallyport::core::WallTime(std::chrono::seconds(since_1970)));
    return out;
  };
  CHECK(written(784'111'777) == "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");  // RFC 9110 §5.6.7
  CHECK(written(0) == "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
  CHECK(written(1'709'251'199) == "date: Thu, 29 Feb 2024 23:59:59 GMT\r\n");
}

TEST_CASE("a status line has the reason given, else the standard one, else none") {
  const auto written = [](unsigned status, std::string_view reason) {
    std::string out;
    append_status_line(out, status, reason);
    return out;
  };
  CHECK(written(200, {}) == "HTTP/1.1 200 OK\r\n");
  CHECK(written(200, "Fine") == "HTTP/1.1 200 Fine\r\n");
  CHECK(written(299, {}) == "HTTP/1.1 299 \r\n");
}

TEST_CASE("every status the gateway answers with has a reason") {
  for (const unsigned status :
       {200, 400, 401, 403, 404, 408, 413, 414, 417, 421, 429, 431, 500, 501, 502, 503, 504, 505}) {
    INFO(status);
    CHECK_FALSE(standard_reason(status).empty());
  }
}

TEST_CASE("statuses have the words of RFC 9110 §15 and RFC 6585, also where older RFCs had others") {
  const std::pair<unsigned, std::string_view> words[] = {
      {100, "Continue"},
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {203, "Non-Authoritative Information"},
      {204, "No Content"},
      {205, "Reset Content"},
      {206, "Partial Content"},
      {300, "Multiple Choices"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {305, "Use Proxy"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {402, "Payment Required"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {407, "Proxy Authentication Required"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {511, "Network Authentication Required"},
  };
  for (const auto& [status, reason] : words) {
    INFO(status);
    CHECK(standard_reason(status) == reason);
  }
}

TEST_CASE("framing is written for bodies whose end it tells") {
  const auto written = [](Framing framing) {
    std::string out;
    append_framing(out, framing);
    return out;
  };
  CHECK(written({BodyKind::none, 0}).empty());
  CHECK(written({BodyKind::until_close, 0}).empty());
  CHECK(written({BodyKind::sized, 0}) == "content-length: 0\r\n");
  CHECK(written({BodyKind::sized, std::numeric_limits<std::uint64_t>::max()}) ==
        "content-length: 18446744073709551615\r\n");
  CHECK(written({BodyKind::chunked, 0}) == "transfer-encoding: chunked\r\n");
}

TEST_CASE("a field that would break its line is left out") {
  std::string out;
  append_field(out, "x-request-id", "a\r\nset-cookie: b");
  append_field(out, "x-request-id", "a\nb");
  append_field(out, "x-request-id", std::string_view("a\0b", 3));
  append_field(out, "x-a\r\nb", "c");
  append_field(out, "x a", "b");
  append_field(out, "", "b");
  CHECK(out.empty());
  append_field(out, "x-name", "M\xc3\xbcller\t");
  append_field(out, "x-empty", "");
  CHECK(out == "x-name: M\xc3\xbcller\t\r\nx-empty: \r\n");
}

TEST_CASE("a field goes unchecked only where it is called one that was read, never because it stands in braces") {
  CHECK_FALSE(TakesBraces<std::string>);
  std::string out;
  append_read_field(out, {"x-a", "b"});
  CHECK(out == "x-a: b\r\n");
}

TEST_CASE("chunks are written as they will be read") {
  std::string out;
  append_chunk_size(out, 31);
  CHECK(out == "1f\r\n");
  out.append(31, 'x').append(chunk_end);
  Fields trailers;
  trailers.add("x-sum", "1");
  trailers.add("x-bad", "1\r\n");
  append_last_chunk(out, trailers);
  CHECK(out.ends_with("\r\n0\r\nx-sum: 1\r\n\r\n"));

  BodyDecoder decoder({BodyKind::chunked, 0});
  const auto step = decoder.decode(sallyport::core::bytes_of(out));
  REQUIRE(step.has_value());
  CHECK(step->content.size() == 31);
  CHECK(step->consumed == out.size());
  CHECK(step->finished);
  CHECK(decoder.trailers().find("X-Sum") == "1");
}

TEST_CASE("a last chunk without trailers is five bytes") {
  std::string out;
  append_last_chunk(out, {});
  CHECK(out == "0\r\n\r\n");
}
