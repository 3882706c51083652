// The writer's files: what is on disk when, and what one writer leaves alone of another's.
#include "logging/storage.hpp"

#include "tests/logging/failing_storage.hpp"
#include "tests/logging/log_fixture.hpp"
#include "tests/logging/sync_watch.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/waiting.hpp"

namespace sallyport::tests {

using namespace logging;
namespace fs = std::filesystem;

namespace {

std::vector<envelope::Recipient> recipients() { return {reader_key().recipient()}; }

// The log of a writer that was killed: none of it but its first segment's header was synced.
struct CrashedLog {
  CrashedLog() {
    const TemporaryDirectory living;
    SealedLog log(log_settings(living.where()), recipients(), clock);
    REQUIRE(seal(log, "before the crash", "prompt", "answer").has_value());
    fs::copy(living.where(), directory.where());
  }
  std::uintmax_t size() const { return fs::file_size(directory / segment_name(1)); }

  TemporaryDirectory directory;
  FakeClock clock;
};

}  // namespace

TEST_CASE("what a killed writer left is on disk before the next segment declares it") {
  const CrashedLog log;
  const auto size = log.size();
  const SyncWatch watch;
  const SealedLog next(log_settings(log.directory.where()), recipients(), log.clock);
  const auto synced = watch.synced();
  const std::size_t last = watch.first(segment_name(1));
  REQUIRE(last < synced.size());
  CHECK(synced[last].size == size);
  CHECK_FALSE(synced[last].for_writing);  // it may lie on storage that takes no more of it
  CHECK(last < watch.first(segment_name(2) + ".new"));
}

TEST_CASE("where a file system cannot sync what is open for reading, it is asked for writing, and the log starts") {
  const CrashedLog log;
  SyncWatch watch;
  watch.refuses_read_only = EINVAL;
  const bool writable = GENERATE(true, false);
  if (!writable) {  // a file that root may not write either
    fs::rename(log.directory / segment_name(1), log.directory / "elsewhere");
    fs::create_symlink("elsewhere", log.directory / segment_name(1));
  }
  {
    SealedLog next(log_settings(log.directory.where()), recipients(), log.clock);
    CHECK(seal(next, "after").has_value());
  }
  const auto synced = watch.synced();
  const bool asked = std::any_of(synced.begin(), synced.end(), [](const SyncedFile& file) {
    return file.name == segment_name(1) && file.for_writing;
  });
  CHECK(asked == writable);
  CHECK(findings_of(log.directory.where()) == std::vector<std::string>{"torn-declared@1"});
}

TEST_CASE("a log whose last segment the disk cannot keep is not gone on with") {
  const CrashedLog log;
  SyncWatch watch;
  watch.refuses_read_only = EIO;
  CHECK_THROWS_AS(SealedLog(log_settings(log.directory.where()), recipients(), log.clock), std::runtime_error);
  CHECK(list_segments(log.directory.where()).size() == 1);
}

TEST_CASE("after a write that failed, what was written before it is on disk before the next segment declares it") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  Disk disk;
  const SyncWatch watch;
  SealedLog log(log_settings(directory.where()), recipients(), clock,
                std::make_unique<MoodyStorage>(disk, directory.where()));
  REQUIRE(seal(log, "before").has_value());
  CHECK(disk.syncs == 0);
  disk.mood = Disk::Mood::cuts_writes;
  CHECK(seal(log, "during").has_error());
  disk.mood = Disk::Mood::working;
  REQUIRE(eventually([&] { return log.counters().healthy; }));
  CHECK(watch.first(segment_name(1)) < watch.first(keys_name(2) + ".new"));
  CHECK(disk.writes_after_error == 0);
}

}  // namespace sallyport::tests
