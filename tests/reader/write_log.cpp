// Writes a log for the second reader to read: write_log DIR RUN SIGNING_KEY RECIPIENT…
//
// Small exchanges and long ones whose pieces alternate, over several segments. A RUN of the name "crash" ends in the
// middle of an exchange, without a farewell. With a SIGNING_KEY (a file; "-" for none) the log has checkpoints, and
// DIR.checkpoints is their second place; a RUN of the name "last" then removes the oldest segments. A RECIPIENT of the
// form NAME=LINE is a tenant's, who gets the same exchanges once more; several of one NAME are one tenant's.
#include <unistd.h>

#include <cstdio>

#include "tests/logging/log_fixture.hpp"
#include "tests/support/waiting.hpp"

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

// Whose exchanges are written: a tenant's, or the operator's.
struct Owner {
  std::string run, tenant;

  logging::Record record(const std::string& id) const {
    logging::Record record = record_named(run + "-" + id);
    record.tenant = tenant;
    return record;
  }
};

LogEntry open(logging::SealedLog& log, const Owner& owner, bool keep_content = true) {
  auto entry = log.open_entry(keep_content, owner.tenant);
  if (!entry) throw std::runtime_error("the log takes no entry");
  return std::move(*entry);
}

void finish(LogEntry entry, const logging::Record& record) {
  if (!tests::finish(std::move(entry), record)) throw std::runtime_error("the log did not keep " + record.request_id);
}

void write_one(logging::SealedLog& log, const Owner& owner, const std::string& id, std::string_view request,
               std::string_view response) {
  LogEntry entry = open(log, owner);
  keep_request(entry, request);
  entry.response_body(core::bytes_of(response));
  finish(std::move(entry), owner.record(id));
}

void small_ones(logging::SealedLog& log, const Owner& owner) {
  for (int i = 0; i < 30; ++i) {
    const std::string id = "small-" + std::to_string(i), name = owner.run + "-" + id;
    write_one(log, owner, id, body_of(name, 17 * i), body_of(name, 90 * i));
  }
  finish(open(log, owner, false), owner.record("no-content"));
  const std::string all_kinds = "\"\\\b\f\n\r\t\x01\x7f / é 漢 😀 \u2028";
  write_one(log, owner, "é\n\"", all_kinds, std::string("\0\xff\xc3(\xe2\x82", 6));
}

// Two at a time, so that the frames of one stand between those of the other.
void long_ones(logging::SealedLog& log, const Owner& owner) {
  const std::string& run = owner.run;
  LogEntry first = open(log, owner), second = open(log, owner);
  keep_request(first, body_of(run + " long prompt", 150'000));
  for (int i = 0; i < pieces; ++i) {
    first.response_body(core::bytes_of(body_of(run + " first " + std::to_string(i), piece_size)));
    second.response_body(core::bytes_of(body_of(run + " second " + std::to_string(i), piece_size)));
  }
  finish(std::move(second), owner.record("long-second"));
  finish(std::move(first), owner.record("long-first"));
}

// Removal has a thread of its own: it is done when all but the segment that is being written fit.
bool fits(const logging::LogSettings& settings) {
  auto closed = logging::list_segments(settings.directory);
  closed.pop_back();
  std::uint64_t size = 0;
  std::error_code gone;
  for (const auto& segment : closed) {
    const auto bytes = std::filesystem::file_size(segment.path, gone);
    if (!gone) size += bytes;
  }
  return size <= settings.retention.bytes;
}

void write(const path& directory, const std::string& run, const std::string& signing_key,
           const std::vector<envelope::Recipient>& recipients, const std::vector<logging::Tenant>& tenants) {
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
  logging::SealedLog log(settings, recipients, clock, tenants);
  const Owner operators{run, ""};
  small_ones(log, operators);
  for (const logging::Tenant& tenant : tenants) {
    small_ones(log, {run + "-" + tenant.name, tenant.name});
    long_ones(log, {run + "-" + tenant.name, tenant.name});
  }
  long_ones(log, operators);
  if (settings.retention.any() && !eventually([&] { return fits(settings); })) throw std::runtime_error("not removed");
  if (run != "crash") return;
  LogEntry unfinished = open(log, operators);
  unfinished.response_body(core::bytes_of(body_of("never finished", 200'000)));
  write_one(log, operators, "last", "the last one", "answered");
  ::_exit(0);
}

// "NAME=LINE" adds to a tenant; "LINE" to the log's own recipients.
void add(const std::string& argument, std::vector<envelope::Recipient>& recipients,
         std::vector<logging::Tenant>& tenants) {
  const std::size_t equals = argument.find("=sallyport-");
  if (equals == argument.npos) return recipients.push_back(envelope::Recipient::parse(argument));
  const std::string name = argument.substr(0, equals);
  if (tenants.empty() || tenants.back().name != name) tenants.push_back({name, {}});
  tenants.back().recipients.push_back(envelope::Recipient::parse(argument.substr(equals + 1)));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 5) return 2;
  std::vector<envelope::Recipient> recipients;
  std::vector<logging::Tenant> tenants;
  for (int i = 4; i < argc; ++i) add(argv[i], recipients, tenants);
  write(argv[1], argv[2], argv[3], recipients, tenants);
  return 0;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "write_log: %s\n", failure.what());
  return 1;
}
