#include "gateway/shared_count.hpp"

#include "auth/token_file.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::gateway;

namespace {

std::string word(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

}  // namespace

TEST_CASE("a command names every principal's key, then what is allowed, what was spent and what was owed before") {
  const auth::Spent spent[] = {{"tk-1", 60, 0, 2, 0, {1500, 0}}, {"cert:b", 0, 1000, 0, -300, {0, 7}}};
  const std::string command = count_command("a:", spent);
  CHECK(command.starts_with("*17\r\n" + word("EVAL")));
  CHECK(command.ends_with(word("2") + word("a:tk-1") + word("a:cert:b") + word("60") + word("0") + word("2") +
                          word("0") + word("1500") + word("0") + word("0") + word("1000") + word("0") + word("-300") +
                          word("0") + word("7")));
}

TEST_CASE("a command about nobody has no keys") {
  const std::string command = count_command("a:", {});
  CHECK(command.starts_with("*3\r\n"));
  CHECK(command.ends_with(word("0")));
}

TEST_CASE("an answer has two numbers for each principal, none of which a bucket could not owe") {
  constexpr std::int64_t most = 6000 * std::int64_t{auth::max_per_minute};
  const std::vector<std::int64_t> good = {1000, 0, 0, most};
  const auto owed = read_counts(good, 2);
  REQUIRE(owed.has_value());
  CHECK(owed->at(0).requests == 1000);
  CHECK(owed->at(1).tokens == most);
  CHECK_FALSE(read_counts(good, 1).has_value());
  CHECK_FALSE(read_counts(good, 3).has_value());
  CHECK_FALSE(read_counts(std::vector<std::int64_t>{0, -1}, 1).has_value());
  CHECK_FALSE(read_counts(std::vector<std::int64_t>{most + 1, 0}, 1).has_value());
  CHECK(read_counts({}, 0).has_value());
}
