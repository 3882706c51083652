#include "auth/bucket.hpp"

#include "auth/token_file.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport::auth;
using namespace std::chrono_literals;
using sallyport::core::Duration;
using sallyport::core::TimePoint;

namespace {

const TimePoint start = TimePoint(1000h);

Bucket bucket_of(std::uint64_t per_minute) {
  Bucket bucket;
  bucket.set_allowance(per_minute, start);
  return bucket;
}

}  // namespace

TEST_CASE("a bucket holds one minute's allowance and not one more") {
  const std::uint64_t per_minute =
      GENERATE(std::uint64_t(1), std::uint64_t(7), std::uint64_t(60), std::uint64_t(999'999), max_per_minute);
  Bucket bucket = bucket_of(per_minute);
  CHECK(bucket.wait_for(per_minute) == Duration::zero());
  CHECK(bucket.take(per_minute) == per_minute);
  CHECK(bucket.standing().remaining == 0);
  CHECK(bucket.standing().reset == 1min);
  CHECK(bucket.wait_for(1) > Duration::zero());
}

TEST_CASE("what was spent is back exactly when the wait said so and not before") {
  Bucket bucket = bucket_of(7);
  bucket.take(7);
  const Duration wait = bucket.wait_for(1);
  bucket.refill(start + wait - 1us);
  CHECK(bucket.wait_for(1) > Duration::zero());
  bucket.refill(start + wait);
  CHECK(bucket.wait_for(1) == Duration::zero());
  CHECK(bucket.standing().remaining == 1);
}

TEST_CASE("many small steps bring as much as one large one") {
  Bucket small = bucket_of(1'000'003), large = bucket_of(1'000'003);
  small.take(1'000'003);
  large.take(1'000'003);
  TimePoint now = start;
  for (int i = 0; i < 10'000; ++i) small.refill(now += 777ns);
  large.refill(now);
  CHECK(small.standing().remaining == large.standing().remaining);
  CHECK(small.standing().reset == large.standing().reset);
}

TEST_CASE("an unused minute does not add up to more than one") {
  Bucket bucket = bucket_of(60);
  bucket.refill(start + 24h);
  CHECK(bucket.whole());
  CHECK(bucket.wait_for(60) == Duration::zero());
  CHECK(bucket.take(60) == 60);
  CHECK(bucket.wait_for(1) == 1s);
}

TEST_CASE("time that stands still or runs back brings nothing") {
  Bucket bucket = bucket_of(60);
  bucket.take(60);
  bucket.refill(start);
  bucket.refill(start - 1h);
  CHECK(bucket.wait_for(1) == 1s);
  bucket.refill(start + 1s);
  CHECK(bucket.wait_for(1) == Duration::zero());
}

TEST_CASE("more than a full bucket fits when it is full and leaves a debt") {
  Bucket bucket = bucket_of(100);
  CHECK(bucket.wait_for(250) == Duration::zero());
  CHECK(bucket.take(250) == 250);
  CHECK(bucket.standing().remaining == 0);
  CHECK(bucket.standing().reset == 150s);
  bucket.refill(start + 90s);
  CHECK(bucket.wait_for(1) == 600ms);
  Bucket other = bucket_of(100);
  other.take(1);
  CHECK(other.wait_for(250) == 600ms);
}

TEST_CASE("no debt is deeper than its bound") {
  Bucket bucket = bucket_of(100);
  CHECK(bucket.take(UINT64_MAX) == 600);
  CHECK(bucket.take(1) == 0);
  CHECK(bucket.standing().reset == 6min);
  bucket.refill(start + 6min);
  CHECK(bucket.whole());
}

TEST_CASE("what is given back fills the bucket and never overfills it") {
  Bucket bucket = bucket_of(100);
  bucket.take(80);
  bucket.give_back(30);
  CHECK(bucket.standing().remaining == 50);
  bucket.give_back(UINT64_MAX);
  CHECK(bucket.standing().remaining == 100);
  CHECK(bucket.whole());
}

TEST_CASE("the largest allowance survives its deepest debt and its return") {
  Bucket bucket = bucket_of(max_per_minute);
  const std::uint64_t taken = bucket.take(UINT64_MAX);
  CHECK(taken == 6 * max_per_minute);
  bucket.refill(start + 1min);
  bucket.give_back(taken);
  CHECK(bucket.whole());
}

TEST_CASE("without an allowance everything fits and nothing is counted") {
  Bucket bucket = bucket_of(0);
  CHECK_FALSE(bucket.limited());
  CHECK(bucket.whole());
  CHECK(bucket.wait_for(UINT64_MAX) == Duration::zero());
  CHECK(bucket.take(5) == 0);
  bucket.give_back(5);
  bucket.refill(start + 1h);
  CHECK(bucket.whole());
}

TEST_CASE("a changed allowance counts at once and what was spent stays spent") {
  Bucket bucket = bucket_of(100);
  bucket.take(90);
  SECTION("more") {
    bucket.set_allowance(1000, start);
    CHECK(bucket.standing().remaining == 910);
  }
  SECTION("less, which leaves a debt") {
    bucket.set_allowance(10, start);
    CHECK(bucket.wait_for(1) > Duration::zero());
    CHECK(bucket.standing().limit == 10);
    bucket.refill(start + 6min);
    CHECK(bucket.whole());
  }
  SECTION("none, and then one again, begins full") {
    bucket.set_allowance(0, start);
    bucket.set_allowance(50, start + 1s);
    CHECK(bucket.standing().remaining == 50);
  }
  SECTION("one above the most counts as the most") {
    bucket.set_allowance(UINT64_MAX, start);
    CHECK(bucket.standing().limit == max_per_minute);
  }
}
