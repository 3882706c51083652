// What whoever seizes a running gateway gets: the memory of a process that is writing a log is searched for every key
// that the log's records were sealed with.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/logging/tampering.hpp"

namespace sallyport::tests {

using namespace logging;

namespace {

constexpr int records = 5;                       // of the operator's, and as many of a tenant's
constexpr std::size_t largest_region = 1 << 30;  // larger ones are a sanitizer's shadow

// Found in writable memory only where they were copied to.
constexpr std::string_view of_the_answer = "<an answer that its client alone should have>";
constexpr std::string_view of_the_record = "<a path that the record's readers should have>";
constexpr std::string_view kept_here = "<what the search must find>";

template <class Content>
void wipe_all(Content& content) {
  core::wipe(std::as_writable_bytes(std::span(content)));
}

// An answer that grows piece by piece, and a record that does, and that has to state a loss.
void write_what_grows(const path& directory, const core::Clock& clock) {
  auto settings = log_settings(directory);
  settings.queue_bytes = 48 * 1024;
  SealedLog log(settings, {reader_key().recipient()}, clock);
  auto entry = log.open_entry(true);
  if (!entry) ::_exit(1);
  for (int piece = 0; piece < 200; ++piece) {
    std::array<char, of_the_answer.size()> text{};
    of_the_answer.copy(text.data(), text.size());
    if (!entry->response_body(std::as_bytes(std::span(text)))) ::_exit(1);
    wipe_all(text);
  }
  if (keep_request(*entry, std::string(max_content_piece, 'x'))) ::_exit(1);  // finds no room
  Record record;
  record.path.reserve(4096);
  for (int i = 0; i < 40; ++i) record.path.append(of_the_record).append("\n");
  finish(std::move(*entry), record);
  wipe_all(record.path);
}

// Seals, says so, and waits to be killed.
[[noreturn]] void write_and_wait(const path& directory, int told) {
  const core::SystemClock clock;
  SealedLog log(log_settings(directory), {reader_key().recipient()}, clock, {{"acme", {acme_key().recipient()}}});
  for (int i = 0; i < records; ++i) {
    if (!seal(log, std::to_string(i), "prompt", "answer")) ::_exit(1);
    if (!seal(log, std::to_string(i), "prompt", "answer", "acme")) ::_exit(1);
  }
  write_what_grows(directory / "another", clock);
  const std::string kept(kept_here);
  if (::write(told, "x", 1) != 1) ::_exit(1);
  for (;;) ::pause();
}

class WritingProcess {
 public:
  explicit WritingProcess(const path& directory) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    reader_key(), acme_key();  // made before the fork, so that parent and child have the same
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) write_and_wait(directory, ends[1]);
    ::close(ends[1]);
    char word = 0;
    REQUIRE(::read(ends[0], &word, 1) == 1);
    ::close(ends[0]);
  }
  ~WritingProcess() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }

  // All that it can write to: its heap, stacks and data, as a core dump would hold them.
  std::vector<core::Bytes> memory() const {
    const std::string proc = "/proc/" + std::to_string(child_);
    const int file = ::open((proc + "/mem").c_str(), O_RDONLY);
    REQUIRE(file >= 0);
    std::vector<core::Bytes> regions;
    std::ifstream maps(proc + "/maps");
    for (std::string line; std::getline(maps, line);) {
      std::istringstream words(line);
      std::uintptr_t begin = 0, end = 0;
      char dash = 0;
      std::string mode;
      words >> std::hex >> begin >> dash >> end >> mode;
      if (mode.substr(0, 2) != "rw" || end - begin > largest_region) continue;
      core::Bytes region(end - begin);
      const ssize_t got = ::pread(file, region.data(), region.size(), static_cast<off_t>(begin));
      region.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
      regions.push_back(std::move(region));
    }
    ::close(file);
    return regions;
  }

 private:
  pid_t child_ = -1;
};

bool has(const std::vector<core::Bytes>& memory, core::ConstBytes secret) {
  for (const core::Bytes& region : memory) {
    if (::memmem(region.data(), region.size(), secret.data(), secret.size()) != nullptr) return true;
  }
  return false;
}

// docs/log-format.md, "Keys": K(i+1) ‖ A(i) = HKDF-Expand(K(i), …).
struct Step {
  core::Secret key, sealing;
};
std::vector<Step> steps_of(const core::Secret& root, int count) {
  std::vector<Step> steps;
  core::Secret key = root.copy();
  for (int i = 0; i < count; ++i) {
    core::Secret both(64);
    core::crypto::hkdf_expand(key.reveal(), core::bytes_of("sallyport log 1 step"), both.reveal_for_writing());
    core::Secret next(both.reveal().first(32));
    steps.push_back({std::move(key), core::Secret(both.reveal().last(32))});
    key = std::move(next);
  }
  return steps;
}

}  // namespace

TEST_CASE("the memory of a writing process holds the key of the next record, and no key of any record before it") {
  const TemporaryDirectory directory;
  const WritingProcess writer(directory.where());
  const auto memory = writer.memory();
  const bool bound_at_start = ::getenv("LD_BIND_NOW") != nullptr;
  INFO((bound_at_start ? "" : "LD_BIND_NOW=1 is missing, which ctest sets: the loader leaves keys on the stack"));

  const path segment = directory / segment_name(1);
  FileSource source(segment);
  FrameWalker walker(source);
  REQUIRE(walker.open() == HeaderProblem::none);
  Unlocked unlocked;
  REQUIRE(unlock(segment, walker.header(), reader_key(), unlocked) == UnlockProblem::none);
  REQUIRE(frames_of(segment).size() == 2 * records);
  const OpenedTenants tenants = unlock_tenants(walker.header(), unlocked.block, acme_key());
  REQUIRE(tenants.tenants.size() == 1);

  CHECK_FALSE(has(memory, unlocked.segment_key.reveal()));
  CHECK_FALSE(has(memory, unlocked.keys.key_block.reveal()));
  CHECK_FALSE(has(memory, tenants.tenants[0].key.reveal()));
  struct Used {
    const char* what;
    const core::Secret& root;
    int steps;
  };
  for (const Used& used :
       {Used{"metadata", unlocked.keys.metadata, 2 * records}, Used{"content", unlocked.keys.content, records},
        Used{"tenant", tenants.tenants[0].root, records}}) {
    const auto steps = steps_of(used.root, used.steps + 2);
    for (int i = 0; i < used.steps; ++i) {
      INFO(used.what << " key, step " << i);
      CHECK_FALSE(has(memory, steps[i].key.reveal()));
      CHECK_FALSE(has(memory, steps[i].sealing.reveal()));
    }
    CHECK(has(memory, steps[used.steps].sealing.reveal()));  // the search finds what is there
    CHECK(has(memory, steps[used.steps + 1].key.reveal()));
  }
}

TEST_CASE("what grew until it was sealed has left nothing of itself in memory") {
  const TemporaryDirectory directory;
  const WritingProcess writer(directory.where());
  const auto memory = writer.memory();
  CHECK(has(memory, core::bytes_of(kept_here)));
  CHECK_FALSE(has(memory, core::bytes_of(of_the_answer)));
  CHECK_FALSE(has(memory, core::bytes_of(of_the_record)));
  const ReadLog read = read_log(directory / "another");
  REQUIRE(read.exchanges.size() == 1);
  CHECK(read.exchanges[0].response.size() == 200 * of_the_answer.size());
  CHECK(read.exchanges[0].exchange.metadata.find("\"content_lost\":65536}") != std::string::npos);
}

}  // namespace sallyport::tests
