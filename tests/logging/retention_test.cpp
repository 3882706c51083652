// Segments that have had their time go, and a signed tombstone says so.
#include "logging/retention.hpp"

#include <fstream>

#include "logging/checkpoint.hpp"
#include "logging/segment_writer.hpp"
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
    {
      SealedLog writer(how, {reader_key().recipient()}, clock);
      const bool looks = how.checkpoints.signer && how.retention.any();
      REQUIRE(eventually([&] { return writer.counters().retention.looks == (looks ? 1 : 0); }));
      CHECK(eventually([&] { return writer.counters().retention.removed >= count; }));
      CHECK(writer.counters().retention.removed == count);
      CHECK(writer.counters().retention.errors == 0);
    }
    if (count == 0) CHECK_FALSE(ends_with_tombstone());  // it signs for what it found before it ends
  }
  bool ends_with_tombstone() const {
    const auto frames = frame_bytes(segment(listed().back()));
    return std::any_of(frames.begin(), frames.end(),
                       [](const auto& f) { return decode_frame_head(f.data()).kind == FrameKind::tombstone; });
  }
  // Runs a writer that removes nothing, for that reason; then what it left is as it was.
  void refuse(const LogSettings& how, RetentionFault::Kind kind, std::uint32_t at) {
    const auto before = listed();
    {
      SealedLog writer(how, {reader_key().recipient()}, clock);
      REQUIRE(eventually([&] { return writer.counters().retention.looks == 1; }));
      CHECK(writer.counters().retention.removed == 0);
      CHECK(writer.counters().retention.errors == 1);
      CHECK(name(writer.counters().retention.fault.kind) == name(kind));
      CHECK(writer.counters().retention.fault.segment == at);
    }
    CHECK_FALSE(ends_with_tombstone());
    auto after = listed();
    REQUIRE(after.size() == before.size() + 1);
    after.pop_back();
    CHECK(after == before);
  }
  std::vector<std::uint64_t> listed() const {
    std::vector<std::uint64_t> numbers;
    for (const ListedSegment& segment : list_segments(log)) numbers.push_back(segment.number);
    return numbers;
  }
  void take(std::uint64_t number) const {
    fs::remove(segment(number));
    fs::remove(keys(number));
  }
  SegmentLink end_of(std::uint64_t number) const {
    FileSource source(segment(number));
    FrameWalker walker(source);
    REQUIRE(walker.open() == HeaderProblem::none);
    while (walker.next() == FrameWalker::Step::frame) {
    }
    return walker.link();
  }
  // A segment as whoever has the public keys can write it, linked to `previous`.
  void plant(std::uint64_t number, const SegmentLink& previous, core::WallTime created, const NoteVerifier& named,
             const std::string& tombstone = {}) const {
    SegmentStart start = SegmentStart::random();
    start.origin = "gateway-1";
    start.number = number;
    start.created = created;
    start.previous = previous;
    start.extensions = encode_extension(signer_extension, named.key().raw());
    const envelope::Recipient recipients[] = {reader_key().recipient()};
    SegmentWriter writer(std::move(start), recipients);
    const auto append = [&](FrameKind kind, PartType type, const std::string& text) {
      const SegmentWriter::Part part[] = {{type, core::bytes_of(text)}};
      writer.append(kind, 0, part, kind == FrameKind::tombstone ? flag_ignorable : 0);
    };
    if (!tombstone.empty()) append(FrameKind::tombstone, PartType::signed_note, tombstone);
    append(FrameKind::segment_end, PartType::note, R"({"ended":"2026-01-02T03:00:00.000000Z","records":0})");
    write_bytes(keys(number), writer.key_block());
    core::Bytes bytes = writer.header();
    bytes.insert(bytes.end(), writer.pending().begin(), writer.pending().end());
    write_bytes(segment(number), bytes);
  }
  // From `first` to 39, a day apart, behind `link`.
  void plant_days(std::uint64_t first, SegmentLink link) const {
    core::WallTime created = clock.wall();
    for (std::uint64_t number = first; number < 40; ++number) {
      created += longest_step;
      plant(number, link, created, log_signer().verifier());
      link = end_of(number);
    }
  }
  // Changes the header as whoever can write the file can, and chains all of it anew.
  void change_header(std::uint64_t number, const std::function<void(SegmentHeader&)>& change) const {
    auto frames = frame_bytes(segment(number));
    auto header = read_header(segment(number)).value().header;
    change(header);
    auto bytes = encode_header(header);
    Digest chain;
    std::copy_n(bytes.end() - digest_size, digest_size, chain.begin());
    chain = chain_of_frame(chain, core::ConstBytes(frames[0]).first(frames[0].size() - digest_size));
    bytes.insert(bytes.end(), frames[0].begin(), frames[0].end() - digest_size);
    bytes.insert(bytes.end(), chain.begin(), chain.end());
    write_bytes(segment(number), bytes);
    rechain(segment(number), std::move(frames));
  }
};

// By all of this process.
std::uint64_t bytes_read() {
  std::ifstream counts("/proc/self/io");
  std::string name;
  std::uint64_t count = 0;
  counts >> name >> count;
  REQUIRE(count > 0);
  return count;
}

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
  CHECK(writer.counters().retention.removed == 0);
  log.clock.advance(std::chrono::hours(12));
  REQUIRE(eventually([&] { return writer.counters().segments == 2; }));  // so that time can be seen to pass
  CHECK(writer.counters().retention.removed == 0);
  log.clock.advance(std::chrono::hours(13));
  CHECK(eventually([&] { return writer.counters().retention.removed == 4; }));
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
    CHECK(writer.counters().retention.removed == 0);
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

TEST_CASE("no file is believed to be as large as it looks") {
  AgingLog log;
  fs::resize_file(log.segment(4), 5ull << 30);  // without taking room on the disk
  log.run(log.keeping({}, 1ull << 30), 0);
  CHECK(log.kept_findings() == Names{"trailing@4"});
}

TEST_CASE("nothing is signed for that is not there") {
  AgingLog log;
  const auto due = log.keeping(std::chrono::minutes(90));
  SECTION("of the middle") {
    log.take(2);
    log.refuse(due, RetentionFault::Kind::missing, 2);
    CHECK(log.kept_findings() == Names{"missing@2"});
  }
  SECTION("of the middle, where a look before has seen it") {
    SealedLog writer(log.keeping(std::chrono::hours(24)), {reader_key().recipient()}, log.clock);
    log.take(2);
    log.clock.advance(std::chrono::hours(25));
    REQUIRE(eventually([&] { return writer.counters().retention.errors > 0; }));
    CHECK(writer.counters().retention.fault.segment == 2);
    CHECK(writer.counters().retention.removed == 0);
  }
  SECTION("of the front") {
    log.take(1);
    log.refuse(due, RetentionFault::Kind::missing, 1);
    CHECK(log.kept_findings() == Names{"missing@1"});
  }
  SECTION("of the front, behind what was removed") {
    log.run(due, 2);
    log.take(3);
    log.clock.advance(std::chrono::hours(2));
    log.refuse(due, RetentionFault::Kind::missing, 3);
    CHECK(log.kept_findings() == Names{"removed@2", "missing@3"});
  }
  SECTION("and what is put back is enough") {
    fs::rename(log.segment(2), log.directory / "aside");
    log.refuse(due, RetentionFault::Kind::missing, 2);
    fs::rename(log.directory / "aside", log.segment(2));
    log.run(due, 2);
    CHECK(log.kept_findings() == Names{"removed@2"});
  }
}

TEST_CASE("no header is believed that the signer did not vouch for") {
  AgingLog log;
  const auto much = log.keeping({}, 1ull << 30);
  SECTION("how large it says that the segment before it is") {
    log.change_header(3, [](SegmentHeader& header) { header.previous.bytes = 5ull << 30; });
    log.refuse(much, RetentionFault::Kind::altered, 3);
  }
  SECTION("when it says that it was begun") {
    for (const std::uint64_t number : {2, 3}) {
      log.change_header(number, [&](SegmentHeader& header) {
        header.created_ns -= static_cast<std::uint64_t>(core::Duration(longest_step).count()) * (4 - number);
      });
    }
    log.refuse(log.keeping(std::chrono::hours(36)), RetentionFault::Kind::altered, 3);
  }
  SECTION("nor another segment in its place") {
    swap_files(log.segment(2), log.segment(3));
    log.refuse(much, RetentionFault::Kind::altered, 3);
  }
  SECTION("nor one that cannot be read") {
    flip(log.segment(3), 60);
    log.refuse(much, RetentionFault::Kind::altered, 3);
  }
}

TEST_CASE("a tombstone that the writer did not put there is none") {
  AgingLog log;
  log.take(1);
  const auto id = read_header(log.segment(2)).value().header.previous.id;
  auto frames = frame_bytes(log.segment(3));  // one of its own from a log that it lost, say
  const auto note = log_signer().sign(text_of(Tombstone{"gateway-1", 1, id, "age", "2026-01-02T03:00:00.000000Z"}));
  frames.insert(frames.end() - 1, note_frame(FrameKind::tombstone, note));
  rechain(log.segment(3), std::move(frames));
  log.refuse(log.keeping(std::chrono::minutes(90)), RetentionFault::Kind::missing, 1);
}

TEST_CASE("a segment that somebody put behind the last makes none before it due, although a start goes on behind it") {
  AgingLog log;
  SegmentLink link = log.end_of(4);
  SECTION("by saying that the last one is large") {
    link.bytes = 5ull << 30;
    log.plant(5, link, log.clock.wall(), log_signer().verifier());
    log.run(log.keeping({}, 1ull << 30), 0);
  }
  SECTION("by letting time pass, a day at a step") {
    log.plant_days(5, link);
    log.run(log.keeping(30 * std::chrono::hours(24)), 0);
  }
  SECTION("by taking the place of all that the signer vouched for") {
    log.plant_days(1, {});
    log.run(log.keeping(30 * std::chrono::hours(24)), 0);
  }
  SECTION("by a tombstone of its own signer for what somebody took") {
    log.take(1);
    const Tombstone forged{"gateway-1", 3, log.end_of(3).id, "age", "2026-01-02T03:00:00.000000Z"};
    log.plant(5, link, log.clock.wall(), other_signer().verifier(), other_signer().sign(text_of(forged)));
    log.refuse(log.keeping(30 * std::chrono::hours(24)), RetentionFault::Kind::missing, 1);
  }
  SECTION("by a tombstone of its own signer, where nothing of the log's signer is left") {
    for (const std::uint64_t number : {1, 2, 4}) log.take(number);
    fs::rename(log.segment(3), log.segment(1));  // not what the tombstone says, so that something is left to remove
    const Tombstone forged{"gateway-1", 3, log.end_of(1).id, "age", "2026-01-02T03:00:00.000000Z"};
    log.plant(5, link, log.clock.wall(), other_signer().verifier(), other_signer().sign(text_of(forged)));
    log.refuse(log.keeping(30 * std::chrono::hours(24)), RetentionFault::Kind::missing, 4);
  }
}

TEST_CASE("a log that misses a segment is searched for a tombstone once, not at each look") {
  AgingLog log;
  log.take(1);
  SealedLog writer(log.keeping(std::chrono::hours(24)), {reader_key().recipient()}, log.clock);
  const auto read_at_a_look = [&] {
    const auto looks = writer.counters().retention.looks;
    const std::uint64_t before = bytes_read();
    log.clock.advance(std::chrono::minutes(11));
    REQUIRE(eventually([&] { return writer.counters().retention.looks > looks; }));
    return bytes_read() - before;
  };
  REQUIRE(eventually([&] { return writer.counters().retention.errors > 0; }));
  const auto searched = fs::file_size(log.segment(2)) + fs::file_size(log.segment(3)) + fs::file_size(log.segment(4));
  CHECK(read_at_a_look() < searched);
}

TEST_CASE("what was written before anyone signed, or signed by another, goes with what the signer vouches for") {
  AgingLog log;
  const auto an_hour_of = [&](const LogSettings& how) {
    log.run(how, 0);
    log.clock.advance(std::chrono::hours(1));
  };
  const auto due = log.keeping(std::chrono::minutes(90));
  SECTION("signed by another") {
    auto other = due;
    other.checkpoints.signer = other_signer();
    for (int i = 0; i < 2; ++i) an_hour_of(other);
    log.run(other, 4);
    CHECK(log.own_word_findings() == Names{"removed@4"});
  }
  SECTION("by nobody") {
    TemporaryDirectory directory;
    log.log = directory / "unsigned";
    for (int i = 0; i < 3; ++i, log.clock.advance(std::chrono::hours(1))) {
      SealedLog writer(log_settings(log.log), {reader_key().recipient()}, log.clock);
      REQUIRE(seal(writer, "x", "prompt", "answer").has_value());
    }
    auto all = due;
    all.directory = log.log;
    SECTION("and as it was written") {
      for (int i = 0; i < 2; ++i) an_hour_of(all);
      log.run(all, 3);
      CHECK(log.signed_findings() == Names{"removed@3"});
    }
    SECTION("but not when it was altered") {
      forge(log.segment(2), 0, 60);
      log.refuse(all, RetentionFault::Kind::altered, 2);
    }
  }
}

TEST_CASE("an earlier signer that is named counts as the present one, back and forth") {
  AgingLog log;
  const auto due = log.keeping(std::chrono::minutes(90));
  auto other = due;
  other.checkpoints.signer = other_signer();
  other.checkpoints.earlier = {log_signer().verifier()};
  SECTION("what it signed has its time") {
    log.run(other, 2);
    CHECK(log.own_word_findings() == Names{"removed@2"});
  }
  SECTION("and so have its tombstones, and those of the key between") {
    log.run(due, 2);
    log.clock.advance(std::chrono::hours(1));
    log.run(other, 1);
    log.clock.advance(std::chrono::hours(1));
    auto again = due;
    again.checkpoints.earlier = {other_signer().verifier()};
    log.run(again, 1);
    CHECK(log.own_word_findings() == Names{"removed@4"});
  }
  SECTION("but not one that is not named") {
    log.run(due, 2);
    log.clock.advance(std::chrono::hours(1));
    other.checkpoints.earlier.clear();
    log.refuse(other, RetentionFault::Kind::missing, 2);
  }
}

TEST_CASE("a segment without its clean end, or without its key block, is removed as any other") {
  AgingLog log;
  const auto due = log.keeping(std::chrono::minutes(30));
  SECTION("torn") { fs::resize_file(log.segment(4), fs::file_size(log.segment(4)) - 10); }
  SECTION("torn in its first frame") { fs::resize_file(log.segment(4), frames_of(log.segment(4))[0][0] + 10); }
  SECTION("without its key block") { fs::remove(log.keys(2)); }
  log.run(log.keeping(std::chrono::hours(24)), 0);
  log.clock.advance(std::chrono::hours(2));
  log.run(due, 4);
  CHECK(log.signed_findings() == Names{"removed@4"});
}

TEST_CASE("what a tombstone covers goes at the next start, whatever the limits are then") {
  AgingLog log;
  const core::Bytes first = bytes_of_file(log.segment(1)), second = bytes_of_file(log.segment(2));
  log.run(log.keeping(std::chrono::minutes(90)), 2);
  SECTION("up to the last") { write_bytes(log.segment(2), second); }
  SECTION("though a crash left them in another order") { write_bytes(log.segment(1), first); }
  log.run(log.keeping(std::chrono::hours(1000)), 1);
  CHECK(log.listed().front() == 3);
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
    REQUIRE(eventually([&] { return writer.counters().retention.removed == 4; }));
  });
  auto options = log.by_signer();
  options.holder = &holder;
  const auto report = verify_log(log.log, options);
  CHECK(report.good());
  Names found;
  for (const auto& finding : report.findings) found.emplace_back(name(finding.kind));
  CHECK(std::count(found.begin(), found.end(), "removed") == 1);
}

TEST_CASE("a removal that is told to stop leaves the rest for the next one") {
  AgingLog log;
  std::stop_source stop;
  stop.request_stop();
  CHECK(remove_segments(log.log, 3, stop.get_token()) == 0);
  CHECK(fs::exists(log.keys(1)));
  CHECK(remove_segments(log.log, 3) == 3);
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
