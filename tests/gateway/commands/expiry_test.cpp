#include "gateway/commands/expiry.hpp"

#include "core/utc_time.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace std::chrono_literals;
using gateway::parse_expiry;

namespace {

const core::WallTime now = core::parse_utc("2026-01-31T12:00:00Z").value();

}  // namespace

TEST_CASE("a duration counts from now") {
  CHECK(parse_expiry("1m", now) == now + 1min);
  CHECK(parse_expiry("12h", now) == now + 12h);
  CHECK(parse_expiry("30d", now) == now + 30 * 24h);
}

TEST_CASE("a date stands for its first instant in UTC") {
  CHECK(parse_expiry("2027-01-31", now) == core::parse_utc("2027-01-31T00:00:00Z"));
}

TEST_CASE("what is not after now is refused") {
  CHECK_FALSE(parse_expiry("0d", now));
  CHECK_FALSE(parse_expiry("2026-01-31", now));
  CHECK(parse_expiry("2026-02-01", now));
}

TEST_CASE("a century is the longest duration") {
  CHECK(parse_expiry("36600d", now));
  CHECK_FALSE(parse_expiry("36601d", now));
  CHECK_FALSE(parse_expiry("52704001m", now));
  CHECK_FALSE(parse_expiry("99999999999999999999d", now));
}

TEST_CASE("every other text is refused") {
  for (const char* text : {"", "d", "30", "30s", "30 d", " 30d", "30d ", "-1d", "+1d", "1.5d", "0x1d", "30D", "1d12h",
                           "never", "2027-02-30", "2027/01/31", "2027-01-31T00:00:00Z"}) {
    INFO("text: " << text);
    CHECK_FALSE(parse_expiry(text, now));
  }
}
