// A disk that fails, hangs or is slow, and a queue that is full: each with both policies, and the way back.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/logging/failing_storage.hpp"
#include "tests/logging/log_fixture.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/waiting.hpp"

namespace sallyport::tests {

using core::Reason;
using logging::Durability;
using logging::Overload;
using logging::SealedLog;
using Mood = Disk::Mood;

namespace {

struct TestLog {
  explicit TestLog(Overload overload, Durability durability = Durability::written, std::size_t queue = 1 << 20) {
    settings = log_settings(directory.where());
    settings.overload = overload;
    settings.durability = durability;
    settings.queue_bytes = queue;
    log = std::make_unique<SealedLog>(settings, std::vector{reader_key().recipient()}, clock,
                                      std::make_unique<MoodyStorage>(disk, directory.where()));
  }

  TemporaryDirectory directory;
  FakeClock clock;
  Disk disk;
  logging::LogSettings settings;
  std::unique_ptr<SealedLog> log;
};

bool only_declared(const path& directory) { return logging::verify_log(directory, &reader_key()).good(); }

}  // namespace

TEST_CASE("refuse: a full disk fails the promise, then every new entry; those are counted and it recovers by itself") {
  const Mood mood = GENERATE(Mood::full_after_create, Mood::cuts_writes);
  TestLog test(Overload::refuse);
  REQUIRE(seal(*test.log, "before").has_value());
  test.disk.mood = mood;
  const auto failed = seal(*test.log, "during");
  REQUIRE(failed.has_error());
  CHECK(failed.error().reason == Reason::log_unavailable);
  CHECK(eventually([&] { return !test.log->counters().healthy; }));
  CHECK(test.log->open_entry(true).has_error());
  test.disk.mood = Mood::full;
  CHECK(test.log->open_entry(true).has_error());

  test.disk.mood = Mood::working;
  REQUIRE(eventually([&] { return test.log->counters().healthy; }));
  REQUIRE(seal(*test.log, "after").has_value());
  CHECK(test.log->counters().lost == 2);  // the two that were refused at the door
  CHECK(test.log->counters().write_errors > 0);
  CHECK(test.disk.writes_after_error == 0);
  test.log.reset();
  const ReadLog read = read_log(test.directory.where());
  CHECK(read.exchanges.size() == 3);
  CHECK(read.has("before"));
  CHECK(read.has("during"));
  CHECK(read.has("after"));
  CHECK(only_declared(test.directory.where()));
  CHECK(findings_of(test.directory.where()) == std::vector<std::string>{"torn-declared@1", "gap-declared@2"});
  CHECK(test.disk.mood == Mood::working);
}

TEST_CASE("synced: a failed sync is not tried again on the same file") {
  TestLog test(Overload::refuse, Durability::synced);
  REQUIRE(seal(*test.log, "before").has_value());
  test.disk.mood = Mood::fails_sync;
  CHECK(seal(*test.log, "during").has_error());
  test.disk.mood = Mood::working;
  REQUIRE(eventually([&] { return test.log->counters().healthy; }));
  REQUIRE(seal(*test.log, "after").has_value());
  CHECK(test.disk.writes_after_error == 0);
  test.log.reset();
  CHECK(only_declared(test.directory.where()));
  // "during" stands twice, behind the declared end and in the next segment; it is read once.
  CHECK(read_log(test.directory.where()).exchanges.size() == 3);
}

TEST_CASE("count: a full disk fails nobody, what fits in the queue comes late and the rest is counted and declared") {
  TestLog test(Overload::count, Durability::written, 20 * 1024);
  REQUIRE(seal(*test.log, "before").has_value());
  test.disk.mood = Mood::full_after_create;
  int told = 0;
  for (int i = 0; i < 50; ++i) told += seal(*test.log, "during-" + std::to_string(i)).has_value();
  CHECK(told == 50);
  const auto counters = test.log->counters();
  CHECK(counters.lost > 0);
  CHECK(counters.lost < 50);
  CHECK(counters.queued_bytes <= 20 * 1024);
  CHECK(!counters.healthy);

  test.disk.mood = Mood::working;
  REQUIRE(eventually([&] { return test.log->counters().healthy; }));
  REQUIRE(seal(*test.log, "after").has_value());
  const std::uint64_t lost = test.log->counters().lost;
  test.log.reset();
  const auto report = logging::verify_log(test.directory.where(), &reader_key());
  CHECK(report.good());
  std::uint64_t declared = 0, records = 0;
  for (const auto& segment : report.segments) declared += segment.lost, records += segment.records;
  CHECK(declared == lost);
  CHECK(records == 52 - lost);
  CHECK(read_log(test.directory.where()).has("after"));
}

TEST_CASE("what is lost while a disk fails for long is one number in the end, not one for each try") {
  TestLog test(Overload::refuse);
  test.disk.mood = Mood::full_after_create;
  REQUIRE(seal(*test.log, "during").has_error());
  for (int i = 0; i < 10; ++i) {
    REQUIRE(test.log->open_entry(true).has_error());
    const auto errors = test.log->counters().write_errors;
    REQUIRE(eventually([&] { return test.log->counters().write_errors >= errors + 2; }));  // one try knows of it
  }
  test.disk.mood = Mood::working;
  REQUIRE(eventually([&] { return test.log->counters().healthy; }));
  test.log.reset();
  CHECK(findings_of(test.directory.where()) == std::vector<std::string>{"gap-declared@1"});
  const auto report = logging::verify_log(test.directory.where(), &reader_key());
  REQUIRE(report.segments.size() == 1);
  CHECK(report.segments[0].lost == 10);
  CHECK(report.segments[0].frames == 3);  // "during", the gap, the end
}

TEST_CASE("a full queue refuses or counts, at its limit and not before") {
  const Overload overload = GENERATE(Overload::refuse, Overload::count);
  TestLog test(overload, Durability::written, 10 * 1024);  // ten open entries
  std::vector<logging::LogEntry> open;
  for (int i = 0; i < 10; ++i) {
    auto entry = test.log->open_entry(false);
    REQUIRE(entry.has_value());
    open.push_back(std::move(*entry));
  }
  auto over = test.log->open_entry(false);
  CHECK(over.has_value() == (overload == Overload::count));
  if (overload == Overload::refuse) CHECK(over.error().reason == Reason::log_unavailable);
  if (over) over->finish(record_named("lost"), [](core::Result<void> result) { CHECK(result.has_value()); });
  CHECK(test.log->counters().lost == 1);
  open.clear();
  CHECK(eventually([&] { return test.log->counters().queued_bytes == 0; }));
  CHECK(seal(*test.log, "again").has_value());
  test.log.reset();
  CHECK(read_log(test.directory.where()).exchanges.size() == 11);
}

TEST_CASE("content that finds the queue full is cut, and the record says so") {
  const Overload overload = GENERATE(Overload::refuse, Overload::count);
  TestLog test(overload, Durability::written, 32 * 1024);
  test.disk.hang(true);
  auto entry = test.log->open_entry(true);
  REQUIRE(entry.has_value());
  const bool of_request = GENERATE(false, true);
  const std::string piece(4000, 'x');
  bool refused = false;
  for (int i = 0; i < 20; ++i) {
    const auto kept = of_request ? keep_request(*entry, piece) : entry->response_body(core::bytes_of(piece));
    refused |= kept.has_error();
  }
  // There is room for so little again, but a body with a hole misleads.
  const auto more = of_request ? keep_request(*entry, "!") : entry->response_body(core::bytes_of("!"));
  CHECK(more.has_error() == refused);
  if (of_request) CHECK(entry->response_body(core::bytes_of("!")).has_error() == refused);
  CHECK(test.log->counters().queued_bytes <= 32 * 1024);
  const auto sealed = std::make_shared<std::promise<core::Result<void>>>();
  auto told = sealed->get_future();
  entry->finish(record_named("cut"), [sealed](core::Result<void> result) { sealed->set_value(result); });
  test.disk.hang(false);
  CHECK(told.get().has_value() == (overload == Overload::count));
  CHECK(test.log->counters().lost == 1);
  test.log.reset();
  const ReadLog read = read_log(test.directory.where());
  REQUIRE(read.exchanges.size() == 1);
  CHECK(read.exchanges[0].exchange.metadata.find("\"content_lost\":") != std::string::npos);
  const std::string& kept = of_request ? read.exchanges[0].request : read.exchanges[0].response;
  CHECK(kept.size() > 10'000);
  CHECK(kept.size() < 32'000);
  CHECK(kept.find('!') == std::string::npos);
  if (of_request) CHECK(read.exchanges[0].response.empty());
}

TEST_CASE("a piece of a request that no frame may hold is refused, not cut") {
  TestLog test(Overload::refuse);
  auto entry = test.log->open_entry(true);
  REQUIRE(entry.has_value());
  const std::string piece(logging::max_content_piece + 1, 'x');
  CHECK_THROWS_AS(entry->request_body(core::SharedBytes::copy_of(core::bytes_of(piece))), std::length_error);
}

TEST_CASE("a disk that hangs blocks no worker, counts as failed after the limit, and is forgiven") {
  TestLog test(Overload::refuse);
  test.disk.hang(true);
  auto entry = test.log->open_entry(true);
  REQUIRE(entry.has_value());
  const auto sealed = std::make_shared<std::promise<core::Result<void>>>();
  auto told = sealed->get_future();
  entry->finish(record_named("waiting"), [sealed](core::Result<void> result) { sealed->set_value(result); });
  REQUIRE(eventually([&] { return test.disk.waiting == 1; }));
  CHECK(test.log->open_entry(true).has_value());
  test.clock.advance(test.settings.stall_limit);
  CHECK(!test.log->counters().healthy);
  CHECK(test.log->open_entry(true).has_error());
  test.disk.hang(false);
  CHECK(told.get().has_value());
  CHECK(eventually([&] { return test.log->counters().healthy; }));
  CHECK(seal(*test.log, "after").has_value());
}

TEST_CASE("an entry that is dropped leaves a record that says so") {
  TestLog test(Overload::refuse);
  { auto entry = test.log->open_entry(true); }
  test.log.reset();
  const ReadLog read = read_log(test.directory.where());
  REQUIRE(read.exchanges.size() == 1);
  CHECK(read.exchanges[0].exchange.metadata.find("\"outcome\":\"internal\"") != std::string::npos);
}

TEST_CASE("with the disk gone for good the log still ends, and says what it lost") {
  TestLog test(Overload::count, Durability::buffered);
  test.disk.mood = Mood::full_after_create;
  CHECK(seal(*test.log, "lost").has_value());
  test.log.reset();
  CHECK(read_log(test.directory.where()).exchanges.empty());
}

// A process of its own, whose files may not grow past a limit: write(2) itself fails, in the middle of a frame.
TEST_CASE("when the kernel refuses to let a file grow, the log goes on in a new segment and loses nothing") {
  const TemporaryDirectory directory;
  reader_key();  // made before the fork, so that parent and child have the same
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{8000, 8000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const core::SystemClock clock;
    int refused = 0;
    {
      SealedLog log(log_settings(directory.where()), {reader_key().recipient()}, clock);
      for (int i = 0; i < 20; ++i) {
        refused += !seal(log, std::to_string(i), std::string(1500, 'x'));
        if (!eventually([&] { return log.counters().healthy; })) ::_exit(1);
      }
    }
    ::_exit(refused > 0 ? 0 : 2);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  CHECK(only_declared(directory.where()));
  CHECK(logging::list_segments(directory.where()).size() >= 4);
  CHECK(read_log(directory.where()).exchanges.size() == 20);
}

}  // namespace sallyport::tests
