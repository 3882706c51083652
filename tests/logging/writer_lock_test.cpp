// Who is let in to write a log, and who is not.
#include "logging/writer_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <utility>

#include "tests/logging/log_fixture.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/waiting.hpp"

namespace sallyport::tests {

using namespace logging;
namespace fs = std::filesystem;

namespace {

std::vector<envelope::Recipient> recipients() { return {reader_key().recipient()}; }

// Once, before the next flock(2).
std::function<void()> at_flock;

std::atomic<bool> locks_directories{true};

// As on some file systems, while it lives.
struct NoDirectoryLocks {
  NoDirectoryLocks() { locks_directories = false; }
  ~NoDirectoryLocks() { locks_directories = true; }
};

extern "C" int flock(int descriptor, int operation) noexcept {
  if (const auto before = std::exchange(at_flock, nullptr)) before();
  struct stat found {};
  if (!locks_directories && ::fstat(descriptor, &found) == 0 && S_ISDIR(found.st_mode)) return errno = EBADF, -1;
  return static_cast<int>(::syscall(SYS_flock, descriptor, operation));
}

}  // namespace

TEST_CASE("a log whose lock's file was removed is still known to be written") {
  const TemporaryDirectory directory;
  const WriterLock writer(directory.where());
  CHECK(WriterLock::held(directory.where()));
  fs::remove(directory / lock_name);
  CHECK(WriterLock::held(directory.where()));
}

TEST_CASE("who removes the lock's file lets no second writer in") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  const auto settings = log_settings(directory.where());
  {
    SealedLog first(settings, recipients(), clock);
    fs::remove(directory / lock_name);
    CHECK_THROWS_AS(SealedLog(settings, recipients(), clock), std::runtime_error);
    REQUIRE(seal(first, "of the first").has_value());
  }
  CHECK_NOTHROW(SealedLog(settings, recipients(), clock));
  CHECK(findings_of(directory.where()).empty());
}

TEST_CASE("where no directory can be locked, a writer whose lock was removed overwrites nothing of the next one's") {
  const NoDirectoryLocks as_over_a_network;
  const TemporaryDirectory directory;
  const FakeClock clock;
  const auto settings = log_settings(directory.where());
  SealedLog first(settings, recipients(), clock);
  REQUIRE(seal(first, "of the first").has_value());
  fs::remove(directory / lock_name);
  {
    SealedLog second(settings, recipients(), clock);
    REQUIRE(seal(second, "of the second").has_value());
    first.set_recipients(recipients());  // it starts a segment of its own now
    REQUIRE(eventually([&] { return first.counters().write_errors > 0; }));
    CHECK(seal(first, "refused").has_error());
    REQUIRE(seal(second, "of the second, too").has_value());
  }
  const ReadLog read = read_log(directory.where());
  CHECK(read.has("of the second"));
  CHECK(read.has("of the second, too"));
}

TEST_CASE("a reader that looks whether the log is being written keeps no gateway from starting") {
  const TemporaryDirectory directory;
  { const WriterLock makes_the_file(directory.where()); }
  core::Descriptor looking(::open((directory / GENERATE(std::string(lock_name), ".")).c_str(), O_RDONLY));
  REQUIRE(::flock(looking.number(), LOCK_SH) == 0);
  at_flock = [&] { at_flock = [&] { at_flock = [&] { looking.close(); }; }; };  // at the second try, or the third
  CHECK_NOTHROW(WriterLock(directory.where()));
  CHECK_FALSE(looking.is_open());
}

TEST_CASE("a lock on a file that was removed before it was taken is none") {
  const NoDirectoryLocks so_the_file_alone_decides;
  const TemporaryDirectory directory;
  std::unique_ptr<WriterLock> other;
  at_flock = [&] {
    fs::remove(directory / lock_name);
    other = std::make_unique<WriterLock>(directory.where());
  };
  CHECK_THROWS_AS(WriterLock(directory.where()), std::runtime_error);
  other.reset();
  CHECK_NOTHROW(WriterLock(directory.where()));
}

}  // namespace sallyport::tests
