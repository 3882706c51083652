#include "http/reader.hpp"
#include "tests/http/vectors.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport::http;
using namespace sallyport::http::testing;
using sallyport::core::Reason;

namespace {

const HeadLimits limits;

void check(const ResponseHead& head, const AcceptedResponse& expected) {
  CHECK(head.status == expected.status);
  CHECK(head.reason == expected.reason);
  CHECK(head.minor_version == expected.minor_version);
  CHECK(head.framing.kind == expected.body);
  CHECK(head.framing.size == expected.size);
  CHECK(head.keep_alive == expected.keep_alive);
}

Reason refusal(const std::string& bytes, const std::string& method = "POST") {
  ResponseHead head;
  const auto parsed = parse_response_head(bytes, limits, method, head);
  return parsed ? Reason::none : parsed.error().reason;
}

std::string with(const std::string& lines) { return "HTTP/1.1 200 OK\r\n" + lines + "\r\n"; }

}  // namespace

TEST_CASE("a good response head is read as what it says, at its last byte and no sooner") {
  ResponseHead head;
  for (const auto& vector : accepted_responses()) {
    INFO(vector.name);
    for (std::size_t cut = 0; cut < vector.bytes.size(); ++cut) {
      INFO(cut);
      const auto text = std::string_view(vector.bytes).substr(0, cut);
      const auto length = parse_response_head(text, limits, vector.request_method, head);
      REQUIRE(length.has_value());
      REQUIRE_FALSE(length->has_value());
    }
    const std::string followed = vector.bytes + "data";
    for (const std::string& bytes : {vector.bytes, followed}) {
      const auto length = parse_response_head(bytes, limits, vector.request_method, head);
      REQUIRE(length.has_value());
      REQUIRE(*length == vector.bytes.size());
      check(head, vector);
    }
  }
}

TEST_CASE("a response that two servers could read differently is refused, whole or cut") {
  REQUIRE(refused_responses().size() >= 50);
  for (const auto& vector : refused_responses()) {
    INFO(vector.name);
    CHECK(refusal(vector.bytes, vector.request_method) == Reason::upstream_malformed);
    bool refused = false;
    for (std::size_t cut = 0; cut <= vector.bytes.size(); ++cut) {
      INFO(cut);
      const bool now = refusal(vector.bytes.substr(0, cut), vector.request_method) != Reason::none;
      REQUIRE((now || !refused));
      refused = now;
    }
  }
}

TEST_CASE("a response head keeps the limits") {
  const std::string frame = with("A: \r\n");
  const auto of_size = [&](std::size_t bytes) { return with("A: " + std::string(bytes - frame.size(), 'a') + "\r\n"); };
  CHECK(refusal(of_size(limits.bytes)) == Reason::none);
  CHECK(refusal(of_size(limits.bytes + 1)) == Reason::upstream_malformed);
  CHECK(refusal(of_size(2 * limits.bytes).substr(0, limits.bytes)) == Reason::upstream_malformed);
  CHECK(refusal("HTTP/1.1 200 " + std::string(limits.bytes, 'a')) == Reason::upstream_malformed);

  std::string lines;
  for (std::size_t i = 0; i < limits.fields; ++i) lines += "a: b\r\n";
  CHECK(refusal(with(lines)) == Reason::none);
  CHECK(refusal(with(lines + "a: b\r\n")) == Reason::upstream_malformed);

  CHECK(refusal(with(std::string(limits.name_bytes, 'a') + ": b\r\n")) == Reason::none);
  CHECK(refusal(with(std::string(limits.name_bytes + 1, 'a') + ": b\r\n")) == Reason::upstream_malformed);
}

TEST_CASE("interim answers are read before the final one") {
  const std::string bytes =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + with("Content-Length: 2\r\n") + "{}";
  std::string_view rest = bytes;
  ResponseHead head;
  for (const unsigned status : {100U, 103U, 200U}) {
    const auto length = parse_response_head(rest, limits, "POST", head);
    REQUIRE(length.has_value());
    REQUIRE(length->has_value());
    CHECK(head.status == status);
    rest.remove_prefix(**length);
  }
  CHECK(head.framing.size == 2);
  CHECK(rest == "{}");
}

TEST_CASE("an answer to HEAD tells the size that GET's would have, and no other answer does") {
  const auto size = [](const std::string& bytes, const std::string& method) {
    ResponseHead head;
    head.size_for_get = 1;
    REQUIRE(parse_response_head(bytes, limits, method, head).has_value());
    return head.size_for_get;
  };
  CHECK(size(with("Content-Length: 1000\r\n"), "HEAD") == 1000);
  CHECK(size(with("Content-Length: 0\r\n"), "HEAD") == 0);
  CHECK_FALSE(size(with(""), "HEAD").has_value());
  CHECK_FALSE(size(with("Transfer-Encoding: chunked\r\n"), "HEAD").has_value());
  CHECK_FALSE(size(with("Content-Length: 1000\r\n"), "GET").has_value());
  CHECK_FALSE(size("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "HEAD").has_value());
}
