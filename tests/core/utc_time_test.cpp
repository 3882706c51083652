#include "core/utc_time.hpp"

#include "tests/support/catch.hpp"

using namespace sallyport::core;
using namespace std::chrono_literals;

TEST_CASE("a time is written in UTC to the second and read back the same") {
  const auto time = WallTime(std::chrono::sys_days(std::chrono::year(2027) / 1 / 31)) + 8h + 5min + 9s;
  CHECK(format_utc(time) == "2027-01-31T08:05:09Z");
  CHECK(format_utc(time + 999ms) == "2027-01-31T08:05:09Z");
  CHECK(parse_utc("2027-01-31T08:05:09Z") == time);
}

TEST_CASE("a date stands for its first instant") {
  CHECK(parse_utc_date("1970-01-01") == WallTime{});
  CHECK(parse_utc_date("2027-01-31") == parse_utc("2027-01-31T00:00:00Z"));
}

TEST_CASE("the last year that fits is read and the next one is not") {
  CHECK(format_utc(parse_utc("2261-12-31T23:59:59Z").value()) == "2261-12-31T23:59:59Z");
  CHECK_FALSE(parse_utc("2262-01-01T00:00:00Z"));
  CHECK_FALSE(parse_utc("1969-12-31T23:59:59Z"));
  CHECK_FALSE(parse_utc_date("9999-01-01"));
}

TEST_CASE("leap days exist in leap years alone") {
  CHECK(parse_utc_date("2028-02-29"));
  CHECK(parse_utc_date("2000-02-29"));
  CHECK_FALSE(parse_utc_date("2027-02-29"));
  CHECK_FALSE(parse_utc_date("2100-02-29"));
}

TEST_CASE("every other spelling of a time is refused") {
  for (const char* text :
       {"", "2027-01-31", "2027-01-31T08:00:00", "2027-01-31T08:00:00z", "2027-01-31t08:00:00Z", "2027-01-31 08:00:00Z",
        "2027-01-31T08:00:00+00:00", "2027-01-31T08:00:00.0Z", "2027-13-01T00:00:00Z", "2027-00-01T00:00:00Z",
        "2027-01-00T00:00:00Z", "2027-04-31T00:00:00Z", "2027-01-31T24:00:00Z", "2027-01-31T08:60:00Z",
        "2027-01-31T08:00:60Z", "+027-01-31T08:00:00Z", "2027-1-31T08:00:00Z", " 2027-01-31T08:00:00Z"}) {
    INFO("time: " << text);
    CHECK_FALSE(parse_utc(text));
  }
}
