#include "core/error.hpp"

#include <set>
#include <string>
#include <type_traits>

#include "core/result.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport::core;

TEST_CASE("every reason has a name of its own, fit for a metric's label") {
  std::set<std::string> seen;
  for (unsigned i = 0; i <= static_cast<unsigned>(Reason::internal); ++i) {
    const std::string text(name(static_cast<Reason>(i)));
    INFO(text);
    CHECK(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
    CHECK(seen.insert(text).second);
  }
  CHECK(name(Reason::upstream_certificate_name) == "upstream_certificate_name");
  CHECK(name(static_cast<Reason>(255)) == "unknown");
}

TEST_CASE("an error is a small plain value") {
  CHECK(std::is_trivially_copyable_v<Error>);
  CHECK(sizeof(Error) <= 8);
  const Result<int> failed = Error{Reason::timeout, 110};
  REQUIRE(failed.has_error());
  CHECK(failed.error() == Error{Reason::timeout, 110});
  CHECK_FALSE(failed.error() == Error{Reason::timeout});
}
