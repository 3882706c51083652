// When a segment ends and the next begins.
#include "tests/logging/failing_storage.hpp"
#include "tests/logging/log_fixture.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/waiting.hpp"

namespace sallyport::tests {

using logging::SealedLog;

namespace {

std::vector<envelope::Recipient> recipients() { return {reader_key().recipient()}; }

}  // namespace

TEST_CASE("a segment is rotated before it grows over its size") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  auto settings = log_settings(directory.where());
  settings.segment_bytes = 20'000;
  {
    SealedLog log(settings, recipients(), clock);
    for (int i = 0; i < 20; ++i) REQUIRE(seal(log, std::to_string(i), std::string(3000, 'x')).has_value());
    CHECK(log.counters().segments == 4);
  }
  const auto report = logging::verify_log(directory.where(), &reader_key());
  CHECK(report.findings.empty());
  REQUIRE(report.segments.size() == 4);
  for (const auto& segment : report.segments) {
    CHECK(segment.sealed);
    CHECK(segment.bytes < 21'000);  // the end frame comes on top
  }
  CHECK(read_log(directory.where()).exchanges.size() == 20);
}

TEST_CASE("the kernel may forget a segment's bytes once it has ended and they are on disk, and of a failed one never") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  auto settings = log_settings(directory.where());
  settings.segment_bytes = 20'000;
  Disk disk;
  {
    SealedLog log(settings, recipients(), clock, std::make_unique<MoodyStorage>(disk, directory.where()));
    for (int i = 0; i < 20; ++i) REQUIRE(seal(log, std::to_string(i), std::string(3000, 'x')).has_value());
    CHECK(disk.forgotten == 3);
    disk.mood = Disk::Mood::cuts_writes;
    CHECK_FALSE(seal(log, "lost").has_value());
    CHECK(disk.forgotten == 3);
    disk.mood = Disk::Mood::working;
  }
  CHECK(disk.forgotten == 4);
  CHECK(disk.forgotten_unsynced == 0);
}

TEST_CASE("a segment is rotated by its age, an empty one is not") {
  const TemporaryDirectory directory;
  FakeClock clock;
  auto settings = log_settings(directory.where());
  settings.segment_age = std::chrono::minutes(5);
  settings.stall_limit = std::chrono::hours(24);  // the test's clock may jump in the middle of a write
  SealedLog log(settings, recipients(), clock);
  clock.advance(std::chrono::minutes(6));
  REQUIRE(seal(log, "first").has_value());  // the age counts from here
  clock.advance(settings.segment_age - std::chrono::nanoseconds(1));
  REQUIRE(seal(log, "second").has_value());
  CHECK(log.counters().segments == 1);
  clock.advance(std::chrono::nanoseconds(1));
  REQUIRE(seal(log, "third").has_value());
  CHECK(log.counters().segments == 2);
}

TEST_CASE("an aged segment ends also when nothing more comes") {
  const TemporaryDirectory directory;
  FakeClock clock;
  const auto settings = log_settings(directory.where());
  SealedLog log(settings, recipients(), clock);
  REQUIRE(seal(log, "only").has_value());
  clock.advance(settings.segment_age);
  CHECK(eventually([&] { return log.counters().segments == 2; }));
}

TEST_CASE("new recipients open the next segment, which starts at once, and not the one before") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  {
    SealedLog log(log_settings(directory.where()), recipients(), clock);
    REQUIRE(seal(log, "before").has_value());
    log.set_recipients({other_key().recipient()});
    CHECK(eventually([&] { return log.counters().segments == 2; }));
    REQUIRE(seal(log, "after").has_value());
  }
  const ReadLog old_reader = read_log(directory.where());
  CHECK(old_reader.has("before"));
  CHECK(!old_reader.has("after"));
  REQUIRE(old_reader.troubles.size() == 1);
  CHECK(old_reader.troubles[0] == "2: it is sealed to other keys");
  const ReadLog new_reader = read_log(directory.where(), other_key());
  CHECK(new_reader.has("after"));
  CHECK(!new_reader.has("before"));
}

TEST_CASE("a log goes on in a new segment after a restart, and a directory keeps to one origin and one writer") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  for (int run = 0; run < 3; ++run) {
    SealedLog log(log_settings(directory.where()), recipients(), clock);
    REQUIRE(seal(log, "run-" + std::to_string(run)).has_value());
    CHECK_THROWS_AS(SealedLog(log_settings(directory.where()), recipients(), clock), std::runtime_error);
  }
  CHECK(findings_of(directory.where(), &reader_key()).empty());
  const ReadLog read = read_log(directory.where());
  CHECK(read.exchanges.size() == 3);
  CHECK(read.exchanges[0].exchange.number != read.exchanges[1].exchange.number);

  auto other = log_settings(directory.where());
  other.origin = "gateway-2";
  CHECK_THROWS_AS(SealedLog(other, recipients(), clock), std::runtime_error);
}

TEST_CASE("an exchange that is longer than a segment is read across them") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  auto settings = log_settings(directory.where());
  settings.segment_bytes = 100'000;
  const std::string request(500'000, 'q');
  {
    SealedLog log(settings, recipients(), clock);
    REQUIRE(seal(log, "long", request, "short").has_value());
  }
  CHECK(findings_of(directory.where(), &reader_key()).empty());
  const ReadLog read = read_log(directory.where());
  REQUIRE(read.exchanges.size() == 1);
  CHECK(read.exchanges[0].request == request);
  CHECK(read.exchanges[0].response == "short");
  CHECK(logging::list_segments(directory.where()).size() >= 5);
}

}  // namespace sallyport::tests
