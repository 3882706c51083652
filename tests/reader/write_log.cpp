// Writes a log for the second reader to read: write_log DIR RUN SIGNING_KEY RECIPIENT…
//
// Small exchanges and long ones whose pieces alternate, over several segments. A RUN of the name "crash" ends in the
// middle of an exchange, without a farewell. With a SIGNING_KEY (a file; "-" for none) the log has checkpoints, and
// DIR.checkpoints is their second place; a RUN of the name "last" then removes the oldest segments.
#include <unistd.h>

#include <cstdio>

#include "tests/logging/log_fixture.hpp"

using namespace sallyport;
using namespace sallyport::tests;
using logging::LogEntry;

namespace {

constexpr std::size_t piece_size = 9'000;
constexpr int pieces = 20;

// Differs in every place, so that a piece lost or moved shows.
std::string body_of(const std::string& name, std::size_t size) {
  std::string body;
  for (int i = 0; body.size() < size; ++i) body += name + " " + std::to_string(i) + "\n";
  return body;
}

LogEntry open(logging::SealedLog& log, bool keep_content = true) {
  auto entry = log.open_entry(keep_content);
  if (!entry) throw std::runtime_error("the log takes no entry");
  return std::move(*entry);
}

void finish(LogEntry entry, const std::string& id) {
  // Shared: the writer's thread may still be inside set_value() when this one goes on.
  const auto sealed = std::make_shared<std::promise<bool>>();
  auto told = sealed->get_future();
  entry.finish(record_named(id), [sealed](core::Result<void> result) { sealed->set_value(result.has_value()); });
  if (!told.get()) throw std::runtime_error("the log did not keep " + id);
}

void small_ones(logging::SealedLog& log, const std::string& run) {
  for (int i = 0; i < 30; ++i) {
    const std::string id = run + "-small-" + std::to_string(i);
    if (!seal(log, id, body_of(id, 17 * i), body_of(id, 90 * i))) throw std::runtime_error("not sealed");
  }
  finish(open(log, false), run + "-no-content");
  const std::string all_kinds = "\"\\\b\f\n\r\t\x01\x7f / é 漢 😀 \u2028";
  if (!seal(log, run + "-é\n\"", all_kinds, std::string("\0\xff\xc3(\xe2\x82", 6)))
    throw std::runtime_error("not sealed");
}

// Two at a time, so that the frames of one stand between those of the other.
void long_ones(logging::SealedLog& log, const std::string& run) {
  LogEntry first = open(log), second = open(log);
  first.request_body(core::bytes_of(body_of(run + " long prompt", 150'000)));
  for (int i = 0; i < pieces; ++i) {
    first.response_body(core::bytes_of(body_of(run + " first " + std::to_string(i), piece_size)));
    second.response_body(core::bytes_of(body_of(run + " second " + std::to_string(i), piece_size)));
  }
  finish(std::move(second), run + "-long-second");
  finish(std::move(first), run + "-long-first");
}

void write(const path& directory, const std::string& run, const std::string& signing_key,
           const std::vector<envelope::Recipient>& recipients) {
  const FakeClock clock;
  auto settings = log_settings(directory);
  settings.segment_bytes = 150'000;
  if (signing_key != "-") {
    const core::Bytes pem = logging::read_whole(signing_key, 1 << 16);
    settings.checkpoints.signer.emplace(settings.origin, core::crypto::PrivateKey::from_pem(pem, nullptr));
    settings.checkpoints.directory = path(directory) += ".checkpoints";
    std::filesystem::create_directory(settings.checkpoints.directory);
    settings.retention.bytes = run == "last" ? 1'000'000 : 0;
  }
  logging::SealedLog log(settings, recipients, clock);
  small_ones(log, run);
  long_ones(log, run);
  if (run != "crash") return;
  LogEntry unfinished = open(log);
  unfinished.response_body(core::bytes_of(body_of("never finished", 200'000)));
  if (!seal(log, "crash-last", "the last one", "answered")) throw std::runtime_error("not sealed");
  ::_exit(0);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 5) return 2;
  std::vector<envelope::Recipient> recipients;
  for (int i = 4; i < argc; ++i) recipients.push_back(envelope::Recipient::parse(argv[i]));
  write(argv[1], argv[2], argv[3], recipients);
  return 0;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "write_log: %s\n", failure.what());
  return 1;
}
