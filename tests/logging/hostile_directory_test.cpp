// What somebody who can write a log's directory puts there for those who read it, and for the writer.
#include <sys/stat.h>

#include "logging/rewrap.hpp"
#include "logging/writer_lock.hpp"
#include "tests/logging/signed_log.hpp"
#include "tests/logging/tenant_log.hpp"

namespace sallyport::tests {

using namespace logging;

namespace {

// Signed, of four segments of three exchanges, an hour apart.
struct Hours : SignedLog {
  Hours() : SignedLog(log_signer(), std::chrono::hours(100)) {}

  // As somebody without a key can: the time in its header, and the header's hash.
  void date(std::uint64_t number, core::WallTime time) const {
    ParsedHeader header;
    core::Bytes bytes = bytes_of_file(segment(number));
    REQUIRE(parse_header(bytes, header) == HeaderProblem::none);
    header.header.created_ns = static_cast<std::uint64_t>(time.time_since_epoch().count());
    const core::Bytes changed = encode_header(header.header);
    std::copy(changed.begin(), changed.end(), bytes.begin());
    write_bytes(segment(number), bytes);
  }
};

std::size_t shown_until(const path& log, core::WallTime until, Names& told) {
  LogReader reader(
      log, reader_key(),
      [&](std::uint64_t segment, const std::string& words) { told.push_back(std::to_string(segment) + ": " + words); },
      {std::nullopt, 0, until});
  std::size_t shown = 0;
  while (reader.next()) ++shown;
  return shown;
}

}  // namespace

TEST_CASE("a rewrap writes through no link that was put in its way") {
  const SignedLog log;
  const path victim = log.directory / "victim";
  write_file(victim, "not yours");
  fs::create_symlink(victim, log.keys(1).string() + ".new");
  RewrapPlan plan;
  plan.add = {other_key().recipient()};
  CHECK(rewrap_segment(log.segment(1), reader_key(), plan).outcome == Rewrapped::done);
  CHECK(read_file(victim) == "not yours");
  CHECK(read_log(log.log, other_key()).exchanges.size() == 3);
}

TEST_CASE("neither a lock nor a checkpoint is written through a link") {
  const TemporaryDirectory directory;
  const path victim = directory / "victim";
  fs::create_symlink(victim, directory / rewrap_lock_name);
  CHECK_THROWS_AS(RewrapLock(directory.where()), std::runtime_error);
  fs::create_symlink(victim, directory / checkpoints_name(1));
  CHECK(append_to(directory / checkpoints_name(1), core::bytes_of("a note")).has_error());
  CHECK_FALSE(fs::exists(victim));
}

TEST_CASE("a pipe in a segment's place holds nobody up") {
  const SignedLog log;
  fs::remove(log.segment(2));
  REQUIRE(::mkfifo(log.segment(2).c_str(), 0600) == 0);
  CHECK_THROWS_AS(verify_log(log.log, log.by_signer()), std::system_error);
  CHECK_THROWS_AS(read_log(log.log), std::system_error);
}

TEST_CASE("behind the last number that a segment can have nothing is written") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  write_file(directory / segment_name(max_segment_number), "");
  CHECK_THROWS_AS(SealedLog(log_settings(directory.where()), {reader_key().recipient()}, clock), std::runtime_error);
}

TEST_CASE("a segment whose header was given a later time does not end reading") {
  const Hours log;
  Names told;
  const core::WallTime until = FakeClock::start + std::chrono::hours(301);
  CHECK(shown_until(log.log, until, told) == 12);
  log.date(2, FakeClock::start + std::chrono::hours(100'000));
  CHECK(shown_until(log.log, until, told) == 9);
  CHECK(told == Names{"2: its key block was swapped: it opens to a key the segment was not sealed with"});
}

TEST_CASE("a segment that is sealed to others and claims to be younger than those behind it is named") {
  const Hours log;
  KeyBlock block = *parse_key_block(bytes_of_file(log.keys(2)));
  block.entries.clear();
  write_bytes(log.keys(2), encode_key_block(block));
  log.date(2, FakeClock::start + std::chrono::hours(100'000));
  Names told;
  CHECK(shown_until(log.log, FakeClock::start + std::chrono::hours(301), told) == 9);
  CHECK(told == Names{"2: it says that it is younger than those behind it"});
  told.clear();
  CHECK(shown_until(log.log, FakeClock::start, told) == 3);  // what is behind is of no concern
  CHECK(told.empty());
}

TEST_CASE("a segment that was replaced by another of its number is read anew by whoever follows") {
  const SignedLog log, other;
  for (const std::uint64_t number : {2, 3, 4}) fs::remove(log.segment(number)), fs::remove(log.keys(number));
  Names told;
  LogReader reader(log.log, reader_key(), [&](auto, const std::string& words) { told.push_back(words); });
  int shown = 0;
  const auto show = [&] {
    while (auto exchange = reader.next()) {
      ++shown;
      const auto body = reader.content(*exchange, PartType::request_body);
      CHECK((body && core::text_of(*body) == "prompt"));
    }
  };
  show();
  CHECK(shown == 3);
  const auto replace_by = [&](const path& segment) {
    fs::copy_file(keys_path_of(segment), log.keys(1), fs::copy_options::overwrite_existing);
    fs::copy_file(segment, log.log / "new");
    fs::rename(log.log / "new", log.segment(1));
  };
  replace_by(other.segment(1));
  show();
  CHECK(shown == 6);
  CHECK(told.empty());
  FakeClock clock;
  const TemporaryDirectory closed;
  { SealedLog writer(log_settings(closed.where()), {other_key().recipient()}, clock); }
  replace_by(closed / segment_name(1));
  show();
  CHECK(told == Names{"it is sealed to other keys"});
}

TEST_CASE("pieces that nobody sealed make no exchange, and a segment full of them is left") {
  const TenantLog log(std::vector<std::vector<Tenant>>(1));
  {
    SealedLog writer(log_settings(log.directory.where()), {reader_key().recipient()}, log.clock);
    REQUIRE(seal(writer, "true", "prompt").has_value());
  }
  auto frames = frame_bytes(log.segment(2));
  frames.pop_back();
  // Its body's part alone, as the one part of another frame.
  const PartView body = parts_of(frames[0]).value()[1];
  core::Bytes piece(frames[0].begin(), frames[0].begin() + frame_head_size);
  piece.insert(piece.end(), body.sealed.data() - part_head_size, body.sealed.data() + body.sealed.size());
  piece.resize(piece.size() + digest_size);
  FrameHead head = decode_frame_head(piece.data());
  head.kind = FrameKind::data;
  head.parts = 1;
  if (GENERATE(false, true)) piece[frame_head_size + 4] = std::byte{9};  // nor do they belong there
  for (unsigned i = 0; i < 1'000; ++i) {
    head.number = 1'000 + i;
    encode(head, piece.data());
    frames.push_back(piece);
  }
  rechain(log.segment(2), std::move(frames));
  const ReadLog read = log.read_by(reader_key());
  CHECK(read.has("true"));
  CHECK(read.unfinished.empty());
  REQUIRE(!read.troubles.empty());
  CHECK(read.troubles.back() == "2: too many of its frames are not authentic: the rest of it is not read");
  const auto is_not_authentic = [](const std::string& words) { return words.ends_with("is not authentic"); };
  CHECK(std::count_if(read.troubles.begin(), read.troubles.end(), is_not_authentic) == 16);  // frames, each once
}

TEST_CASE("a key block takes no more recipients than one can have, and stays as it was") {
  const SignedLog log;
  const core::Bytes before = bytes_of_file(log.keys(1));
  RewrapPlan plan;
  for (std::size_t i = 0; i < max_recipients; ++i) {
    plan.add.push_back(envelope::Recipient::of(core::crypto::PrivateKey::generate_p256().public_key()));
  }
  const auto result = rewrap_segment(log.segment(1), reader_key(), plan);
  CHECK(result.outcome == Rewrapped::not_written);
  CHECK(result.words == "it would have more recipients than fit");
  CHECK(bytes_of_file(log.keys(1)) == before);
}

}  // namespace sallyport::tests
