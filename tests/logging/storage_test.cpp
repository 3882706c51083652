// The writer's files: what is on disk when, and what one writer leaves alone of another's.
#include "logging/storage.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <utility>

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

// Once, at the next rename(2) to a segment's name. What it gives is what rename says, whatever it did; 0: the truth.
std::function<int()> after_rename;

std::atomic<int> lstat_error{0};

extern "C" int renameat2(int from_in, const char* from, int to_in, const char* to, unsigned flags) noexcept {
  const auto done = static_cast<int>(::syscall(SYS_renameat2, from_in, from, to_in, to, flags));
  const bool asked = after_rename && std::string_view(to).ends_with(segment_suffix);
  const int error = asked ? std::exchange(after_rename, nullptr)() : 0;
  return error == 0 ? done : (errno = error, -1);
}

extern "C" int lstat(const char* path, struct stat* found) noexcept {
  if (lstat_error != 0) return errno = lstat_error, -1;
  return ::fstatat(AT_FDCWD, path, found, AT_SYMLINK_NOFOLLOW);
}

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

TEST_CASE("a segment that is made again is gone before its key block is another's") {
  const TemporaryDirectory directory;
  DirectoryStorage storage(directory.where());
  REQUIRE(storage.create(1, core::bytes_of("keys"), core::bytes_of("header")).has_value());
  // The disk takes no new key block, or that and no segment. What is there then is what a crash would leave.
  const path refused = directory / (GENERATE(keys_name(1), segment_name(1)) + ".new");
  fs::create_directory(refused);
  CHECK(storage.create(1, core::bytes_of("other keys"), core::bytes_of("other header")).has_error());
  CHECK(list_segments(directory.where()).empty());
  CHECK_FALSE(fs::exists(directory / keys_name(1)));  // else the next start finds a segment missing
  fs::remove(refused);
  REQUIRE(storage.create(1, core::bytes_of("third keys"), core::bytes_of("third header")).has_value());
  CHECK(read_file(directory / keys_name(1)) == "third keys");
  CHECK(read_file(directory / segment_name(1)) == "third header");
}

TEST_CASE("no segment takes the name of one that another writer made, nor its key block") {
  const TemporaryDirectory directory;
  DirectoryStorage mine(directory.where()), theirs(directory.where());
  REQUIRE(mine.create(1, core::bytes_of("keys 1"), core::bytes_of("header 1")).has_value());
  REQUIRE(theirs.create(2, core::bytes_of("their keys"), core::bytes_of("their header")).has_value());
  const auto refused = mine.create(2, core::bytes_of("my keys"), core::bytes_of("my header"));
  REQUIRE(refused.has_error());
  CHECK(refused.error().os_code == EEXIST);
  CHECK(read_file(directory / keys_name(2)) == "their keys");
  CHECK(read_file(directory / segment_name(2)) == "their header");
}

TEST_CASE("of two writers that make the same segment at once, who is too late leaves the other's key block") {
  const TemporaryDirectory directory;
  DirectoryStorage mine(directory.where()), theirs(directory.where());
  SyncWatch watch;
  watch.before_sync = [&](const std::string& name) {
    if (name != segment_name(1) + ".new") return;
    watch.before_sync = nullptr;
    CHECK(theirs.create(1, core::bytes_of("their keys"), core::bytes_of("their header")).has_value());
  };
  CHECK(mine.create(1, core::bytes_of("my keys"), core::bytes_of("my header")).has_error());
  CHECK(read_file(directory / keys_name(1)) == "their keys");
  CHECK(read_file(directory / segment_name(1)) == "their header");
}

TEST_CASE("a key block that took its time to be written goes over no other writer's, whose segment stands by then") {
  const TemporaryDirectory directory;
  DirectoryStorage mine(directory.where());
  SyncWatch watch;
  watch.before_sync = [&](const std::string& name) {
    if (name != keys_name(1) + ".new") return;
    write_file(directory / keys_name(1), "their keys");
    write_file(directory / segment_name(1), "their header");
  };
  const auto made = mine.create(1, core::bytes_of("my keys"), core::bytes_of("my header"));
  REQUIRE(made.has_error());
  CHECK(made.error().os_code == EEXIST);
  CHECK(read_file(directory / keys_name(1)) == "their keys");
  CHECK(read_file(directory / segment_name(1)) == "their header");
}

TEST_CASE("a segment that was put, though the file system said no and then nothing, is replaced by its own writer") {
  const TemporaryDirectory directory;
  DirectoryStorage storage(directory.where());
  after_rename = [] {
    lstat_error = ETIMEDOUT;
    return ETIMEDOUT;
  };
  const auto create = [&] { return storage.create(1, core::bytes_of("new keys"), core::bytes_of("new header")); };
  CHECK(storage.create(1, core::bytes_of("keys"), core::bytes_of("header")).has_error());
  CHECK(create().has_error());  // it cannot be told yet
  lstat_error = 0;
  REQUIRE(read_file(directory / segment_name(1)) == "header");
  SECTION("once it can be told that it is his") {
    REQUIRE(create().has_value());
    CHECK(read_file(directory / keys_name(1)) == "new keys");
    CHECK(read_file(directory / segment_name(1)) == "new header");
  }
  SECTION("but not one that another put there meanwhile") {
    fs::remove(directory / segment_name(1));
    write_file(directory / segment_name(1), "their header");
    const auto made = create();
    REQUIRE(made.has_error());
    CHECK(made.error().os_code == EEXIST);
    CHECK(read_file(directory / segment_name(1)) == "their header");
  }
}

TEST_CASE("who finds another writer's key block beside the segment that it made takes the segment away") {
  const TemporaryDirectory directory;
  DirectoryStorage mine(directory.where());
  SyncWatch watch;
  watch.before_sync = [&](const std::string& name) {
    if (name == segment_name(1) + ".new") write_file(directory / "theirs", "their keys");
    if (name == segment_name(1) + ".new") fs::rename(directory / "theirs", directory / keys_name(1));
  };
  CHECK(mine.create(1, core::bytes_of("my keys"), core::bytes_of("my header")).has_error());
  CHECK(list_segments(directory.where()).empty());
  CHECK(read_file(directory / keys_name(1)) == "their keys");
}

TEST_CASE("what another writer put under the same unfinished name is never taken for one's own") {
  const TemporaryDirectory directory;
  const path segment = directory / segment_name(1), unfinished = segment.string() + ".new";
  DirectoryStorage storage(directory.where());
  SyncWatch watch;
  watch.before_sync = [&](const std::string& name) {
    if (name != unfinished.filename()) return;
    fs::remove(unfinished);
    write_file(unfinished, "their header");
  };
  const auto made = storage.create(1, core::bytes_of("keys"), core::bytes_of("my header"));
  REQUIRE(made.has_error());
  CHECK(made.error().os_code == EEXIST);
  CHECK(read_file(segment) == "their header");
  CHECK(fs::exists(directory / keys_name(1)));  // maybe the only one
}

TEST_CASE("who finds that another writer has moved the own unfinished file into its place has its segment") {
  const TemporaryDirectory directory;
  const path segment = directory / segment_name(1), unfinished = segment.string() + ".new";
  DirectoryStorage storage(directory.where());
  SyncWatch watch;
  watch.before_sync = [&](const std::string& name) {
    if (name == unfinished.filename()) fs::rename(unfinished, segment);
  };
  const auto made = storage.create(1, core::bytes_of("keys"), core::bytes_of("header"));
  REQUIRE(made.has_value());
  REQUIRE((*made)->append(core::bytes_of(" and frame")).has_value());
  CHECK(read_file(segment) == "header and frame");
}

TEST_CASE("each folder that is made for the log has its name on disk before the log is in it") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  const std::string slash = GENERATE("", "/");
  const auto settings = log_settings(path((directory / "deep" / "log").string() + slash));
  const SyncWatch watch;
  const SealedLog log(settings, recipients(), clock);
  CHECK(watch.first(directory.where().filename()) <
        watch.first(segment_name(1) + ".new"));  // it has the name of "deep"
  CHECK(watch.first("deep") < watch.first(segment_name(1) + ".new"));
  CHECK(fs::status(directory / "deep" / "log").permissions() == fs::perms{0750});
}

}  // namespace sallyport::tests
