// When checkpoints are signed, and where they go.
#include "logging/checkpoint.hpp"

#include "tests/logging/failing_storage.hpp"
#include "tests/logging/signed_log.hpp"
#include "tests/logging/sync_watch.hpp"
#include "tests/logging/tampering.hpp"
#include "tests/support/waiting.hpp"

namespace sallyport::tests {

using namespace logging;

namespace {

std::size_t kept_notes(const path& file) { return fs::exists(file) ? parse_notes(read_file(file)).size() : 0; }

// The disk hangs when it is to sync that file.
class HungSync {
 public:
  explicit HungSync(const std::string& name) {
    watch_.before_sync = [this, name](const std::string& file) {
      if (file == name) go_on_.wait();
    };
  }
  ~HungSync() { let_go(); }
  void let_go() const { go_on_.set(); }

 private:
  mutable Signal go_on_;
  SyncWatch watch_;
};

std::vector<FrameKind> kinds_of(const path& segment) {
  std::vector<FrameKind> kinds;
  for (const core::Bytes& frame : frame_bytes(segment)) kinds.push_back(decode_frame_head(frame.data()).kind);
  return kinds;
}

}  // namespace

TEST_CASE("a checkpoint is read as it was written, and in no other spelling") {
  const Checkpoint checkpoint{"gateway-1", 7,    counting_from<16>(1),         counting_from<32>(64),
                              12,          3456, "2026-01-02T03:00:00.000000Z"};
  const std::string text = text_of(checkpoint);
  CHECK(text ==
        "gateway-1\n30064771084\nQEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=\n"
        "segment 7 0102030405060708090a0b0c0d0e0f10 12 3456\ntime 2026-01-02T03:00:00.000000Z\n");
  const auto read = parse_checkpoint(text);
  REQUIRE(read.has_value());
  CHECK(text_of(*read) == text);
  CHECK_FALSE(parse_checkpoint(text + "more\n").has_value());
  CHECK_FALSE(parse_checkpoint(text.substr(0, text.size() - 1)).has_value());
  for (const auto& [what, with] : {std::pair("30064771084", "30064771085"), std::pair(" 12 ", " 012 "),
                                   std::pair("0a0b", "0A0B"), std::pair(" 3456", " 3456 ")}) {
    std::string wrong = text;
    wrong.replace(wrong.find(what), std::string(what).size(), with);
    INFO(wrong);
    CHECK_FALSE(parse_checkpoint(wrong).has_value());
  }
}

TEST_CASE("the log is signed at each segment's beginning and end, and each checkpoint is also in the second place") {
  const SignedLog log;
  using K = FrameKind;
  CHECK(kinds_of(log.segment(2)) ==
        std::vector{K::checkpoint, K::exchange, K::exchange, K::exchange, K::checkpoint, K::segment_end});
  CHECK(kept_notes(log.kept(2)) == 3);  // both, and the segment with its end
  const auto last = parse_checkpoint(parse_notes(read_file(log.kept(2))).back().text);
  REQUIRE(last.has_value());
  CHECK(last->frames == 6);
  CHECK(last->bytes == fs::file_size(log.segment(2)));
}

TEST_CASE("the log is signed at the interval, also when nothing happens, and does not rotate for that") {
  SignedLog log;
  auto settings = log.settings();
  settings.segment_age = std::chrono::minutes(5);
  settings.stall_limit = std::chrono::hours(24);
  SealedLog writer(settings, {reader_key().recipient()}, log.clock);
  REQUIRE(eventually([&] { return writer.counters().checkpoints == 1; }));
  for (std::uint64_t so_far = 1; so_far < 6; ++so_far) {
    log.clock.advance(std::chrono::minutes(2));
    REQUIRE(eventually([&] { return writer.counters().checkpoints == so_far + 1; }));
    CHECK(writer.counters().last_checkpoint == log.clock.wall());
  }
  CHECK(kept_notes(log.kept(5)) == 6);
  CHECK(writer.counters().segments == 1);
  log.clock.advance(settings.checkpoints.interval - std::chrono::nanoseconds(1));
  REQUIRE(seal(writer, "between").has_value());
  CHECK(writer.counters().checkpoints == 6);
}

TEST_CASE("after a crash the next segment's first checkpoint vouches for what the one before ended with") {
  SignedLog log;
  TemporaryDirectory crashed;
  {
    SealedLog writer(log.settings(), {reader_key().recipient()}, log.clock);
    REQUIRE(seal(writer, "before the crash").has_value());
    fs::copy(log.log, crashed / "log");
  }
  auto settings = log.settings();
  settings.directory = crashed / "log";
  settings.checkpoints.directory.clear();
  {
    SealedLog writer(settings, {reader_key().recipient()}, log.clock);
    REQUIRE(eventually([&] { return writer.counters().checkpoints == 1; }));
    const auto report = verify_log(settings.directory, log.by_signer());
    CHECK(report.good());
    REQUIRE(report.signed_state.has_value());
    CHECK(report.signed_state->segment == 6);
    CHECK(report.signed_state->frames == 0);
  }
}

TEST_CASE("a second place that refuses does not hold up the log, and misses nothing when it works again") {
  SignedLog log;
  {
    SealedLog writer(log.patient(), {reader_key().recipient()}, log.clock);
    REQUIRE(eventually([&] { return writer.counters().checkpoints == 1; }));
    fs::rename(log.checkpoints, log.directory / "away");
    log.clock.advance(std::chrono::minutes(1));
    REQUIRE(eventually([&] { return writer.counters().directory.failing; }));
    REQUIRE(seal(writer, "first").has_value());
    CHECK(writer.counters().checkpoints == 1);
    CHECK(writer.counters().healthy);
    log.clock.advance(std::chrono::minutes(1));
    REQUIRE(seal(writer, "second").has_value());
    fs::rename(log.directory / "away", log.checkpoints);
    REQUIRE(eventually([&] { return writer.counters().checkpoints == 3; }));
    CHECK(writer.counters().last_checkpoint == log.clock.wall());
    CHECK_FALSE(writer.counters().directory.failing);
  }
  CHECK(kept_notes(log.kept(5)) == 5);
  CHECK(log.kept_findings().empty());
}

TEST_CASE("a second place that hangs holds up no answer, is told of, and misses nothing when it goes on") {
  SignedLog log;
  const HungSync hung(checkpoints_name(5));
  {
    auto settings = log.patient();
    settings.checkpoints.deadline = std::chrono::milliseconds(50);
    SealedLog writer(settings, {reader_key().recipient()}, log.clock);
    for (int i = 0; i < 50; ++i) {
      log.clock.advance(std::chrono::minutes(1));  // each is due for a checkpoint
      REQUIRE(seal(writer, "r-" + std::to_string(i)).has_value());
    }
    REQUIRE(eventually([&] { return writer.counters().directory.failing; }));
    CHECK(writer.counters().healthy);
    CHECK(writer.counters().checkpoints == 0);
    CHECK_FALSE(writer.counters().last_checkpoint.has_value());
    hung.let_go();
    REQUIRE(eventually([&] { return writer.counters().checkpoints == 51; }));
    CHECK_FALSE(writer.counters().directory.failing);
    CHECK(writer.counters().directory.errors == 1);
    CHECK(writer.counters().last_checkpoint == log.clock.wall());
  }
  CHECK(kept_notes(log.kept(5)) == 53);
  CHECK(log.kept_findings().empty());
}

TEST_CASE("the log's end waits for a second place that hangs no longer than its deadline") {
  SignedLog log;
  const HungSync hung(checkpoints_name(5));
  auto settings = log.patient();
  settings.checkpoints.deadline = std::chrono::milliseconds(50);
  { SealedLog(settings, {reader_key().recipient()}, log.clock); }
  CHECK(log.signed_findings().empty());
  hung.let_go();
}

TEST_CASE("what a second place has taken is on its disk") {
  const SyncWatch watch;
  const SignedLog log;
  const auto synced = watch.synced();
  const auto last = std::find_if(synced.rbegin(), synced.rend(),
                                 [](const SyncedFile& file) { return file.name == checkpoints_name(4); });
  REQUIRE(last != synced.rend());
  CHECK(last->size == fs::file_size(log.kept(4)));
}

TEST_CASE("a checkpoint in the second place is whole, whoever left half of one in front of it") {
  SignedLog log;
  {
    SealedLog writer(log.settings(), {reader_key().recipient()}, log.clock);
    REQUIRE(eventually([&] { return writer.counters().checkpoints == 1; }));
    const auto kept = kept_notes(log.kept(5));
    std::ofstream(log.kept(5), std::ios::app) << "gateway-2\n17179869189\nQEFC";  // it shares the place, and died
    log.clock.advance(std::chrono::minutes(1));
    REQUIRE(eventually([&] { return writer.counters().checkpoints == 2; }));
    CHECK(kept_notes(log.kept(5)) == kept + 1);
  }
  CHECK(log.kept_findings().empty());
}

TEST_CASE("a copy goes to the second place only when what it vouches for is on the disk") {
  SignedLog log;
  Disk disk;
  disk.mood = Disk::Mood::fails_sync;
  auto settings = log.settings();
  settings.overload = Overload::count;
  CHECK_THROWS_AS(SealedLog(settings, {reader_key().recipient()}, log.clock,
                            std::make_unique<MoodyStorage>(disk, settings.directory)),
                  std::runtime_error);
  CHECK(disk.syncs == 1);
  CHECK(kept_notes(log.kept(5)) == 0);
}

}  // namespace sallyport::tests
