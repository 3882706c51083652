#include "core/text.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include "tests/support/catch.hpp"

using sallyport::core::Digits;

namespace {

template <class Number>
std::string written(Number number, Digits::Base base = Digits::decimal) {
  return std::string(std::string_view(Digits(number, base)));
}

constexpr auto least = std::numeric_limits<std::int64_t>::min();
constexpr auto most = std::numeric_limits<std::uint64_t>::max();

}  // namespace

TEST_CASE("the longest integers are written whole, in each base there is") {
  CHECK(written(0) == "0");
  CHECK(written(least) == "-9223372036854775808");
  CHECK(written(most) == "18446744073709551615");
  CHECK(written(least, Digits::hexadecimal) == "-8000000000000000");
  CHECK(written(most, Digits::hexadecimal) == "ffffffffffffffff");
}

TEST_CASE("no number is taken for a base: in base 8 the longest integer would not fit") {
  CHECK_FALSE(std::is_constructible_v<Digits, std::uint64_t, int>);
  CHECK(std::is_constructible_v<Digits, std::uint64_t, Digits::Base>);
}

TEST_CASE("letters are equal but for their case in ASCII alone, and texts of another length never") {
  using sallyport::core::equal_ignoring_case;
  CHECK(equal_ignoring_case("Bearer-09[]", "bEARER-09[]"));
  CHECK_FALSE(equal_ignoring_case("[", "{"));
  CHECK_FALSE(equal_ignoring_case("@", "`"));
  CHECK_FALSE(equal_ignoring_case("\xc3\x84", "\xc3\xa4"));
  CHECK_FALSE(equal_ignoring_case("bearer", "bearer "));
}
