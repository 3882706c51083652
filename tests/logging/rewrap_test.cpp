// Other recipients for a segment that is closed.
#include "logging/rewrap.hpp"

#include "logging/writer_lock.hpp"
#include "tests/logging/signed_log.hpp"
#include "tests/logging/tampering.hpp"

namespace sallyport::tests {

using namespace logging;

namespace {

struct Case : SignedLog {
  RewrapResult rewrap(const RewrapPlan& plan, envelope::KeyHolder& holder = reader_key()) const {
    return rewrap_segment(segment(2), holder, plan);
  }
  // Exchanges that each of the two keys reads.
  std::size_t read_by(envelope::Identity& key) const { return read_log(log, key).exchanges.size(); }
  std::uint32_t generation() const { return parse_key_block(bytes_of_file(keys(2)))->generation; }
};

RewrapPlan adding(const envelope::Recipient& recipient) { return {{recipient}, {}, false}; }
RewrapPlan removing(const envelope::Recipient& recipient) { return {{}, {recipient.id()}, false}; }

}  // namespace

TEST_CASE("a recipient added opens the segment, one removed does not, and the segment itself is untouched") {
  const Case log;
  const core::Bytes before = bytes_of_file(log.segment(2));
  CHECK(log.rewrap(adding(other_key().recipient())).outcome == Rewrapped::done);
  CHECK(log.read_by(other_key()) == 3);
  CHECK(log.read_by(reader_key()) == 12);
  CHECK(log.generation() == 1);
  CHECK(log.rewrap(removing(reader_key().recipient()), other_key()).outcome == Rewrapped::done);
  CHECK(log.read_by(reader_key()) == 9);
  CHECK(log.read_by(other_key()) == 3);
  CHECK(log.generation() == 2);
  CHECK(bytes_of_file(log.segment(2)) == before);
  CHECK(log.kept_findings().empty());
}

TEST_CASE("what is as wanted is not written again, so an interrupted run can be repeated") {
  const Case log;
  const RewrapPlan exchange{{other_key().recipient()}, {reader_key().recipient().id()}, false};
  CHECK(log.rewrap(exchange).outcome == Rewrapped::done);
  const core::Bytes keys = bytes_of_file(log.keys(2));
  CHECK(log.rewrap(exchange, other_key()).outcome == Rewrapped::as_wanted);
  CHECK(log.rewrap(exchange, reader_key()).outcome == Rewrapped::as_wanted);  // the same run again
  CHECK(bytes_of_file(log.keys(2)) == keys);
}

TEST_CASE("a crash in the middle leaves the old key block in its place") {
  const Case log;
  write_file(log.keys(2).string() + ".new", "half a key bl");
  CHECK(log.read_by(reader_key()) == 12);
  CHECK(log.signed_findings().empty());
  CHECK(log.rewrap(adding(other_key().recipient())).outcome == Rewrapped::done);
  CHECK(log.read_by(other_key()) == 3);
}

TEST_CASE("nothing is written when it should not be, and the words say why") {
  const Case log;
  const core::Bytes keys = bytes_of_file(log.keys(2));
  SECTION("a key that does not open it") {
    const auto result = log.rewrap(adding(other_key().recipient()), other_key());
    CHECK(result.outcome == Rewrapped::not_opened);
    CHECK(result.words == "it is sealed to other keys");
    CHECK(log.rewrap({{reader_key().recipient(), other_key().recipient()}, {}, false}, other_key()).outcome ==
          Rewrapped::not_opened);
    CHECK(log.rewrap(removing(other_key().recipient()), other_key()).outcome == Rewrapped::not_opened);
  }
  SECTION("nobody left") { CHECK(log.rewrap(removing(reader_key().recipient())).outcome == Rewrapped::none_left); }
  SECTION("a post-quantum recipient beside a classical one") {
    // Whether this OpenSSL could make such an entry or not: it is put there with a right MAC.
    FileSource source(log.segment(2));
    FrameWalker walker(source);
    REQUIRE(walker.open() == HeaderProblem::none);
    Unlocked unlocked;
    REQUIRE(unlock(log.segment(2), walker.header(), reader_key(), unlocked) == UnlockProblem::none);
    unlocked.block.entries.push_back({metadata_key, 3, "0123456789abcdef", core::Bytes(1168)});
    unlocked.block.mac = key_block_mac(unlocked.keys, unlocked.block);
    write_bytes(log.keys(2), encode_key_block(unlocked.block));
    RewrapPlan plan = adding(other_key().recipient());
    CHECK(log.rewrap(plan).outcome == Rewrapped::mixed);
    plan.allow_mixed = true;
    CHECK(log.rewrap(plan).outcome == Rewrapped::done);
    return;
  }
  SECTION("an altered key block, which would be given a right MAC") {
    KeyBlock block = *parse_key_block(keys);
    block.entries.push_back({metadata_key, 1, other_key().recipient().id(), core::Bytes(97)});
    write_bytes(log.keys(2), encode_key_block(block));
    CHECK(log.rewrap(adding(other_key().recipient())).words == "its key block was altered");
    return;
  }
  CHECK(bytes_of_file(log.keys(2)) == keys);
}

TEST_CASE("two who rewrap a log do not undo each other's work: the second waits to be called again") {
  const SignedLog log;
  const RewrapLock first(log.log);
  CHECK_THROWS_AS(RewrapLock(log.log), std::runtime_error);
  CHECK_FALSE(WriterLock::held(log.log));
}

}  // namespace sallyport::tests
