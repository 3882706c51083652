// kill -9 of a process that writes a log: what was acknowledged is there.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <random>
#include <set>
#include <thread>

#include "tests/logging/signed_log.hpp"
#include "tests/support/catch.hpp"

namespace sallyport::tests {

using logging::SealedLog;

namespace {

constexpr int workers = 4;
constexpr int rounds = 200;
constexpr int longest_opening_ms = 20;  // of the lives that end by the clock, so that some end while the log is opened

// When a life ends: once so many records were acknowledged, or after that time.
struct Life {
  int acknowledgements;
  std::chrono::milliseconds longest;
};
Life draw_life(std::mt19937& random) {
  const auto up_to = [&](int most) { return std::uniform_int_distribution<int>(0, most)(random); };
  if (up_to(4) == 0) return {INT_MAX, std::chrono::milliseconds(up_to(longest_opening_ms))};
  return {1 + up_to(60), std::chrono::milliseconds(INT_MAX)};
}

logging::LogSettings signed_settings(const path& directory) {
  auto settings = log_settings(directory);
  settings.segment_bytes = 200'000;
  settings.checkpoints = {log_signer(), std::chrono::milliseconds(5), directory / "kept"};
  return settings;
}

// Writes as fast as it can until killed; each id goes down the pipe once its record is sealed.
[[noreturn]] void write_until_killed(const path& directory, int acknowledge, int round) {
  const core::SystemClock clock;
  SealedLog log(signed_settings(directory), {reader_key().recipient()}, clock);
  const auto work = [&](int worker) {
    for (int i = 0;; ++i) {
      const std::string id = std::to_string(round) + "-" + std::to_string(worker) + "-" + std::to_string(i);
      const bool large = i % 50 == 49;
      if (!seal(log, id, std::string(large ? 150'000 : 500, 'q'), "answer")) continue;
      const std::string line = id + "\n";  // shorter than PIPE_BUF: one write, whole
      if (::write(acknowledge, line.data(), line.size()) < 0) ::_exit(1);
    }
  };
  std::vector<std::thread> threads;
  for (int worker = 0; worker < workers; ++worker) threads.emplace_back(work, worker);
  for (std::thread& thread : threads) thread.join();
  ::_exit(0);
}

std::set<std::string> acknowledged_before_kill(const path& directory, int round, const Life& life) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    write_until_killed(directory, ends[1], round);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  const auto born = std::chrono::steady_clock::now();
  const auto enough = [&] { return std::count(text.begin(), text.end(), '\n') >= life.acknowledgements; };
  const auto left = [&] { return born + life.longest - std::chrono::steady_clock::now(); };
  pollfd spoken{ends[0], POLLIN, 0};
  const auto speaks = [&] {
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left()).count();
    return milliseconds > 0 && ::poll(&spoken, 1, static_cast<int>(milliseconds)) > 0;
  };
  const auto hear = [&] {
    const ssize_t got = ::read(ends[0], buffer, sizeof buffer);
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  };
  while (!enough() && speaks() && hear()) continue;
  ::kill(child, SIGKILL);
  while (hear()) continue;
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  std::set<std::string> ids;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    ids.insert(text.substr(begin, end - begin));
  }
  return ids;
}

}  // namespace

TEST_CASE(
    "written: every acknowledged record survives kill -9 at 200 random moments, and each next run declares the torn "
    "end") {
  const TemporaryDirectory directory;
  reader_key();  // both made before the fork, so that parent and child have the same
  log_signer();
  std::set<std::string> acknowledged;
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < rounds; ++round) {
    acknowledged.merge(acknowledged_before_kill(directory.where(), round, draw_life(random)));
  }
  REQUIRE(acknowledged.size() > rounds);  // else it would have proved little
  {  // one run that nobody kills: it declares how the last one ended, and vouches for all that died before they could
    const core::SystemClock clock;
    const SealedLog log(signed_settings(directory.where()), {reader_key().recipient()}, clock);
  }

  std::set<std::string> read;
  logging::LogReader reader(directory.where(), reader_key(), nullptr);
  while (auto exchange = reader.next()) {
    const std::string& text = exchange->metadata;
    const std::size_t begin = text.find("\"request_id\":\"") + 14;
    const auto [id, fresh] = read.insert(text.substr(begin, text.find('"', begin) - begin));
    REQUIRE(fresh);  // no record twice
    const auto request = reader.content(*exchange, logging::PartType::request_body);
    REQUIRE(request.has_value());
    REQUIRE((request->size() == 500 || request->size() == 150'000));
  }
  for (const std::string& id : acknowledged) {
    INFO(id);
    REQUIRE(read.count(id) == 1);
  }
  CHECK(reader.troubles() == 0);

  logging::VerifyOptions options;
  options.holder = &reader_key();
  options.signers = {log_signer().verifier()};
  options.checkpoints = directory / "kept";
  const auto report = logging::verify_log(directory.where(), options);
  CHECK(report.findings.size() > rounds / 2);
  for (const auto& finding : report.findings) {
    INFO(logging::name(finding.kind) << " in segment " << finding.segment << ": " << finding.words);
    CHECK(finding.kind == logging::FindingKind::torn_declared);
  }
}

}  // namespace sallyport::tests
