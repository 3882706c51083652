#include "logging/record.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "logging/json_text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"

namespace sallyport::tests {

using logging::append_quoted;

namespace {

std::string json_text_of(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

std::string time_text(core::WallTime time) {
  std::string out;
  logging::append_time(out, time);
  return out;
}

}  // namespace

TEST_CASE("a record is one JSON object with its keys in order and absent values left out") {
  logging::Record record;
  record.request_id = "r-1";
  record.started = FakeClock::start;
  record.duration = std::chrono::milliseconds(1500);
  record.outcome = core::Reason::upstream_closed;
  std::string out = "before ";
  logging::append_json(out, record);
  CHECK(out ==
        "before {\"request_id\":\"r-1\",\"started\":\"2026-01-02T03:00:00.000000Z\",\"duration_us\":1500000,"
        "\"status\":0,\"outcome\":\"upstream_closed\",\"streamed\":false,\"request_bytes\":0,\"response_bytes\":0,"
        "\"attempts\":0,\"content_kept\":false}");
}

TEST_CASE("a full record parses back to what it held") {
  logging::Record record;
  record.request_id = "a\"b\\c\n\x01";
  record.path = "/v1/\xff/x";
  record.model = "gr\xc3\xbc\xc3\x9f";
  record.first_byte = std::chrono::microseconds(42);
  record.prompt_tokens = 1;
  record.completion_tokens = 2;
  record.total_tokens = 3;
  record.status = 200;
  std::string out;
  logging::append_json(out, record);
  const auto json = nlohmann::json::parse(out, nullptr, false);
  REQUIRE(json.is_object());
  CHECK(json["request_id"] == record.request_id);
  CHECK(json["path"] == "/v1/\xef\xbf\xbd/x");
  CHECK(json["model"] == record.model);
  CHECK(json["first_byte_us"] == 42);
  CHECK(json["total_tokens"] == 3);
}

TEST_CASE("an object in a text of any length is whole, whatever needs escapes in it") {
  for (std::size_t size = 0; size < 300; ++size) {
    INFO(size);
    const std::string plain(size, 'x'), quoted = std::string(size, 'x') + '"', before(size % 40, ' ');
    std::string out = before;
    {
      logging::JsonObject json(out);
      json.text("plain", plain);
      json.text("quoted", quoted);
      json.boolean("yes", true);
      json.text("cut", std::string(logging::max_json_text + size, 'y'));
      json.integer("least", std::numeric_limits<std::int64_t>::min());
      json.integer("most", std::numeric_limits<std::uint64_t>::max());
      json.time("time", core::WallTime{});
    }
    REQUIRE(out == before + R"({"plain":")" + plain + R"(","quoted":")" + plain + R"(\"","yes":true,"cut":")" +
                       std::string(logging::max_json_text, 'y') +
                       R"(","least":-9223372036854775808,"most":18446744073709551615,)" +
                       R"("time":"1970-01-01T00:00:00.000000Z"})");
  }
}

TEST_CASE("any bytes become valid JSON text") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; second += 5) {
      const std::string text{static_cast<char>(first), static_cast<char>(second), 'x'};
      const auto json = nlohmann::json::parse(json_text_of(text), nullptr, false);
      REQUIRE(json.is_string());
    }
  }
}

TEST_CASE("what is not UTF-8 is replaced, what is stays") {
  const std::string replaced = "\"\xef\xbf\xbd\"";
  CHECK(json_text_of("\x80") == replaced);
  CHECK(json_text_of("\xc1\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\"");                  // overlong
  CHECK(json_text_of("\xed\xa0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // a surrogate
  CHECK(json_text_of("\xf0\x9f\x9a\xaa") == "\"\xf0\x9f\x9a\xaa\"");
  CHECK(json_text_of("\xf4\x90\x80\x80").find("\xf4") == std::string::npos);  // past U+10FFFF
}

TEST_CASE("a text at its limit is kept and one over is cut") {
  const std::string most(logging::max_json_text, 'x');
  CHECK(json_text_of(most).size() == most.size() + 2);
  CHECK(json_text_of(most + 'y') == json_text_of(most));
}

TEST_CASE("times are RFC 3339 in UTC with microseconds") {
  CHECK(time_text(core::WallTime{}) == "1970-01-01T00:00:00.000000Z");
  CHECK(time_text(FakeClock::start + std::chrono::microseconds(250) + std::chrono::hours(20) +
                  std::chrono::seconds(3599)) == "2026-01-02T23:59:59.000250Z");
}

}  // namespace sallyport::tests
