// A corpus of tampered logs, each made from a good one, with the verdict it must get. Without the key unless it says
// so.
#include "tests/logging/tampering.hpp"
#include "tests/support/catch.hpp"

namespace sallyport::tests {

using namespace logging;
using Names = std::vector<std::string>;

namespace {

// Four segments of three exchanges each; ended cleanly.
struct GoodLog {
  explicit GoodLog(const std::string& origin = "gateway-1") {
    const FakeClock clock;
    auto settings = log_settings(directory.where());
    settings.origin = origin;
    for (int run = 0; run < 4; ++run) {
      SealedLog log(settings, {reader_key().recipient()}, clock);
      for (int i = 0; i < 3; ++i) {
        REQUIRE(seal(log, std::to_string(run) + "-" + std::to_string(i), "prompt", "answer").has_value());
      }
    }
  }
  path segment(std::uint64_t number) const { return directory / segment_name(number); }
  path keys(std::uint64_t number) const { return directory / keys_name(number); }
  Names findings(bool with_key = false) const {
    return findings_of(directory.where(), with_key ? &reader_key() : nullptr);
  }
  bool good() const { return verify_log(directory.where()).good(); }

  TemporaryDirectory directory;
};

}  // namespace

TEST_CASE("the good log is intact, with and without the key") {
  const GoodLog log;
  CHECK(log.findings().empty());
  CHECK(log.findings(true).empty());
}

TEST_CASE("one changed byte of each kind is altered, in its segment") {
  const GoodLog log;
  const auto frames = frames_of(log.segment(2));
  const std::size_t frame = frames[1][0], size = frames[1][1];
  struct Case {
    const char* what;
    std::size_t at;
    const char* verdict;
  };
  const auto changed = GENERATE_COPY(values<Case>({
      {"frame kind", frame + 4, "altered@2"},
      {"frame flags", frame + 5, "altered@2"},
      {"part count", frame + 7, "altered@2"},
      {"frame length, low byte", frame + 3, "altered@2"},
      {"frame length, high byte", frame + 0, "altered@2"},
      {"sequence", frame + 15, "frames-missing@2"},
      {"exchange number", frame + 23, "altered@2"},
      {"part length", frame + 24 + 3, "altered@2"},
      {"part type", frame + 24 + 4, "altered@2"},
      {"part key", frame + 24 + 7, "altered@2"},
      {"part step", frame + 24 + 11, "altered@2"},
      {"ciphertext", frame + 24 + 12, "altered@2"},
      {"chain hash", frame + size - 1, "altered@2"},
      {"header: magic", 0, "unreadable@2"},
      {"header: version", 9, "unreadable@2"},
      {"header: segment id", 16, "unreadable@2"},
      {"header: number", 39, "unreadable@2"},
      {"header: created", 47, "unreadable@2"},
      {"header: salt", 48, "unreadable@2"},
      {"header: previous id", 80, "unreadable@2"},
      {"header: previous chain", 96, "unreadable@2"},
      {"header: origin", header_fixed_size, "unreadable@2"},
      {"header: commitment", frames[0][0] - 64, "unreadable@2"},
      {"header: chain hash", frames[0][0] - 1, "unreadable@2"},
  }));
  flip(log.segment(2), changed.at);
  INFO(changed.what);
  CHECK(log.findings() == Names{changed.verdict});
}

TEST_CASE("a finding says the frame and the byte") {
  const GoodLog log;
  const auto frames = frames_of(log.segment(3));
  flip(log.segment(3), frames[2][0] + 40);
  const auto report = verify_log(log.directory.where());
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].frame == 2u);
  CHECK(report.findings[0].byte == frames[2][0]);
}

TEST_CASE("frames taken out, swapped, doubled or cut are named") {
  const GoodLog log;  // frames 0, 1, 2 and the end, 3
  SECTION("one gone") {
    rebuild(log.segment(2), {0, 2, 3});
    CHECK(log.findings() == Names{"frames-missing@2"});
  }
  SECTION("the first gone") {
    rebuild(log.segment(2), {1, 2, 3});
    CHECK(log.findings() == Names{"frames-missing@2"});
  }
  SECTION("two swapped") {
    rebuild(log.segment(2), {1, 0, 2, 3});
    CHECK(log.findings() == Names{"frames-reordered@2"});
  }
  SECTION("one doubled") {
    rebuild(log.segment(2), {0, 0, 1, 2, 3});
    CHECK(log.findings() == Names{"frames-repeated@2"});
  }
  SECTION("the end gone, in the middle of the log") {
    rebuild(log.segment(2), {0, 1, 2});
    CHECK(log.findings() == Names{"truncated@2"});
  }
  SECTION("the end gone, in the last segment") {
    rebuild(log.segment(4), {0, 1, 2});
    CHECK(log.findings() == Names{"unsealed@4"});
  }
  SECTION("all frames gone") {
    rebuild(log.segment(2), {});
    CHECK(log.findings() == Names{"truncated@2"});
  }
  SECTION("bytes after the end") {
    rebuild(log.segment(4), {0, 1, 2, 3, 3});
    CHECK(log.findings() == Names{"trailing@4"});
  }
}

TEST_CASE("a segment of the middle cut at any byte is found, and the last one too") {
  const GoodLog log;
  const core::Bytes middle = bytes_of_file(log.segment(2)), last = bytes_of_file(log.segment(4));
  for (std::size_t size = 0; size < middle.size(); size += 7) {
    write_bytes(log.segment(2), core::ConstBytes(middle).first(size));
    INFO("cut to " << size);
    REQUIRE(!log.good());
  }
  write_bytes(log.segment(2), middle);
  for (std::size_t size = 0; size < last.size(); size += 7) {
    write_bytes(log.segment(4), core::ConstBytes(last).first(size));
    INFO("cut to " << size);
    REQUIRE(!log.good());
  }
}

TEST_CASE("segments missing, swapped, renamed, doubled or foreign are named") {
  const GoodLog log;
  SECTION("one of the middle gone") {
    fs::remove(log.segment(2));
    CHECK(log.findings() == Names{"missing@2"});
  }
  SECTION("the first gone") {
    fs::remove(log.segment(1));
    CHECK(log.findings() == Names{"missing@1"});
  }
  SECTION("the last gone, its key block forgotten") {
    fs::remove(log.segment(4));
    CHECK(log.findings() == Names{"missing@4"});
  }
  SECTION("two swapped") {
    swap_files(log.segment(2), log.segment(3));
    swap_files(log.keys(2), log.keys(3));
    CHECK(log.findings() == Names{"misplaced@2", "misplaced@3"});
  }
  SECTION("one renamed past the end") {
    fs::rename(log.segment(2), log.segment(5));
    fs::rename(log.keys(2), log.keys(5));
    CHECK(log.findings() == Names{"misplaced@5", "missing@2"});
  }
  SECTION("one copied over another") {
    fs::copy_file(log.segment(2), log.segment(3), fs::copy_options::overwrite_existing);
    fs::copy_file(log.keys(2), log.keys(3), fs::copy_options::overwrite_existing);
    CHECK(log.findings() == Names{"misplaced@3", "duplicated@3"});
  }
  SECTION("one of another log") {
    const GoodLog other("gateway-2");
    fs::copy_file(other.segment(2), log.segment(2), fs::copy_options::overwrite_existing);
    fs::copy_file(other.keys(2), log.keys(2), fs::copy_options::overwrite_existing);
    CHECK(log.findings() == Names{"foreign@2"});
  }
  SECTION("one of another log of the same name") {
    const GoodLog other;
    fs::copy_file(other.segment(2), log.segment(2), fs::copy_options::overwrite_existing);
    fs::copy_file(other.keys(2), log.keys(2), fs::copy_options::overwrite_existing);
    CHECK(log.findings() == Names{"wrong-link@2", "wrong-link@3"});
  }
  SECTION("rolled back to the first two: only a checkpoint that is kept elsewhere could tell") {
    for (const std::uint64_t number : {3, 4}) fs::remove(log.segment(number)), fs::remove(log.keys(number));
    CHECK(log.findings().empty());
  }
}

TEST_CASE("a segment under a name that the writer never gives is none of the log's") {
  const GoodLog log, other;
  for (const std::string name : {"2", "00000000002", "0000000000", "4294967296", "18446744073709551615"}) {
    fs::copy_file(other.segment(2), log.directory / (name + ".segment"));
    fs::copy_file(other.keys(2), log.directory / (name + ".keys"));
  }
  CHECK(list_segments(log.directory.where()).size() == 4);
  CHECK(log.findings(true).empty());
  CHECK(read_log(log.directory.where()).exchanges.size() == 12);
}

TEST_CASE("a rewritten segment no longer fits its successor, and never fits its key") {
  const GoodLog log;
  SECTION("in the middle: without the key") {
    forge(log.segment(2), 1, 24 + 12);
    CHECK(log.findings() == Names{"altered@2"});
  }
  SECTION("in the last segment: only with the key") {
    forge(log.segment(4), 1, 24 + 12);
    CHECK(log.findings().empty());
    CHECK(log.findings(true) == Names{"forged@4"});
  }
  SECTION("a frame that claims to be one to pass over, with a part that no key is for") {
    forge(log.segment(4), 3, 5);
    forge(log.segment(4), 3, 24 + 6);
    CHECK(log.findings(true) == Names{"forged@4"});
  }
  SECTION("the exchange number, which is in the clear") {
    forge(log.segment(4), 1, 23);
    CHECK(log.findings(true) == Names{"forged@4"});
  }
}

TEST_CASE("a key block that is missing, foreign, changed or swapped is named") {
  const GoodLog log;
  const core::Bytes good = bytes_of_file(log.keys(2));
  SECTION("missing") {
    fs::remove(log.keys(2));
    CHECK(log.findings() == Names{"keys-missing@2"});
    CHECK(log.findings(true) == Names{"keys-missing@2"});
  }
  SECTION("of another segment") {
    fs::copy_file(log.keys(3), log.keys(2), fs::copy_options::overwrite_existing);
    CHECK(log.findings() == Names{"keys-foreign@2"});
  }
  SECTION("cut") {
    write_bytes(log.keys(2), core::ConstBytes(good).first(good.size() - 1));
    CHECK(log.findings() == Names{"keys-malformed@2"});
  }
  SECTION("each byte changed") {
    for (std::size_t at = 0; at < good.size(); ++at) {
      core::Bytes changed = good;
      changed[at] ^= std::byte{0x20};
      write_bytes(log.keys(2), changed);
      INFO("byte " << at);
      REQUIRE(!log.findings(true).empty());
    }
  }
  SECTION("another key under the segment's name, wrapped to the same recipient (CVE-2025-14760)") {
    KeyBlock block = *parse_key_block(good);
    const core::Secret attackers_key{core::ConstBytes(counting_from<32>(1))};
    block.entries[0].wrapped =
        *reader_key().recipient().wrap(attackers_key.reveal(), wrap_context(block.segment, metadata_key));
    ParsedHeader header;
    REQUIRE(parse_header(bytes_of_file(log.segment(2)), header) == HeaderProblem::none);
    block.mac = key_block_mac(derive_keys(attackers_key, header.header.salt, header.uncommitted), block);
    write_bytes(log.keys(2), encode_key_block(block));
    CHECK(log.findings().empty());  // nothing in the clear tells
    CHECK(log.findings(true) == Names{"keys-swapped@2"});
    const ReadLog read = read_log(log.directory.where());
    CHECK(read.exchanges.size() == 9);
    REQUIRE(read.troubles.size() == 1);
    CHECK(read.troubles[0] == "2: its key block was swapped: it opens to a key the segment was not sealed with");
  }
  SECTION("an entry added by someone without the segment's key") {
    KeyBlock block = *parse_key_block(good);
    block.entries.push_back({metadata_key, 1, other_key().recipient().id(), core::Bytes(97)});
    write_bytes(log.keys(2), encode_key_block(block));
    CHECK(log.findings(true) == Names{"keys-altered@2"});
    CHECK(read_log(log.directory.where()).exchanges.size() == 12);  // readable all the same
  }
}

TEST_CASE("however often a key block names a recipient, who keeps that key is asked once") {
  const GoodLog log;
  KeyBlock block = *parse_key_block(bytes_of_file(log.keys(2)));
  KeyEntry altered = block.entries[0];
  altered.wrapped.back() ^= std::byte{1};
  const auto with = [&](std::size_t entries) {
    block.entries.assign(entries, altered);
    write_bytes(log.keys(2), encode_key_block(block));
  };
  KeyAtFirstUse key([] {});
  SECTION("as many entries as a gateway may write") {
    with(max_recipients);
    CHECK(findings_of(log.directory.where(), &key) == Names{"keys-altered@2"});
    CHECK(key.uses == 4);  // one a segment
  }
  SECTION("more of them: not once") {
    with(30'000);
    CHECK(findings_of(log.directory.where(), &key) == Names{"keys-malformed@2"});
    CHECK(key.uses == 3);
    const ReadLog read = read_log(log.directory.where());
    CHECK(read.exchanges.size() == 9);
    CHECK(read.troubles ==
          Names{"2: its key block has more entries than a gateway writes, and none of them was tried"});
  }
}

TEST_CASE("a wrong key is refused with its own words") {
  const GoodLog log;
  const ReadLog read = read_log(log.directory.where(), other_key());
  CHECK(read.exchanges.empty());
  REQUIRE(read.troubles.size() == 4);
  CHECK(read.troubles[0] == "1: it is sealed to other keys");
  CHECK(findings_of(log.directory.where(), &other_key())[0] == "not-a-recipient@1");
}

TEST_CASE("reading goes on behind damage") {
  const GoodLog log;
  flip(log.segment(2), frames_of(log.segment(2))[1][0] + 40);
  const ReadLog read = read_log(log.directory.where());
  CHECK(read.exchanges.size() == 10);  // one before the damage in segment 2, and all of the others
  CHECK(read.troubles.size() == 1);
}

TEST_CASE("a body whose part was given another type, key or flag is not read as if it were not there") {
  const GoodLog log;
  cut_behind(log.segment(4), 3);
  const auto unknown = static_cast<PartType>(9);
  SECTION("type") { forge_part(log.segment(4), 2, 1, PartType::response_body, content_key); }
  SECTION("type and key, which nobody has") { forge_part(log.segment(4), 2, 1, unknown, 40'000); }
  SECTION("type, and no key") { forge_part(log.segment(4), 2, 1, unknown, no_key); }
  SECTION("key alone") { forge_part(log.segment(4), 2, 1, PartType::request_body, 2); }
  SECTION("a note in its place") { forge_part(log.segment(4), 2, 1, PartType::note, 2); }
  SECTION("flags") { forge_part(log.segment(4), 2, 1, PartType::request_body, content_key, 1); }
  const ReadLog read = read_log(log.directory.where());
  REQUIRE(read.has("3-2"));
  CHECK(read.find("3-2")->request == "(not authentic)");
  CHECK(read.find("3-2")->exchange.damaged);
  CHECK(read.troubles == Names{"4: frame 2 has parts that do not belong in it"});
  CHECK(log.findings(true) == Names{"forged@4", "unsealed@4"});
}

TEST_CASE("content that is not authentic is a trouble") {
  const GoodLog log;
  const auto frames = frame_bytes(log.segment(4));
  forge(log.segment(4), 1, frames[1].size() - 33);  // the last byte before the chain hash: a tag's
  const ReadLog read = read_log(log.directory.where());
  CHECK(read.find("3-1")->response == "(not authentic)");
  CHECK(std::count(
            read.troubles.begin(), read.troubles.end(),
            "4: content of exchange " + std::to_string(read.find("3-1")->exchange.number) + " is not authentic") == 1);
}

TEST_CASE("an exchange of which a piece in the middle was not read is shown as cut") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  auto settings = log_settings(directory.where());
  settings.segment_bytes = 70'000;
  {
    SealedLog log(settings, {reader_key().recipient()}, clock);
    REQUIRE(seal(log, "long", std::string(200'000, 'x')).has_value());
  }
  const path second = directory / segment_name(2), keys = directory / keys_name(2);
  CHECK(!read_log(directory.where()).exchanges.at(0).exchange.cut);
  SECTION("its segment is gone") { fs::remove(second); }
  SECTION("its segment does not open") { fs::remove(keys); }
  SECTION("its segment is damaged") { flip(second, 5000); }
  SECTION("its segment ends early") { rebuild(second, {}); }
  const ReadLog read = read_log(directory.where());
  REQUIRE(read.exchanges.size() == 1);
  CHECK(read.exchanges[0].exchange.cut);
  CHECK(read.exchanges[0].request.size() < 200'000);
  CHECK(read.troubles.size() == 1);
}

TEST_CASE("after a crash the next segment declares the torn tail, and the log is good again") {
  const GoodLog log;
  const core::Bytes whole = bytes_of_file(log.segment(4));
  const auto frames = frames_of(log.segment(4));
  for (std::size_t size = frames[1][0]; size < whole.size(); size += 11) {
    write_bytes(log.segment(4), core::ConstBytes(whole).first(size));
    fs::remove(log.segment(5));
    fs::remove(log.keys(5));
    const FakeClock clock;
    { SealedLog next(log_settings(log.directory.where()), {reader_key().recipient()}, clock); }
    const auto report = verify_log(log.directory.where(), &reader_key());
    INFO("torn at " << size);
    REQUIRE(report.good());
    REQUIRE(report.findings.size() == 1);
    REQUIRE(report.findings[0].kind == FindingKind::torn_declared);
    REQUIRE(report.findings[0].segment == 4);
    const std::uint64_t expected = size >= frames[3][0] ? 3 : size >= frames[2][0] ? 2 : 1;
    REQUIRE(report.findings[0].frame == expected);
    REQUIRE(report.findings[0].byte == frames[expected][0]);
    REQUIRE(read_log(log.directory.where()).exchanges.size() == 9 + expected);
    // What was declared cannot be cut further.
    write_bytes(log.segment(4), core::ConstBytes(whole).first(frames[expected][0] - 1));
    REQUIRE(findings_of(log.directory.where()) == Names{"truncated@4"});
  }
}

}  // namespace sallyport::tests
