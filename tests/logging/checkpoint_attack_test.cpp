// The corpus goes on: attacks on signed checkpoints, each with the verdict it must get from whoever has the signer's
// public key, and from whoever also has the checkpoints that were kept elsewhere.
#include "logging/checkpoint.hpp"
#include "tests/logging/signed_log.hpp"
#include "tests/logging/tampering.hpp"

namespace sallyport::tests {

using namespace logging;
using Names = std::vector<std::string>;

namespace {

const Names intact;

std::string note_of(const path& segment, std::size_t frame) {
  const core::Bytes bytes = frame_bytes(segment).at(frame);
  return std::string(note_in(bytes));
}

void put_note(const path& segment, std::size_t frame, std::string_view note) {
  auto frames = frame_bytes(segment);
  const auto kind = decode_frame_head(frames.at(frame).data()).kind;
  frames[frame] = note_frame(kind, note);
  rechain(segment, std::move(frames));
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

void keep_frames(const path& segment, std::initializer_list<std::size_t> which) {
  const auto all = frame_bytes(segment);
  std::vector<core::Bytes> kept;
  for (const std::size_t index : which) kept.push_back(all.at(index));
  rechain(segment, std::move(kept));
}

void remove_segment(const SignedLog& log, std::uint64_t number) {
  fs::remove(log.segment(number));
  fs::remove(log.keys(number));
}

}  // namespace

TEST_CASE("a signed log is intact, with and without the signer's key and the checkpoints kept elsewhere") {
  const SignedLog log;
  CHECK(frames_of(log.segment(1)).size() == 6);
  CHECK(log.own_word_findings() == intact);
  CHECK(log.signed_findings() == intact);
  CHECK(log.kept_findings() == intact);
  CHECK(findings_of(log.log, &reader_key()) == intact);
  CHECK(read_log(log.log).exchanges.size() == 12);
}

TEST_CASE("a rewritten or cut end is found by the signer's public key alone") {
  const SignedLog log;
  SECTION("an exchange of the last segment changed, the chain recomputed") {
    forge(log.segment(4), 2, 24 + 12);
    CHECK(log.signed_findings() == Names{"fork@4"});
    CHECK(log.own_word_findings() == Names{"fork@4"});
  }
  SECTION("an exchange of the last segment left out, the chain recomputed") {
    keep_frames(log.segment(4), {0, 1, 3, 4, 5});
    CHECK(log.signed_findings() == Names{"fork@4"});
  }
  SECTION("two exchanges of the last segment exchanged, the chain recomputed") {
    keep_frames(log.segment(4), {0, 2, 1, 3, 4, 5});
    CHECK(log.signed_findings() == Names{"fork@4"});
  }
  SECTION("an exchange of a middle segment changed, the chain recomputed") {
    forge(log.segment(2), 2, 24 + 12);
    CHECK(log.signed_findings() == Names{"fork@2", "altered@2"});
  }
  SECTION("the last segment without its checkpoints") {
    keep_frames(log.segment(4), {1, 2, 3, 5});
    CHECK(log.signed_findings() == Names{"unsigned@4"});
  }
  SECTION("the last segment without its last checkpoint, so that what is before it could be changed") {
    keep_frames(log.segment(4), {0, 1, 2, 5});
    CHECK(log.signed_findings() == Names{"unsigned@4"});
  }
  SECTION("frames slipped in between the last checkpoint and the end") {
    keep_frames(log.segment(4), {0, 1, 2, 3, 4, 3, 5});
    CHECK(log.signed_findings() == Names{"unsigned@4"});
  }
  SECTION("the end frame cut off") {
    rebuild(log.segment(4), {0, 1, 2, 3, 4});
    CHECK(log.signed_findings() == Names{"unsealed@4"});
    CHECK(log.kept_findings() == Names{"unsealed@4", "rolled-back@4"});
  }
}

TEST_CASE("a checkpoint of another place, signer or text is none") {
  const SignedLog log;
  const std::string note = note_of(log.segment(4), 4);
  SECTION("an earlier one of the same segment") {
    put_note(log.segment(4), 4, note_of(log.segment(4), 0));
    CHECK(log.signed_findings() == Names{"fork@4"});
  }
  SECTION("one of another segment") {
    put_note(log.segment(4), 4, note_of(log.segment(3), 4));
    CHECK(log.signed_findings() == Names{"fork@4"});
  }
  SECTION("its time changed") {
    put_note(log.segment(4), 4, replaced(note, "time 2026", "time 2025"));
    CHECK(log.signed_findings() == Names{"checkpoint-forged@4"});
  }
  SECTION("its segment changed") {
    put_note(log.segment(4), 4, replaced(note, "segment 4", "segment 3"));
    CHECK(log.signed_findings() == Names{"checkpoint-forged@4"});
  }
  SECTION("its signature of another note") {
    const std::string other = note_of(log.segment(4), 0);
    put_note(log.segment(4), 4, note.substr(0, note.find("\n\n")) + other.substr(other.find("\n\n")));
    CHECK(log.signed_findings() == Names{"checkpoint-forged@4"});
  }
  SECTION("without a signature") {
    put_note(log.segment(4), 4, note.substr(0, note.find("\n\n") + 2));
    CHECK(log.signed_findings() == Names{"checkpoint-forged@4"});
  }
  SECTION("no text at all") {
    put_note(log.segment(4), 4, "");
    CHECK(log.signed_findings() == Names{"checkpoint-forged@4"});
  }
  SECTION("signed by another key of the same name") {
    put_note(log.segment(4), 4, other_signer().sign(parse_note(note)->text));
    CHECK(log.signed_findings() == Names{"wrong-signer@4"});
    CHECK(log.own_word_findings() == Names{"wrong-signer@4"});
  }
  SECTION("the signer's own tombstone in a checkpoint's place") {
    put_note(log.segment(4), 4,
             log_signer().sign(text_of(Tombstone{"gateway-1", 3, {}, "age", "2026-01-02T03:00:00Z"})));
    CHECK(log.signed_findings() == Names{"fork@4"});
  }
  SECTION("the signer's own checkpoint of another log") {
    auto text = parse_note(note)->text;
    put_note(log.segment(4), 4, log_signer().sign(replaced(text, "gateway-1", "gateway-2")));
    CHECK(log.signed_findings() == Names{"fork@4"});
  }
}

TEST_CASE("a whole log of somebody else's making is not the signer's") {
  const SignedLog log;
  SECTION("signed by another key") {
    const SignedLog others(other_signer());
    auto options = log.by_signer();
    CHECK(others.findings(options) == Names{"wrong-signer@1", "wrong-signer@2", "wrong-signer@3", "wrong-signer@4"});
    CHECK(others.own_word_findings() == intact);  // its own word: so the signer is to be named
    options.checkpoints = log.checkpoints;
    CHECK(others.findings(options) == Names{"fork@1", "fork@2", "fork@3", "fork@4"});
  }
  SECTION("not signed at all") {
    TemporaryDirectory unsigned_log;
    for (int run = 0; run < 3; ++run) {
      SealedLog writer(log_settings(unsigned_log.where()), {reader_key().recipient()}, log.clock);
      REQUIRE(seal(writer, "x").has_value());
    }
    const auto report = verify_log(unsigned_log.where(), log.by_signer());
    REQUIRE(report.findings.size() == 1);
    CHECK(name(report.findings[0].kind) == "unsigned");
    CHECK(report.findings[0].segment == 1);
    CHECK(report.findings[0].words == "no checkpoint vouches for it, nor for the 2 after it");
  }
  SECTION("signing ended in the middle: what came before is vouched for, what came after is not") {
    auto settings = log.settings();
    settings.checkpoints = {};
    for (int run = 0; run < 2; ++run) {
      SealedLog writer(settings, {reader_key().recipient()}, log.clock);
      REQUIRE(seal(writer, "unsigned").has_value());
    }
    CHECK(log.signed_findings() == Names{"unsigned@5"});
    CHECK(log.own_word_findings() == Names{"unsigned@5"});
  }
}

TEST_CASE("signing may begin in the middle: the first checkpoint vouches for what came before it") {
  SignedLog log;
  TemporaryDirectory early;
  for (int run = 0; run < 2; ++run) {
    SealedLog writer(log_settings(early.where()), {reader_key().recipient()}, log.clock);
    REQUIRE(seal(writer, "early").has_value());
  }
  auto settings = log.settings();
  settings.directory = early.where();
  { SealedLog writer(settings, {reader_key().recipient()}, log.clock); }
  const auto report = verify_log(early.where(), log.by_signer());
  CHECK(report.findings.empty());
  CHECK(report.signed_state->segment == 3);
}

TEST_CASE("rollback and fork are found by the checkpoints kept elsewhere") {
  SignedLog log;
  SECTION("the last segments removed without a trace") {
    for (const std::uint64_t number : {3, 4}) remove_segment(log, number);
    CHECK(log.signed_findings() == intact);
    CHECK(log.kept_findings() == Names{"rolled-back@4"});
  }
  SECTION("the end cut back to a checkpoint within the last segment") {
    rebuild(log.segment(4), {0});
    CHECK(log.kept_findings() == Names{"unsealed@4", "rolled-back@4"});
  }
  SECTION("cut back, and the gateway started again: it signs what it finds") {
    rebuild(log.segment(4), {0, 1, 2});
    log.write_segment("after");
    CHECK(log.signed_findings() == Names{"torn-declared@4"});
    CHECK(log.kept_findings() == Names{"torn-declared@4", "rolled-back@4"});
  }
  SECTION("an old copy put back, and the gateway started again") {
    for (const std::uint64_t number : {3, 4}) remove_segment(log, number);
    log.write_segment("another third");
    CHECK(log.signed_findings() == intact);
    CHECK(log.kept_findings() == Names{"fork@3", "rolled-back@4"});
    log.write_segment("another fourth");
    CHECK(log.kept_findings() == Names{"fork@3", "fork@4"});
  }
  SECTION("the directory emptied, and the gateway started again") {
    for (const std::uint64_t number : {1, 2, 3, 4}) remove_segment(log, number);
    log.write_segment("new");
    CHECK(log.signed_findings() == intact);
    CHECK(log.kept_findings() == Names{"fork@1", "rolled-back@4"});
  }
  SECTION(
      "log and second place rolled back together: nobody can tell, so the second place is not the attacker's to "
      "write") {
    for (const std::uint64_t number : {3, 4}) {
      remove_segment(log, number);
      fs::remove(log.kept(number));
    }
    CHECK(log.kept_findings() == intact);
  }
}

TEST_CASE("the checkpoints kept elsewhere are themselves held to their signatures") {
  const SignedLog log;
  const std::string text = read_file(log.kept(2));
  SECTION("the last one torn by a crash") {
    write_file(log.kept(2), text.substr(0, text.size() - 20));
    CHECK(log.kept_findings() == intact);
  }
  SECTION("one of them changed") {
    write_file(log.kept(2), replaced(text, "time 2026", "time 2025"));
    CHECK(log.kept_findings() == Names{"checkpoint-forged@2"});
  }
  SECTION("those of another signer") {
    const SignedLog others(other_signer());
    auto options = log.by_signer();
    options.checkpoints = others.checkpoints;
    CHECK(log.findings(options) == Names{"wrong-signer@1"});
  }
  SECTION("beside those of another gateway, in the same files") {
    const NoteSigner another("gateway-2", core::crypto::PrivateKey::generate_ed25519());
    write_file(log.kept(2),
               another.sign(text_of(Checkpoint{"gateway-2", 2, {}, {}, 5, 9, "2026-01-02T03:00:00Z"})) + "\n" + text);
    CHECK(log.kept_findings() == intact);
    TemporaryDirectory only_the_other;
    fs::copy_file(log.kept(2), only_the_other / "0000000002.checkpoints");
    write_file(only_the_other / "0000000002.checkpoints", read_file(log.kept(2)).substr(0, 300));
    auto options = log.by_signer();
    options.checkpoints = only_the_other.where();
    CHECK_THROWS_AS(log.findings(options), std::runtime_error);
  }
  SECTION("in a file that is too large, and whoever verifies is told what to do") {
    fs::resize_file(log.kept(2), 256 * 1024 * 1024 + 1);
    CHECK_THROWS_WITH(
        log.kept_findings(),
        log.kept(2).string() + " has more than 256 MiB: cut it between two notes into several .checkpoints files");
  }
  SECTION("all gone") {
    for (const std::uint64_t number : {1, 2, 3, 4}) fs::remove(log.kept(number));
    CHECK_THROWS_AS(log.kept_findings(), std::runtime_error);
  }
}

TEST_CASE("across a change of the key that signs, the signers named count, each for what it signed") {
  SignedLog log;
  auto settings = log.settings();
  settings.checkpoints.signer = other_signer();
  for (int run = 0; run < 2; ++run) {
    SealedLog writer(settings, {reader_key().recipient()}, log.clock);
    REQUIRE(seal(writer, "after the change").has_value());
  }
  auto options = log.by_signer();
  options.checkpoints = log.checkpoints;
  const Names inside_and_kept{"wrong-signer@5", "wrong-signer@5", "wrong-signer@6"};
  CHECK(log.findings(options) == inside_and_kept);
  options.signers.push_back(other_signer().verifier());
  const auto report = verify_log(log.log, options);
  CHECK(report.findings.empty());
  CHECK(report.signers.size() == 2);
  REQUIRE(report.signed_state.has_value());
  CHECK(report.signed_state->segment == 6);
  options.signers.erase(options.signers.begin());
  CHECK(log.findings(options) ==
        Names{"wrong-signer@1", "wrong-signer@1", "wrong-signer@2", "wrong-signer@3", "wrong-signer@4"});
  CHECK(log.own_word_findings() == intact);

  SECTION("and from a checkpoint of the old one on") {
    options = log.by_signer();
    options.since = log.kept(4);
    CHECK(log.findings(options) == Names{"wrong-signer@5", "wrong-signer@6"});
    options.signers.push_back(other_signer().verifier());
    CHECK(log.findings(options) == intact);
  }
}

TEST_CASE("verification goes on from a checkpoint, without what came before it") {
  SignedLog log;
  auto options = log.by_signer();
  options.since = log.directory / "last-time.checkpoints";
  fs::copy_file(log.kept(3), options.since);
  for (const std::uint64_t number : {1, 2}) remove_segment(log, number);
  SECTION("intact from there on") {
    const auto report = verify_log(log.log, options);
    CHECK(report.findings.empty());
    CHECK(report.segments.size() == 2);
    CHECK(log.signed_findings() == Names{"missing@1", "missing@2"});
  }
  SECTION("its segment gone") {
    remove_segment(log, 3);
    CHECK(log.findings(options) == Names{"missing@3"});
  }
  SECTION("all gone that it speaks of") {
    log.write_segment("fifth");
    fs::copy_file(log.kept(5), options.since, fs::copy_options::overwrite_existing);
    remove_segment(log, 5);
    CHECK(log.findings(options) == Names{"rolled-back@5"});
  }
  SECTION("another log since then") {
    for (const std::uint64_t number : {3, 4}) remove_segment(log, number);
    for (int run = 0; run < 3; ++run) log.write_segment("another");
    CHECK(log.findings(options) == Names{"fork@3"});
  }
  SECTION("no checkpoint of this signer") {
    const SignedLog others(other_signer());
    fs::copy_file(others.kept(3), options.since, fs::copy_options::overwrite_existing);
    CHECK(log.findings(options) == Names{"wrong-signer@3"});
  }
}

}  // namespace sallyport::tests
