#include "http/reader.hpp"

#include <algorithm>

#include "tests/http/vectors.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport::http;
using namespace sallyport::http::testing;
using sallyport::core::Error;
using sallyport::core::Reason;

namespace {

const HeadLimits limits;

void check(const RequestHead& head, const AcceptedRequest& expected) {
  CHECK(head.method == expected.method);
  CHECK(head.target == expected.target);
  CHECK(head.path == expected.target.substr(0, expected.target.find('?')));
  CHECK(head.host == expected.host);
  CHECK(head.minor_version == expected.minor_version);
  CHECK(head.fields.size() == expected.fields);
  CHECK(head.framing.kind == expected.body);
  CHECK(head.framing.size == expected.size);
  CHECK(head.keep_alive == expected.keep_alive);
  CHECK(head.expects_continue == expected.expects_continue);
}

// A request of one field, so many bytes long in all.
std::string request_of(std::size_t bytes) {
  std::string text = "GET / HTTP/1.1\r\nHost: gate\r\nA: ";
  text.append(bytes - text.size() - 4, 'a');
  return text + "\r\n\r\n";
}

std::string request_with(const std::string& lines) { return "GET / HTTP/1.1\r\nHost: gate\r\n" + lines + "\r\n"; }

std::string field_lines(std::size_t count) {
  std::string lines;
  for (std::size_t i = 0; i < count; ++i) lines += "a: b\r\n";
  return lines;
}

bool clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

// The refusal, or Reason::none for a head that is accepted or incomplete.
Reason refusal(const std::string& bytes, const HeadLimits& with = limits) {
  RequestHead head;
  const auto parsed = parse_request_head(bytes, with, head);
  return parsed ? Reason::none : parsed.error().reason;
}

}  // namespace

TEST_CASE("a good request head is read as what it says") {
  REQUIRE(accepted_requests().size() >= 50);
  for (const auto& vector : accepted_requests()) {
    INFO(vector.name);
    RequestHead head;
    const auto length = parse_request_head(vector.bytes, limits, head);
    REQUIRE(length.has_value());
    REQUIRE(length->has_value());
    CHECK(**length == vector.bytes.size());
    check(head, vector);
  }
}

TEST_CASE("a good request head is complete at its last byte and no sooner") {
  RequestHead head;  // one for all: nothing of the last message may stay
  for (const auto& vector : accepted_requests()) {
    INFO(vector.name);
    for (std::size_t cut = 0; cut < vector.bytes.size(); ++cut) {
      INFO(cut);
      const auto length = parse_request_head(std::string_view(vector.bytes).substr(0, cut), limits, head);
      REQUIRE(length.has_value());
      REQUIRE_FALSE(length->has_value());
    }
    REQUIRE(parse_request_head(vector.bytes, limits, head).has_value());
    check(head, vector);
  }
}

TEST_CASE("what follows a request head is not looked at") {
  for (const auto& vector : accepted_requests()) {
    for (const std::string& next : {std::string("\r\n\r\n"), std::string("GET"), std::string(3, '\0'),
                                    std::string(" folded\r\n"), std::string(100'000, 'x')}) {
      INFO(vector.name);
      RequestHead head;
      const std::string bytes = vector.bytes + next;
      const auto length = parse_request_head(bytes, limits, head);
      REQUIRE(length.has_value());
      REQUIRE(*length == vector.bytes.size());
      check(head, vector);
    }
  }
}

TEST_CASE("a request that two servers could read differently is refused, whole or cut") {
  REQUIRE(refused_requests().size() >= 200);
  for (const auto& vector : refused_requests()) {
    INFO(vector.name);
    CHECK(name(refusal(vector.bytes)) == name(vector.reason));
    bool refused = false;
    for (std::size_t cut = 0; cut <= vector.bytes.size(); ++cut) {
      INFO(cut);
      const Reason reason = refusal(vector.bytes.substr(0, cut));
      REQUIRE((reason == vector.reason || (reason == Reason::none && !refused)));
      refused = refused || reason != Reason::none;
    }
  }
}

TEST_CASE("a head's views point into the bytes received") {
  const std::string bytes = "POST /a?b HTTP/1.1\r\nHost: gate\r\nX-Name:  value \r\n\r\n";
  RequestHead head;
  REQUIRE(parse_request_head(bytes, limits, head).has_value());
  const auto within = [&](std::string_view view) {
    return view.data() >= bytes.data() && view.data() + view.size() <= bytes.data() + bytes.size();
  };
  CHECK(within(head.method));
  CHECK(within(head.target));
  CHECK(within(head.path));
  CHECK(within(head.host));
  for (const Field& field : head.fields) {
    CHECK(within(field.name));
    CHECK(within(field.value));
  }
  CHECK(head.fields.find("x-NAME") == "value");
}

TEST_CASE("pipelined requests are read one after the other") {
  std::string bytes;
  for (const auto& vector : accepted_requests()) bytes += vector.bytes;
  std::string_view rest = bytes;
  RequestHead head;
  for (const auto& vector : accepted_requests()) {
    INFO(vector.name);
    const auto length = parse_request_head(rest, limits, head);
    REQUIRE(length.has_value());
    REQUIRE(length->has_value());
    check(head, vector);
    rest.remove_prefix(**length);
  }
  CHECK(rest.empty());
}

TEST_CASE("a request head may be as long as the limit and not one byte longer") {
  CHECK(refusal(request_of(limits.bytes)) == Reason::none);
  CHECK(refusal(request_of(limits.bytes + 1)) == Reason::head_too_large);

  SECTION("which shows before its end has come") {
    const std::string endless = request_of(2 * limits.bytes);
    CHECK(refusal(endless.substr(0, limits.bytes - 1)) == Reason::none);
    CHECK(refusal(endless.substr(0, limits.bytes)) == Reason::head_too_large);
  }
  SECTION("and an empty line first counts") {
    CHECK(refusal("\r\n" + request_of(limits.bytes - 2)) == Reason::none);
    CHECK(refusal("\r\n" + request_of(limits.bytes - 1)) == Reason::head_too_large);
  }
}

TEST_CASE("a request head may have as many fields as the limit and not one more") {
  CHECK(refusal(request_with(field_lines(limits.fields - 1))) == Reason::none);
  CHECK(refusal(request_with(field_lines(limits.fields))) == Reason::head_too_large);
}

TEST_CASE("a target may be as long as the limit and not one byte longer") {
  const auto request = [](std::size_t bytes) {
    return "GET /" + std::string(bytes - 1, 'a') + " HTTP/1.1\r\nHost: gate\r\n\r\n";
  };
  CHECK(refusal(request(limits.target_bytes)) == Reason::none);
  CHECK(refusal(request(limits.target_bytes + 1)) == Reason::target_too_long);
  CHECK(refusal(request(4 * limits.bytes)) == Reason::target_too_long);
  CHECK(refusal(request(limits.target_bytes + 1).substr(0, limits.target_bytes + 5)) == Reason::target_too_long);
}

TEST_CASE("a name may be as long as the limit and not one byte longer") {
  CHECK(refusal(request_with(std::string(limits.name_bytes, 'a') + ": b\r\n")) == Reason::none);
  CHECK(refusal(request_with(std::string(limits.name_bytes + 1, 'a') + ": b\r\n")) == Reason::head_too_large);
  const std::string endless = "GET / HTTP/1.1\r\n" + std::string(limits.name_bytes + 1, 'a');
  CHECK(refusal(endless) == Reason::head_too_large);
}

TEST_CASE("limits are the configuration's") {
  const HeadLimits small{.bytes = 60, .fields = 2, .target_bytes = 4, .name_bytes = 4};
  CHECK(refusal("GET /abc HTTP/1.1\r\nHost: gate\r\na: b\r\n\r\n", small) == Reason::none);
  CHECK(refusal("GET /abcd HTTP/1.1\r\nHost: gate\r\na: b\r\n\r\n", small) == Reason::target_too_long);
  CHECK(refusal("GET /abc HTTP/1.1\r\nHost: gate\r\na: b\r\nc: d\r\n\r\n", small) == Reason::head_too_large);
  CHECK(refusal("GET /abc HTTP/1.1\r\nHost: gate\r\nabcde: b\r\n\r\n", small) == Reason::head_too_large);
  const auto of_value = [](std::size_t bytes) {
    return "GET /abc HTTP/1.1\r\nHost: gate\r\na: " + std::string(bytes, 'b') + "\r\n\r\n";
  };
  CHECK(refusal(of_value(22), small) == Reason::none);
  CHECK(refusal(of_value(23), small) == Reason::head_too_large);
}

TEST_CASE("a wrong byte is refused before the head is complete") {
  CHECK(refusal("\x16") == Reason::malformed_request);
  CHECK(refusal(" ") == Reason::malformed_request);
  CHECK(refusal("GET  ") == Reason::malformed_request);
  CHECK(refusal("GET / HTTP/1.1\n") == Reason::malformed_request);
  CHECK(refusal("GET / HTTP/1.1\r\nHost: gate\r\nA : ") == Reason::malformed_request);
  CHECK(refusal("GET / HTTP/1.1\r\nHost: gate\r\n ") == Reason::malformed_request);
  CHECK(refusal("CONNECT gate:443 HTTP/1.1\r\n") == Reason::method_unsupported);
  CHECK(refusal("GET / HTTP/3.0\r\n") == Reason::version_unsupported);
}

TEST_CASE("whatever one wrong byte makes of a good head, nothing accepted carries a control byte") {
  const std::string wrong = std::string("\0\t\n\r\x0b\x0c\x1b\x7f\x80\x85\xa0\xff ,:;#%/@[\\_0a", 25);
  RequestHead head;
  for (const auto& vector : accepted_requests()) {
    for (std::size_t at = 0; at < vector.bytes.size(); ++at) {
      for (const char byte : wrong) {
        std::string bytes = vector.bytes;
        bytes[at] = byte;
        const auto length = parse_request_head(bytes, limits, head);
        if (!length || !*length) continue;
        INFO(bytes);
        REQUIRE(**length <= bytes.size());
        REQUIRE(clean(head.method));
        REQUIRE(clean(head.target));
        REQUIRE(clean(head.host));
        for (const Field& field : head.fields) REQUIRE((clean(field.name) && clean(field.value)));
        REQUIRE((head.minor_version == 0 || head.fields.count("host") == 1));
      }
    }
  }
}
