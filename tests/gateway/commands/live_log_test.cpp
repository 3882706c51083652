// The commands that read a log, while its gateway removes segments of it: at the moment in which the first is opened.
#include <sys/stat.h>

#include "core/private_file.hpp"
#include "tests/gateway/commands/run_key_or_log.hpp"
#include "tests/logging/dying_log.hpp"

using namespace sallyport;
using namespace sallyport::tests;

namespace {

const std::vector<std::vector<std::string>> every_reader = {
    {"log", "cat", "--content"}, {"log", "tail", "--lines", "100"},
    {"log", "export"},           {"log", "verify"},
    {"log", "rewrap"},           {"key", "check"}};

// The reader's key behind a program that has `happens` done, once, and says that another key opens it.
struct Commands {
  explicit Commands(const std::string& happens) {
    core::write_private_file(key, reader_private_key().pem().reveal());
    write_file(hook, "#!/bin/sh\n[ -e \"$0.done\" ] || { " + happens + "; touch \"$0.done\"; }\nexit 10\n");
    ::chmod(hook.c_str(), 0700);
    write_file(other, other_key().recipient().text());
  }
  // The words of one of `every_reader`.
  Outcome operator()(std::vector<std::string> command, const path& log) const {
    if (command[1] == "rewrap") command.insert(command.end(), {"--add", other.string()});
    command.insert(command.end(), {"--key", "command:" + hook.string(), "--key", key.string(), log.string()});
    return run(std::move(command));
  }
  TemporaryDirectory directory;
  path key = directory / "reader.key", hook = directory / "hook", other = directory / "other.pub";
};

std::string removal_of(const SignedLog& log, std::initializer_list<std::uint64_t> numbers) {
  std::string words = "rm -f";
  for (const std::uint64_t number : numbers)
    words += " " + log.segment(number).string() + " " + log.keys(number).string();
  return words;
}

}  // namespace

TEST_CASE("each command that reads a log goes on when the gateway removes segments under it") {
  const auto command = GENERATE(from_range(every_reader));
  const DyingLog log;
  const bool half = GENERATE(false, true);
  const Commands commands(half ? "rm " + log.keys(1).string() + " " + log.keys(2).string() : removal_of(log, {1, 2}));
  const Outcome outcome = commands(command, log.log);
  INFO(command[0] << " " << command[1] << (half ? ", half removed: " : ": ") << outcome.out << outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK_FALSE(has(outcome.out + outcome.err, "No such file"));
  if (command[1] == "rewrap") {
    CHECK(has(outcome.out, half ? "4 segments rewrapped" : "3 segments rewrapped"));  // half: the first had been read
  }
  if (command[0] == "key") CHECK(has(outcome.out, "3-5      opened"));
}

TEST_CASE("a tombstone hides no fault of a segment that still stands there") {
  // `log verify` has verdicts of its own for these faults.
  const auto command = GENERATE(filter([](const auto& one) { return one[1] != "verify"; }, from_range(every_reader)));
  const DyingLog log;
  SECTION("a key block is altered") { flip(log.keys(2), bytes_of_file(log.keys(2)).size() - 1); }
  SECTION("a key block is another's") { fs::copy(log.keys(4), log.keys(2), fs::copy_options::overwrite_existing); }
  SECTION("a header cannot be read") { flip(log.segment(2), 0); }
  const Commands commands("true");
  const Outcome outcome = commands(command, log.log);
  INFO(command[0] << " " << command[1] << ": " << outcome.out << outcome.err);
  CHECK(outcome.exit_code == 1);
  CHECK_FALSE(has(outcome.out + outcome.err, "removed by its gateway"));
}

TEST_CASE("each command that reads a log names a segment that goes without a tombstone") {
  const auto command = GENERATE(from_range(every_reader));
  const DyingLog log;
  const Commands commands(removal_of(log, {1, 2, 4}));
  const Outcome outcome = commands(command, log.log);
  INFO(command[0] << " " << command[1] << ": " << outcome.out << outcome.err);
  CHECK(outcome.exit_code == 1);
  CHECK((has(outcome.out, "not there") || has(outcome.err, "not there")));
  CHECK(has(outcome.out + outcome.err, command[0] == "key" ? "4        it is not there" : "segment 4"));
  CHECK_FALSE(has(outcome.out + outcome.err, "No such file"));
}
