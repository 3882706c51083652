// The writer and the reader together: what goes in comes out, and how a log ends, rotates and goes on.
#include <fstream>

#include <nlohmann/json.hpp>

#include "tests/logging/log_fixture.hpp"
#include "tests/support/catch.hpp"

namespace sallyport::tests {

using logging::Durability;
using logging::SealedLog;

namespace {

std::vector<envelope::Recipient> recipients() { return {reader_key().recipient()}; }

}  // namespace

TEST_CASE("a sealed exchange is read back whole and the log is intact") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  const auto durability = GENERATE(Durability::buffered, Durability::written, Durability::synced);
  auto settings = log_settings(directory.where());
  settings.durability = durability;
  {
    SealedLog log(settings, recipients(), clock);
    REQUIRE(seal(log, "one", "the prompt", "the answer").has_value());
    REQUIRE(seal(log, "two", "", "only an answer").has_value());
    REQUIRE(seal(log, "three").has_value());
  }
  const ReadLog read = read_log(directory.where());
  REQUIRE(read.exchanges.size() == 3);
  CHECK(read.exchanges[0].request == "the prompt");
  CHECK(read.exchanges[0].response == "the answer");
  CHECK(read.exchanges[1].request.empty());
  CHECK(read.exchanges[1].response == "only an answer");
  CHECK(nlohmann::json::parse(read.exchanges[2].exchange.metadata)["request_id"] == "three");
  CHECK(read.troubles.empty());
  CHECK(findings_of(directory.where()).empty());
  CHECK(findings_of(directory.where(), &reader_key()).empty());
}

TEST_CASE("content over 64 KiB is handed on in pieces and comes back in one") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  const std::size_t size = GENERATE(64u * 1024 - 1, 64u * 1024, 64u * 1024 + 1, 1'000'000u);
  std::string request(size, 'q'), response(size / 2, 'a');
  request.back() = 'Q';
  response.back() = 'A';
  {
    SealedLog log(log_settings(directory.where()), recipients(), clock);
    REQUIRE(seal(log, "large", request, response).has_value());
    REQUIRE(seal(log, "small", "s", "t").has_value());
    CHECK(log.counters().queued_bytes == 0);
    CHECK(log.counters().records == 2);
  }
  const ReadLog read = read_log(directory.where());
  REQUIRE(read.exchanges.size() == 2);
  CHECK(read.exchanges[0].request == request);
  CHECK(read.exchanges[0].response == response);
  CHECK((read.exchanges[0].exchange.places.size() == 1) == (size <= 64u * 1024));
  CHECK(read.exchanges[1].request == "s");
}

TEST_CASE("of a large log only those segments are opened that can hold what is asked for") {
  const TemporaryDirectory directory;
  FakeClock clock;
  for (int day = 0; day < 10; ++day, clock.advance(std::chrono::hours(24))) {
    SealedLog log(log_settings(directory.where()), recipients(), clock);
    REQUIRE(seal(log, "day-" + std::to_string(day)).has_value());
  }
  const auto opened = [&](std::optional<int> since, std::optional<int> until) {
    const auto moment = [](std::optional<int> day) {
      return day ? std::optional(FakeClock::start + std::chrono::hours(24 * *day)) : std::nullopt;
    };
    logging::LogReader reader(directory.where(), reader_key(), nullptr, {moment(since), 0, moment(until)});
    while (reader.next()) {
    }
    return reader.segments_opened();
  };
  CHECK(opened({}, {}) == 10);
  CHECK(opened(7, {}) == 4);  // the one before may have ended with something that started later
  CHECK(opened({}, 2) == 4);  // what started then may have ended a day later
  CHECK(opened(4, 5) == 4);
}

}  // namespace sallyport::tests
