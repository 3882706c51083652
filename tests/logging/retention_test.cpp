// Segments that have had their time go, and a signed tombstone says so.
#include "logging/retention.hpp"

#include "logging/checkpoint.hpp"
#include "tests/logging/signed_log.hpp"
#include "tests/logging/tampering.hpp"
#include "tests/support/waiting.hpp"

namespace sallyport::tests {

using namespace logging;
using Names = std::vector<std::string>;

namespace {

// Four segments, an hour apart, and one that is being written.
struct AgingLog : SignedLog {
  AgingLog() : SignedLog(log_signer(), std::chrono::hours(1)) {}

  LogSettings keeping(core::Duration age, std::uint64_t bytes = 0) const {
    auto all = settings();
    all.retention = {age, bytes};
    all.stall_limit = std::chrono::hours(24);
    return all;
  }
  // Runs a writer until it has removed `count` segments.
  void run(const LogSettings& how, std::uint64_t count) {
    SealedLog writer(how, {reader_key().recipient()}, clock);
    CHECK(writer.counters().removed == count);
    CHECK(writer.counters().removal_errors == 0);
  }
};

}  // namespace

TEST_CASE("segments older than the age are removed, and verify says so and is content") {
  AgingLog log;
  log.run(log.keeping(std::chrono::minutes(90)), 2);
  CHECK_FALSE(fs::exists(log.segment(2)));
  CHECK_FALSE(fs::exists(log.keys(2)));
  CHECK(fs::exists(log.segment(3)));
  for (const auto& options : {log.by_signer(), VerifyOptions{}}) {
    const auto report = verify_log(log.log, options);
    CHECK(report.good());
    REQUIRE(report.findings.size() == 1);
    CHECK(name(report.findings[0].kind) == "removed");
    CHECK(report.findings[0].segment == 2);
    CHECK(report.findings[0].words.find("segments 1 to 2 were removed by age") == 0);
  }
  CHECK(log.kept_findings() == Names{"removed@2"});
  CHECK(read_log(log.log).exchanges.size() == 6);
}

TEST_CASE("segments past the size are removed, never the open one") {
  AgingLog log;
  const auto size = fs::file_size(log.segment(4));
  SECTION("two are kept, and the new one") {
    log.run(log.keeping({}, 2 * size + size / 2), 2);
    CHECK(log.signed_findings() == Names{"removed@2"});
  }
  SECTION("not one is small enough") {
    log.run(log.keeping({}, 1), 4);
    CHECK(log.signed_findings() == Names{"removed@4"});
    CHECK(fs::exists(log.segment(5)));
  }
}

TEST_CASE("each tombstone covers those before it, so the segments that hold the old ones may go too") {
  AgingLog log;
  log.run(log.keeping(std::chrono::minutes(90)), 2);
  for (std::uint64_t hour = 0; hour < 4; ++hour) {
    log.clock.advance(std::chrono::hours(1));
    log.run(log.keeping(std::chrono::minutes(90)), 1);
    CHECK(log.signed_findings() == Names{"removed@" + std::to_string(3 + hour)});
  }
}

TEST_CASE("an idle log is looked through too") {
  AgingLog log;
  SealedLog writer(log.keeping(std::chrono::hours(24)), {reader_key().recipient()}, log.clock);
  CHECK(writer.counters().removed == 0);
  log.clock.advance(std::chrono::hours(12));
  REQUIRE(eventually([&] { return writer.counters().segments == 2; }));  // so that time can be seen to pass
  CHECK(writer.counters().removed == 0);
  log.clock.advance(std::chrono::hours(13));
  CHECK(eventually([&] { return writer.counters().removed == 4; }));
}

TEST_CASE("a clock that jumps makes no segment older than a day, however often the gateway starts under it") {
  AgingLog log;
  const auto day_and_half = log.keeping(std::chrono::hours(36));
  const auto decade = std::chrono::hours(10 * 365 * 24);
  SECTION("at a start") {
    log.clock.step_wall(decade);
    for (int start = 0; start < 3; ++start) log.run(day_and_half, 0);
    log.clock.step_wall(-decade);
    for (int start = 0; start < 3; ++start) log.run(day_and_half, 0);
  }
  SECTION("while it runs") {
    SealedLog writer(day_and_half, {reader_key().recipient()}, log.clock);
    log.clock.step_wall(decade);
    writer.set_recipients({reader_key().recipient()});  // another segment begins
    REQUIRE(eventually([&] { return writer.counters().segments == 2; }));
    log.clock.advance(std::chrono::minutes(11));
    REQUIRE(eventually([&] { return writer.counters().checkpoints > 4; }));
    CHECK(writer.counters().removed == 0);
  }
  SECTION("and what is old by the log's own time goes all the same") {
    log.clock.step_wall(decade);
    log.run(log.keeping(std::chrono::hours(25)), 1);  // a day for the jump, and more than an hour that was seen to pass
    CHECK(log.signed_findings() == Names{"removed@1"});
  }
}

TEST_CASE("time in which nobody wrote counts as a day at most") {
  AgingLog log;
  log.clock.advance(std::chrono::hours(7 * 24));
  log.run(log.keeping(std::chrono::hours(48)), 0);
  log.clock.advance(std::chrono::hours(7 * 24));
  log.run(log.keeping(std::chrono::hours(48)), 2);
}

TEST_CASE("nothing is removed without a limit, or without a signer") {
  AgingLog log;
  log.run(log.settings(), 0);
  auto unsigned_log = log.keeping(std::chrono::nanoseconds(1));
  unsigned_log.checkpoints = {};
  log.run(unsigned_log, 0);
}

TEST_CASE("a removal that was cut short by a crash is no finding, and is finished at the next start") {
  AgingLog log;
  const core::Bytes segment = bytes_of_file(log.segment(2));
  log.run(log.keeping(std::chrono::minutes(90)), 2);
  write_bytes(log.segment(2), segment);  // its key block went first
  CHECK(log.signed_findings() == Names{"removed@2"});
  log.run(log.keeping(std::chrono::minutes(90)), 1);
  CHECK_FALSE(fs::exists(log.segment(2)));
  CHECK(log.signed_findings() == Names{"removed@2"});
}

TEST_CASE("what the gateway removes while its log is verified is no finding but the tombstone's") {
  AgingLog log;
  SealedLog writer(log.keeping(std::chrono::hours(24)), {reader_key().recipient()}, log.clock);
  // The tombstone comes into a segment that is not.
  KeyAtFirstUse holder([&] {
    log.clock.advance(std::chrono::hours(12));
    REQUIRE(eventually([&] { return writer.counters().segments == 2; }));
    log.clock.advance(std::chrono::hours(13));
    REQUIRE(eventually([&] { return writer.counters().removed == 4; }));
  });
  auto options = log.by_signer();
  options.holder = &holder;
  const auto report = verify_log(log.log, options);
  CHECK(report.good());
  Names found;
  for (const auto& finding : report.findings) found.emplace_back(name(finding.kind));
  CHECK(std::count(found.begin(), found.end(), "removed") == 1);
}

TEST_CASE("attacks on tombstones have their verdicts") {
  AgingLog log;
  const auto tombstone = [&](std::uint64_t last, const SegmentId& id, const NoteSigner& by) {
    return by.sign(text_of(Tombstone{"gateway-1", last, id, "age", "2026-01-02T03:00:00.000000Z"}));
  };
  const auto id_of = [&](std::uint64_t number) {
    FileSource source(log.segment(number));
    FrameWalker walker(source);
    REQUIRE(walker.open() == HeaderProblem::none);
    return walker.header().header.id;
  };
  const SegmentId second = id_of(2);
  const auto put_last = [&](std::string_view note) {  // before the last segment's end, all chained anew
    auto frames = frame_bytes(log.segment(4));
    frames.insert(frames.end() - 1, note_frame(FrameKind::tombstone, note));
    rechain(log.segment(4), std::move(frames));
  };
  SECTION("segments removed without one") {
    fs::remove(log.segment(1));
    CHECK(log.signed_findings() == Names{"missing@1"});
  }
  SECTION("more removed than it says") {
    log.run(log.keeping(std::chrono::minutes(90)), 2);
    fs::remove(log.segment(3));
    CHECK(log.signed_findings() == Names{"removed@2", "missing@3"});
  }
  SECTION("one of the middle removed behind it") {
    log.run(log.keeping(std::chrono::minutes(90)), 2);
    fs::remove(log.segment(4));
    CHECK(log.signed_findings() == Names{"removed@2", "missing@4"});
  }
  SECTION("signed by another") {
    for (const std::uint64_t number : {1, 2}) fs::remove(log.segment(number));
    put_last(tombstone(2, second, other_signer()));
    CHECK(log.signed_findings() == Names{"wrong-signer@4", "missing@1", "missing@2"});
  }
  SECTION("the signer's own, of another log of the same name") {
    for (const std::uint64_t number : {1, 2}) fs::remove(log.segment(number));
    put_last(tombstone(2, SegmentId{}, log_signer()));
    CHECK(log.signed_findings() == Names{"unsigned@4", "removed@2", "wrong-link@3"});
  }
  SECTION("put in where no checkpoint vouches for it") {
    for (const std::uint64_t number : {1, 2}) fs::remove(log.segment(number));
    put_last(tombstone(2, second, log_signer()));
    CHECK(log.signed_findings() == Names{"unsigned@4", "removed@2"});
  }
  SECTION("that speaks of its own segment") {
    put_last(tombstone(4, id_of(4), log_signer()));
    CHECK(log.signed_findings() == Names{"fork@4"});
  }
  SECTION("a checkpoint in its place") {
    put_last(std::string(note_in(frame_bytes(log.segment(4))[4])));
    CHECK(log.signed_findings() == Names{"fork@4"});
  }
}

}  // namespace sallyport::tests
