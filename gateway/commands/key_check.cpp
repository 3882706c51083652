#include "gateway/commands/commands.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "gateway/commands/key_reference.hpp"
#include "gateway/commands/log_text.hpp"
#include "gateway/commands/run_command.hpp"
#include "gateway/commands/table.hpp"
#include "logging/frame_walker.hpp"
#include "logging/live_log.hpp"
#include "logging/segment_opener.hpp"
#include "logging/storage.hpp"

namespace sallyport::gateway {

namespace {

using nlohmann::ordered_json;
using std::filesystem::path;

constexpr auto check_details = R"(
Looks at every log under DIR and says which segments each KEY opens, and why not the others. Nothing is decrypted but
the segments' keys. Exit code 1 when a segment is opened by none of the keys: before a disk is sent elsewhere, see that 0
comes. A tenant's key opens the content of that tenant alone, which does not count as opening the segment; whose content
a key does not open is said beside.

Before a key is destroyed, name it with --instead-of: then 1 says that it opens a segment, or a tenant's content, that no
KEY opens, or that a segment is damaged and none can tell; 0 that nothing is lost with it.

Examples:
  sallyport key check --key auditor.key /var/log/sallyport
  sallyport key check --key new.key --instead-of old.key /var/log/sallyport
  sallyport key check --key new.key --key old.key --json backup/ | jq 'select(.opens | not)'
  sallyport key check --key 'pkcs11:module=/usr/lib/softhsm/libsofthsm2.so;token=audit' --pin-file pin log/
)";

struct CheckOptions {
  path directory;
  KeyOptions keys;
  std::string leaving;
  bool json = false;
};

struct Key {
  std::string name;
  std::unique_ptr<envelope::KeyHolder> holder;
  bool leaving = false;  // to be destroyed: what it alone opens is lost then
};

std::vector<Key> open_keys(const CheckOptions& options) {
  KeyOptions all = options.keys;
  if (!options.leaving.empty()) all.references.push_back(options.leaving);
  auto holders = open_each_key(all);
  std::vector<Key> keys;
  for (std::size_t i = 0; i < holders.size(); ++i) {
    keys.push_back({all.references[i], std::move(holders[i]), i >= options.keys.references.size()});
  }
  return keys;
}

// The directories under `top`, itself included, that hold segments.
std::set<path> logs_under(const path& top) {
  std::set<path> logs;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(top)) {
    if (entry.path().extension() == logging::segment_suffix) logs.insert(entry.path().parent_path());
  }
  if (logs.empty()) throw std::runtime_error(top.string() + " and what is under it hold no log segment");
  return logs;
}

// What a key opens of a segment.
struct Access {
  bool segment = false;                       // its own key, and with it all but tenants' content
  std::vector<std::string> tenants, without;  // whose content it opens, and whose not, though somebody can
  std::string why_closed;
  bool damaged = false;  // so that nobody can tell whether the key would open it
  bool gone = false;     // damaged in that the segment, or its key block, is not there

  bool any() const noexcept { return segment || !tenants.empty(); }
  std::string text() const {
    if (!any()) return why_closed;
    if (!segment) return "only the content of " + listed(tenants);
    return without.empty() ? "opened" : "opened, not the content of " + listed(without);
  }
};

Access access_of(const logging::ListedSegment& segment, envelope::KeyHolder& holder) {
  logging::FileSource source(segment.path);
  logging::FrameWalker walker(source);
  if (const auto problem = walker.open(); problem != logging::HeaderProblem::none) {
    return {false, {}, {}, std::string(logging::words(problem)), true};
  }
  logging::Unlocked unlocked;
  const auto problem = logging::unlock(segment.path, walker.header(), holder, unlocked);
  Access access;
  access.segment = problem == logging::UnlockProblem::none;
  access.why_closed = logging::words(problem);
  access.gone = problem == logging::UnlockProblem::keys_missing;
  access.damaged = !access.segment && problem != logging::UnlockProblem::not_a_recipient;
  if (access.damaged) return access;
  const auto opened = logging::unlock_tenants(walker.header(), unlocked.block, holder);
  for (const auto& tenant : opened.tenants) access.tenants.push_back(tenant.name);
  for (const logging::TenantKey& tenant : walker.header().tenants) {
    const bool wrapped = state_of(unlocked.block, tenant.number) == logging::TenantKeyState::wrapped;
    const bool mine = std::find(access.tenants.begin(), access.tenants.end(), tenant.name) != access.tenants.end();
    if (wrapped && !mine) access.without.push_back(tenant.name);
  }
  return access;
}

// What each of the keys opens of it. Empty: its gateway has removed it meanwhile.
std::vector<Access> look_with(std::vector<Key>& keys, const logging::ListedSegment& segment,
                              logging::Removals& removals) {
  std::vector<Access> all;
  for (Key& key : keys) {
    Access access;
    if (!logging::look_at(segment.path, [&] { access = access_of(segment, *key.holder); })) {
      access = {false, {}, {}, "it is not there", true, true};
    }
    if (access.gone && removals.cover(segment.number)) return {};
    all.push_back(std::move(access));
  }
  return all;
}

// What several keys open together.
struct Opened {
  bool segment = false, damaged = false;
  std::set<std::string> tenants;

  void add(const Access& access) {
    segment = segment || access.segment;
    damaged = damaged || access.damaged;
    tenants.insert(access.tenants.begin(), access.tenants.end());
  }
  bool covers(const Opened& other) const {
    return (segment || !(other.segment || other.damaged)) && std::ranges::includes(tenants, other.tenants);
  }
};

class Report {
 public:
  explicit Report(bool json) : json_(json) {}

  // Whether the keys that stay open enough of it: its own key, or all that the leaving one opens where there is one.
  bool add(const path& log, const logging::ListedSegment& segment, const std::vector<Key>& keys,
           const std::vector<Access>& accesses) {
    Opened staying, leaving;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Key& key = keys[i];
      const Access& access = accesses[i];
      (key.leaving ? leaving : staying).add(access);
      if (json_) {
        ordered_json line{
            {"log", log.string()}, {"segment", segment.number}, {"key", key.name}, {"opens", access.segment}};
        if (!access.tenants.empty()) line["content_of"] = access.tenants;
        if (!access.without.empty()) line["not_content_of"] = access.without;
        if (!access.any()) line["why"] = access.why_closed;
        std::cout << one_line(line);
      } else {
        groups_[{log, key.name, access.text()}].push_back(segment.number);
      }
    }
    return keys.back().leaving ? staying.covers(leaving) : staying.segment;
  }

  void print() const {
    if (json_) return;
    std::vector<std::vector<std::string>> rows = {{"LOG", "KEY", "SEGMENTS", "NUMBERS", ""}};
    for (const auto& [place, numbers] : groups_) {
      const auto& [log, key, access] = place;
      rows.push_back(
          {printable(log.string()), printable(key), std::to_string(numbers.size()), ranges(numbers), access});
    }
    std::cout << table(rows);
  }

 private:
  bool json_;
  std::map<std::tuple<path, std::string, std::string>, std::vector<std::uint64_t>> groups_;
};

int check(const CheckOptions& options) {
  const std::set<path> logs = logs_under(options.directory);
  std::vector<Key> keys = open_keys(options);
  Report report(options.json);
  std::uint64_t closed = 0;
  for (const path& log : logs) {
    const auto segments = logging::list_segments(log);
    if (segments.empty()) throw std::runtime_error(log.string() + " holds segments, and none has a segment's name");
    const auto proves = [&](const path& segment) {
      return std::ranges::any_of(keys, [&](Key& key) { return logging::proves_header(segment, *key.holder); });
    };
    logging::Removals removals(log, proves);
    for (const logging::ListedSegment& segment : segments) {
      const std::vector<Access> accesses = look_with(keys, segment, removals);
      if (!accesses.empty() && !report.add(log, segment, keys, accesses)) ++closed;
    }
  }
  report.print();
  if (closed > 0 && options.leaving.empty()) {
    std::cerr << "sallyport key: " << closed << " segments are opened by none of these keys\n";
  } else if (closed > 0) {
    std::cerr << "sallyport key: " << closed << " segments are damaged or hold what " << printable(options.leaving)
              << " alone opens; do not destroy it\n";
  }
  return closed > 0 ? 1 : 0;
}

}  // namespace

void add_key_check(CLI::App& key, int& exit_code) {
  CLI::App* command = key.add_subcommand("check", "Say which segments under a directory each key opens");
  command->footer(std::string(check_details) + key_reference_help);
  const auto options = std::make_shared<CheckOptions>();
  command->add_option("DIR", options->directory, "A log's directory, or one above several")
      ->required()
      ->check(CLI::ExistingDirectory);
  add_key_options(*command, options->keys)->required();
  command->add_option("--instead-of", options->leaving, "One to be destroyed: fail where it opens what no KEY opens")
      ->type_name("OLD");
  command->add_flag("--json", options->json, "One JSON object a line for each segment and key");
  command->callback([options, &exit_code] { exit_code = run_command("key", [&] { return check(*options); }); });
}

}  // namespace sallyport::gateway
