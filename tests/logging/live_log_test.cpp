// A log is read while its gateway removes segments: each removal comes at a chosen moment.
#include "logging/live_log.hpp"

#include "logging/checkpoint.hpp"
#include "logging/retention.hpp"
#include "logging/rewrap.hpp"
#include "tests/logging/dying_log.hpp"
#include "tests/support/waiting.hpp"

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
  void remove(std::initializer_list<std::uint64_t> numbers) const {
    for (const std::uint64_t number : numbers) fs::remove(keys(number)), fs::remove(segment(number));
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

TEST_CASE("what an interrupted removal left is explained by its tombstone, however much the gateway wrote since") {
  DyingLog log;
  fs::remove(log.segment(1)), fs::remove(log.keys(1)), fs::remove(log.keys(2));
  for (const char* name : {"later", "last"}) log.write_segment(name);
  const ReadLog read = read_log(log.log);
  CHECK(read.exchanges.size() == 12);
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
    REQUIRE(eventually([&] { return writer.counters().retention.removed == last; }));
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

TEST_CASE("an exchange whose middle goes while the segment before is opened is shown as cut") {
  const LongLog log;
  const std::uint64_t last = list_segments(log.log).back().number;
  REQUIRE(last > 6);
  const auto move_behind = [&](const path& from, const path& to) {
    for (std::uint64_t number = 7; number <= last; ++number) {
      for (const std::string& name : {segment_name(number), keys_name(number)}) fs::rename(from / name, to / name);
    }
  };
  move_behind(log.log, log.directory.where());
  LogReader reader(log.log, reader_key(), {});
  auto exchange = reader.next();
  while (exchange && exchange->segment < 4) exchange = reader.next();
  log.remove({6});
  while (reader.next()) continue;
  CHECK(reader.unfinished().size() == 1);
  CHECK(reader.troubles() == 1);
  move_behind(log.directory.where(), log.log);
  exchange = reader.next();
  REQUIRE(exchange);
  CHECK(exchange->finished);
  CHECK(exchange->cut);
  CHECK(reader.troubles() == 1);
}

TEST_CASE("verification goes on when a writer whose disk failed replaces its last segment") {
  SignedLog log;
  const path other = log.directory / "other";
  fs::copy(log.log, other);
  auto elsewhere = log.settings();
  elsewhere.directory = other;
  SealedLog writer(log.settings(), {reader_key().recipient()}, log.clock),
      again(elsewhere, {reader_key().recipient()}, log.clock);
  const unsigned use = GENERATE(1u, 5u);  // the first segment is being opened; the last one, whose header was read
  const auto found_when = [&](std::function<void()> happens) {
    KeyAtFirstUse key(std::move(happens), use);
    auto options = log.by_signer();
    options.holder = &key;
    return log.findings(options);
  };
  const Names before = found_when([] {});
  CHECK(found_when([&] {
          for (const std::string& name : {segment_name(5), keys_name(5)}) {
            fs::copy(other / name, log.log / name, fs::copy_options::overwrite_existing);
          }
        }) == before);
}

TEST_CASE("a gateway that starts while its log is verified leaves no segment to miss") {
  SignedLog log;
  std::optional<SealedLog> writer;
  KeyAtFirstUse key([&] { writer.emplace(log.settings(), std::vector{reader_key().recipient()}, log.clock); });
  auto options = log.by_signer();
  options.holder = &key;
  CHECK(log.findings(options).empty());
  CHECK(fs::exists(log.keys(5)));
  SECTION("nor when it has made no more than the key block") { fs::remove(log.segment(5)); }
  SECTION("nor after it has stopped") { writer.reset(); }
  CHECK(log.findings(options).empty());
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
  const auto proves = [](const path& segment) { return proves_header(segment, reader_key()); };
  CHECK(Removals(log.log, proves).cover(2));
  CHECK_FALSE(Removals(log.log, proves).cover(3));
  const SegmentId third = read_header(log.segment(3))->header.id;
  const auto put = [&](const NoteSigner& by, std::uint64_t last, const std::string& origin, const SegmentId& last_id) {
    const auto note = by.sign(text_of(Tombstone{origin, last, last_id, "age", "2026-01-02T03:00:00.000000Z"}));
    auto frames = frame_bytes(log.segment(5));
    frames.push_back(note_frame(FrameKind::tombstone, note));
    std::swap(frames[frames.size() - 1], frames[frames.size() - 2]);
    rechain(log.segment(5), std::move(frames));
  };
  SECTION("another's") { put(other_signer(), 3, "gateway-1", third); }
  SECTION("of another log") { put(log_signer(), 3, "gateway-2", third); }
  SECTION("of its own segment and those behind it") { put(log_signer(), 5, "gateway-1", third); }
  SECTION("of a segment that the one behind does not follow") { put(log_signer(), 3, "gateway-1", SegmentId{}); }
  Removals removals(log.log, proves);
  CHECK_FALSE(removals.cover(3));
  CHECK(removals.cover(1));
  put(log_signer(), 3, "gateway-1", third);
  CHECK(removals.cover(3));  // it came since
  CHECK_FALSE(Removals(log.log, [](const path& segment) { return proves_header(segment, other_key()); }).cover(1));
}

namespace {

// The log's next segment as a forger without a key can make it: his own signer in the header, and his tombstone. The
// key block is a genuine one, so that no more than the header is wrong.
void forge_tombstone(const SignedLog& log, std::uint64_t number, std::uint64_t last, const SegmentId& last_id) {
  SegmentHeader header = read_header(log.segment(number - 1))->header;
  header.number = number;
  header.extensions = encode_extension(signer_extension, other_signer().verifier().key().raw());
  const Tombstone tombstone{header.origin, last, last_id, "age", "2026-01-02T03:00:00.000000Z"};
  core::Bytes frame = note_frame(FrameKind::tombstone, other_signer().sign(text_of(tombstone)));
  core::Bytes bytes = encode_header(header);
  const std::size_t chain = bytes.size() - digest_size;
  bytes.insert(bytes.end(), frame.begin(), frame.end());
  Digest before;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(chain), digest_size, before.begin());
  const Digest after = chain_of_frame(before, core::ConstBytes(frame).first(frame.size() - digest_size));
  std::copy(after.begin(), after.end(), bytes.end() - digest_size);
  write_bytes(log.segment(number), bytes);
  fs::copy(log.keys(number - 1), log.keys(number));
}

}  // namespace

TEST_CASE("who has no key cannot pass a deletion off as the gateway's removal") {
  const SignedLog log;
  forge_tombstone(log, 5, 2, read_header(log.segment(3))->header.previous.id);
  KeyAtFirstUse key([&] {
    for (const std::uint64_t number : {1, 2}) fs::remove(log.segment(number)), fs::remove(log.keys(number));
  });
  const Names troubles = read_log(log.log, key).troubles;
  CHECK(std::count(troubles.begin(), troubles.end(), "1: it is not there") == 1);
}

namespace {

// A tenant's log of which retention removed the first two segments, by a tombstone in the fifth, in which the tenant
// has an exchange too.
struct TenantsDyingLog : SignedLog {
  TenantsDyingLog() : SignedLog(log_signer(), std::chrono::hours(1)) {
    for (std::uint64_t number = 1; number <= 4; ++number) fs::remove(segment(number)), fs::remove(keys(number));
    for (int i = 0; i < 4; ++i, clock.advance(std::chrono::hours(1))) write(settings(), "acme-" + std::to_string(i));
    second = read_header(segment(2))->header.id;
    auto keeping = settings();
    keeping.retention.age = std::chrono::minutes(90);
    write(keeping, "acme-4");
    REQUIRE_FALSE(fs::exists(segment(2)));
  }
  void write(const LogSettings& how, const std::string& name) const {
    SealedLog writer(how, {reader_key().recipient()}, clock, {{"acme", {acme_key().recipient()}}});
    const std::uint64_t due = how.retention.any() ? 2 : 0;
    REQUIRE(eventually([&] { return writer.counters().retention.removed == due; }));
    REQUIRE(seal(writer, name, "prompt", "answer", "acme").has_value());
  }
  SegmentId second{};
};

}  // namespace

TEST_CASE("a tenant's key proves who signed a tombstone by a part that it opens, and by nothing less") {
  const TenantsDyingLog log;
  const auto proves = [](const path& segment) { return proves_header(segment, acme_key()); };
  CHECK(Removals(log.log, proves).cover(2));
  CHECK_FALSE(Removals(log.log, [](const path& s) { return proves_header(s, globex_key()); }).cover(2));
  SECTION("another segment of the signer's will do") {
    rebuild(log.segment(5), {0, 1});
    CHECK_FALSE(proves(log.segment(5)));
  }
  SECTION("the genuine key under a forged header does not: its parts do not open any more") {
    // Whoever can write the directory takes the tenant's commitment and entries over, and names a signer of his own.
    const ParsedHeader genuine = *read_header(log.segment(5));
    SegmentHeader header = genuine.header;
    header.extensions = encode_extension(tenants_extension, encode_tenants(genuine.tenants));
    const core::Bytes signer = encode_extension(signer_extension, other_signer().verifier().key().raw());
    header.extensions.insert(header.extensions.end(), signer.begin(), signer.end());
    auto frames = frame_bytes(log.segment(5));
    const Tombstone tombstone{header.origin, 2, log.second, "age", "2026-01-02T03:00:00.000000Z"};
    frames.push_back(note_frame(FrameKind::tombstone, other_signer().sign(text_of(tombstone))));
    std::swap(frames[frames.size() - 1], frames[frames.size() - 2]);
    write_bytes(log.segment(5), encode_header(header));
    rechain(log.segment(5), std::move(frames));
    CHECK_FALSE(Removals(log.log, proves).cover(2));
    return;
  }
  CHECK(Removals(log.log, proves).cover(2));
}

}  // namespace sallyport::tests
