// A program as the checkpoints' second place: one that works, that fails, that hangs.
#include "logging/checkpoint_places.hpp"

#include <signal.h>
#include <sys/stat.h>

#include "logging/checkpoint.hpp"
#include "logging/checkpoint_writer.hpp"
#include "tests/logging/failing_storage.hpp"
#include "tests/logging/signed_log.hpp"
#include "tests/support/waiting.hpp"

namespace sallyport::tests {

using namespace logging;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
namespace fs = std::filesystem;

namespace {

struct Case {
  explicit Case(const std::string& lines) {
    write_file(program(), "#!/bin/sh\n" + lines + "\n");
    ::chmod(program().c_str(), 0700);
    settings.command = {program(), beside("kept.checkpoints"), "two words; $(false)"};
    settings.pause = 10ms;
  }
  SecondPlace place() const { return {keep_by_command(settings.command), {1, settings.deadline, settings.pause}}; }
  path program() const { return directory / "keep checkpoint"; }
  path beside(const char* name) const { return directory / name; }
  std::string said(const char* name) const { return fs::exists(beside(name)) ? read_file(beside(name)) : ""; }

  TemporaryDirectory directory;
  CheckpointSettings settings;
};

core::WallTime at(int seconds) { return FakeClock::start + std::chrono::seconds(seconds); }

// The log whose checkpoints go to the case's program.
LogSettings settings_of(const Case& test, const path& log) {
  LogSettings settings = log_settings(log);
  settings.checkpoints = test.settings;
  settings.checkpoints.signer = log_signer();
  return settings;
}

// A process that has ended may stay a zombie for as long as nobody asks for it.
bool runs(pid_t process) {
  const path status = "/proc/" + std::to_string(process) + "/stat";
  return fs::exists(status) && read_file(status).find(") Z ") == std::string::npos;
}

std::size_t lines_of(const std::string& text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }

}  // namespace

TEST_CASE("the program gets the note, the whole of it, with its arguments and next to no environment") {
  const Case test("cat > \"$1\"; echo \"$#,$2\" > \"${0%/*}/arguments\"; env > \"${0%/*}/environment\"");
  ::setenv("SALLYPORT_TEST_SECRET", "canary", 1);
  {
    SecondPlace command = test.place();
    command.offer({1, "one note\n", at(7)});
    REQUIRE(eventually([&] { return command.state().taken == 1; }));
    CHECK(command.state().errors == 0);
    CHECK_FALSE(command.state().failing);
    CHECK(command.state().last == at(7));
  }
  CHECK(test.said("kept.checkpoints") == "one note\n");
  CHECK(test.said("arguments") == "2,two words; $(false)\n");
  CHECK(test.said("environment").find("PATH=") != std::string::npos);
  CHECK(test.said("environment").find("canary") == std::string::npos);
}

TEST_CASE("what a program appended is a second place: a log that was rolled back is found with it") {
  const Case test("cat >> \"$1\"");
  const path log = test.beside("log");
  {
    FakeClock clock;
    SealedLog writer(settings_of(test, log), {reader_key().recipient()}, clock);
    REQUIRE(seal(writer, "r-1").has_value());
    REQUIRE(eventually([&] { return writer.counters().command.taken == 1; }));
    fs::copy(log, test.beside("older"));
    REQUIRE(seal(writer, "r-2").has_value());
  }  // and at the end the newest
  VerifyOptions options;
  options.signers = {log_signer().verifier()};
  fs::create_directory(test.beside("second"));
  fs::rename(test.beside("kept.checkpoints"), test.beside("second") / "all.checkpoints");
  options.checkpoints = test.beside("second");
  const auto report = verify_log(log, options);
  CHECK(report.findings.empty());
  CHECK(report.signed_state->frames == report.segments.back().frames);
  const auto older = verify_log(test.beside("older"), options);
  CHECK(std::any_of(older.findings.begin(), older.findings.end(),
                    [](const Finding& finding) { return finding.kind == FindingKind::rolled_back; }));
}

TEST_CASE("a checkpoint's time is when it was signed, however late it is kept") {
  const Case test("exec cat > /dev/null");
  const LogSettings settings = settings_of(test, test.beside("log"));
  FakeClock clock;
  CheckpointWriter writer(settings, clock);
  writer.sign(1, SegmentLink{});
  clock.advance(90s);
  writer.keep();
  CHECK(writer.last() == at(0));
  REQUIRE(eventually([&] { return writer.command_state().taken == 1; }));
  CHECK(writer.command_state().last == at(0));
}

TEST_CASE("a program that fails is counted and tried again with the newest, and the log goes on") {
  const Case test("[ -e \"$1.ready\" ] && exec cat >> \"$1\"; echo x >> \"${0%/*}/tries\"; exit 3");
  SecondPlace command = test.place();
  command.offer({1, "first\n", at(1)});
  REQUIRE(eventually([&] { return command.state().errors >= 2; }));  // by itself
  CHECK(command.state().failing);
  CHECK_FALSE(command.state().last.has_value());
  command.offer({1, "second\n", at(2)});
  command.offer({1, "third\n", at(3)});
  write_file(test.beside("kept.checkpoints.ready"), "");
  REQUIRE(eventually([&] { return command.state().taken > 0 && command.state().last == at(3); }));
  CHECK_FALSE(command.state().failing);
  CHECK(test.said("kept.checkpoints").find("first") == std::string::npos);
  CHECK(test.said("kept.checkpoints").ends_with("third\n"));
}

TEST_CASE("one that is not there, that reads nothing, or dies of a signal has failed or not, as its end says") {
  Case test("exit 0");
  SECTION("reads nothing and is content") {
    SecondPlace command = test.place();
    command.offer({1, "note\n", at(1)});
    CHECK(eventually([&] { return command.state().taken == 1; }));
  }
  SECTION("is not there") {
    test.settings.command = {test.beside("none")};
    SecondPlace command = test.place();
    command.offer({1, "note\n", at(1)});
    CHECK(eventually([&] { return command.state().errors >= 2; }));
  }
  SECTION("dies") {
    write_file(test.program(), "#!/bin/sh\nkill -9 $$\n");
    SecondPlace command = test.place();
    command.offer({1, "note\n", at(1)});
    CHECK(eventually([&] { return command.state().errors >= 1; }));
  }
}

TEST_CASE("a program that hangs is ended at its deadline, with what it started, and the newest wins") {
  Case test(
      "[ -e \"$1.hung\" ] && exec cat >> \"$1\"; touch \"$1.hung\"; sleep 60 & echo $! > \"${0%/*}/child\"; wait");
  test.settings.deadline = 2s;
  SecondPlace command = test.place();
  const auto start = Steady::now();
  command.offer({1, "hangs\n", at(1)});
  REQUIRE(eventually([&] { return lines_of(test.said("child")) == 1; }));
  for (int i = 2; i <= 100; ++i) command.offer({1, "note " + std::to_string(i) + "\n", at(i)});
  CHECK(Steady::now() - start < 5s);
  CHECK(command.state().taken == 0);
  REQUIRE(eventually([&] { return command.state().taken == 1; }));
  CHECK(command.state().errors == 1);
  CHECK(test.said("kept.checkpoints") == "note 100\n");
  const pid_t child = std::stoi(test.said("child"));
  CHECK(eventually([&] { return !runs(child); }));
}

TEST_CASE("a log whose checkpoint program hangs seals and answers all the same, and ends within one deadline") {
  Case test("sleep 60");
  test.settings.deadline = 400ms;
  const path log = test.beside("log");
  Steady::time_point end_began;
  {
    FakeClock clock;
    auto settings = settings_of(test, log);
    settings.stall_limit = std::chrono::hours(24);
    SealedLog writer(settings, {reader_key().recipient()}, clock);
    for (int i = 0; i < 50; ++i) {
      clock.advance(std::chrono::minutes(1));  // each is due for a checkpoint
      REQUIRE(seal(writer, "r-" + std::to_string(i)).has_value());
    }
    CHECK(writer.counters().healthy);
    CHECK(writer.counters().command.taken == 0);
    REQUIRE(eventually([&] { return writer.counters().command.failing; }));
    end_began = Steady::now();
  }
  CHECK(Steady::now() - end_began < 10s);  // not a deadline for each of the fifty
  CHECK(read_log(log).exchanges.size() == 50);
}

TEST_CASE("the program hears of nothing that is not on the disk") {
  const Case test("cat >> \"$1\"");
  FakeClock clock;
  Disk disk;
  const auto settings = settings_of(test, test.beside("log"));
  {
    SealedLog writer(settings, {reader_key().recipient()}, clock,
                     std::make_unique<MoodyStorage>(disk, settings.directory));
    CHECK(disk.syncs == 1);  // `written` alone would not have synced
    REQUIRE(eventually([&] { return writer.counters().command.taken == 1; }));
    disk.mood = Disk::Mood::fails_sync;
    clock.advance(std::chrono::minutes(1));
    REQUIRE(eventually([&] { return writer.counters().write_errors > 0; }));
  }
  CHECK(parse_notes(test.said("kept.checkpoints")).size() == 1);
}

}  // namespace sallyport::tests
