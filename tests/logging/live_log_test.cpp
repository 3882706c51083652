// A log is read while its gateway removes segments: each removal comes at a chosen moment.
#include "logging/live_log.hpp"

#include "logging/checkpoint.hpp"
#include "logging/retention.hpp"
#include "logging/rewrap.hpp"
#include "tests/logging/dying_log.hpp"

namespace sallyport::tests {

using namespace logging;
using Names = std::vector<std::string>;

namespace {

// One exchange over three segments and more.
struct LongLog : SignedLog {
  LongLog() {
    auto small = settings();
    small.segment_bytes = 70'000;
    SealedLog writer(small, {reader_key().recipient()}, clock);
    REQUIRE(seal(writer, "long", std::string(200'000, 'x')).has_value());
  }
};

}  // namespace

TEST_CASE("what the gateway removes while its log is read is said, and is no trouble") {
  const DyingLog log;
  KeyAtFirstUse key([&] { log.remove({1, 2}); });
  Names told;
  LogReader reader(log.log, key, [&](std::uint64_t segment, const std::string& words) {
    told.push_back(std::to_string(segment) + ": " + words);
  });
  int shown = 0;
  while (reader.next()) ++shown;
  CHECK(shown == 6);
  CHECK(reader.troubles() == 0);
  const std::string removed = "it was removed by its gateway, and a signed tombstone says so";
  CHECK(told == Names{"1: " + removed, "2: " + removed});
}

TEST_CASE("a segment whose key block the gateway has removed just now is as good as removed") {
  const DyingLog log;
  KeyAtFirstUse key([&] { fs::remove(log.keys(2)); });
  const ReadLog read = read_log(log.log, key);
  CHECK(read.exchanges.size() == 9);
  CHECK(read.troubles == Names{"2: it was removed by its gateway, and a signed tombstone says so"});
}

TEST_CASE("a segment that goes without a tombstone while the log is read is named") {
  const DyingLog log;
  std::vector<std::uint64_t> gone;
  SECTION("the first") { gone = {1}; }
  SECTION("one in the middle") { gone = {4}; }
  SECTION("the last that was there") { gone = {5}; }
  const bool tombstone_too = gone[0] == 5;  // it stands in there
  if (gone[0] == 1) fs::remove(log.segment(5));
  KeyAtFirstUse key([&] {
    for (const std::uint64_t number : gone) log.remove({number});
  });
  const ReadLog read = read_log(log.log, key);
  CHECK(read.exchanges.size() == (tombstone_too ? 12 : 9));
  CHECK(read.troubles == Names{std::to_string(gone[0]) + ": it is not there"});
}

TEST_CASE("an exchange whose first piece is removed before its content is read is shown as cut") {
  LongLog log;
  const std::uint64_t last = list_segments(log.log).back().number;
  const bool by_gateway = GENERATE(true, false);
  Names told;
  LogReader reader(log.log, reader_key(), [&](std::uint64_t segment, const std::string& words) {
    told.push_back(std::to_string(segment) + ": " + words);
  });
  std::optional<Exchange> exchange;
  while (!exchange || exchange->metadata.find("\"long\"") == std::string::npos) {
    exchange = reader.next();
    REQUIRE(exchange);
  }
  const std::uint64_t first = exchange->places.front().segment;
  if (by_gateway) {
    auto keeping = log.settings();
    keeping.retention.bytes = 1;
    SealedLog writer(keeping, {reader_key().recipient()}, log.clock);
    REQUIRE(writer.counters().removed == last);
  } else {
    fs::remove(log.segment(first));
    fs::remove(log.keys(first));
  }
  CHECK_FALSE(exchange->cut);
  const auto body = reader.content(*exchange, PartType::request_body);
  REQUIRE(body);
  CHECK(body->size() < 200'000);
  CHECK(body->empty() == by_gateway);  // all of it went
  CHECK(exchange->cut);
  CHECK(reader.troubles() == (by_gateway ? 0 : 1));
}

TEST_CASE("a segment that goes without a tombstone while the log is verified is named") {
  const DyingLog log;
  const std::uint64_t gone = GENERATE(3, 4, 5);
  KeyAtFirstUse key([&] { log.remove({gone}); });
  auto options = log.by_signer();
  options.holder = &key;
  const Names found = log.findings(options);
  CHECK(std::count(found.begin(), found.end(), "missing@" + std::to_string(gone)) == 1);
}

TEST_CASE("verification of a log that nobody writes goes on when a segment is taken away") {
  const SignedLog log;
  KeyAtFirstUse key([&] {
    for (const std::uint64_t number : {1, 2, 3, 4}) fs::remove(log.segment(number)), fs::remove(log.keys(number));
  });
  auto options = log.by_signer();
  options.holder = &key;
  CHECK(log.findings(options) == Names{"missing@1", "missing@2", "missing@4"});
}

TEST_CASE("a rewrap leaves no key block behind of a segment that is removed under it") {
  const DyingLog log;
  KeyAtFirstUse key([&] { log.remove({1}); });
  RewrapPlan plan;
  plan.add = {other_key().recipient()};
  (void)rewrap_segment(log.segment(1), key, plan);
  CHECK_FALSE(fs::exists(log.keys(1)));
}

TEST_CASE("retention removes what a rewrap left in its way, finished or not") {
  const DyingLog log;
  const path unfinished = log.keys(2).string() + ".new", later = log.keys(3).string() + ".new";
  fs::remove(log.segment(1));
  for (const path& file : {unfinished, later}) write_file(file, "half a key block");
  CHECK(remove_segments(log.log, 2) == 1);
  for (const path& file : {log.keys(1), log.keys(2), unfinished}) CHECK_FALSE(fs::exists(file));
  CHECK(fs::exists(later));
}

TEST_CASE("a removal is known by its tombstone, of the signer that the segment names, and by no other") {
  const DyingLog log;
  CHECK(Removals(log.log, 5).cover(2));
  CHECK_FALSE(Removals(log.log, 5).cover(3));
  const auto put = [&](const NoteSigner& by, std::uint64_t last, const std::string& origin) {
    const auto note = by.sign(text_of(Tombstone{origin, last, SegmentId{}, "age", "2026-01-02T03:00:00.000000Z"}));
    auto frames = frame_bytes(log.segment(5));
    frames.push_back(note_frame(FrameKind::tombstone, note));
    std::swap(frames[frames.size() - 1], frames[frames.size() - 2]);
    rechain(log.segment(5), std::move(frames));
  };
  SECTION("another's") { put(other_signer(), 3, "gateway-1"); }
  SECTION("of another log") { put(log_signer(), 3, "gateway-2"); }
  SECTION("of its own segment and those behind it") { put(log_signer(), 5, "gateway-1"); }
  Removals removals(log.log, 5);
  CHECK_FALSE(removals.cover(3));
  CHECK(removals.cover(1));
  put(log_signer(), 3, "gateway-1");
  CHECK(removals.cover(3));  // it came since
}

}  // namespace sallyport::tests
