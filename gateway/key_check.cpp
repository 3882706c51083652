#include "gateway/key_check.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "gateway/key_output.hpp"
#include "gateway/key_reference.hpp"
#include "gateway/log_view.hpp"
#include "gateway/table.hpp"
#include "logging/frame_walker.hpp"
#include "logging/segment_opener.hpp"
#include "logging/storage.hpp"

namespace sallyport::gateway {

namespace {

using nlohmann::ordered_json;
using std::filesystem::path;

constexpr auto check_details = R"(
Looks at every log under DIR and says which segments each KEY opens, and why not the others. Nothing is decrypted but
the segments' keys. Exit code 1 when a segment is opened by none of the keys: before a key is thrown away, or a disk is
sent elsewhere, see that 0 comes without it.

Examples:
  sallyport key check --key auditor.key /var/lib/sallyport
  sallyport key check --key new.key --key old.key --json backup/ | jq 'select(.opens | not)'
  sallyport key check --key 'pkcs11:module=/usr/lib/softhsm/libsofthsm2.so;token=audit' --pin-file pin log/
)";

struct CheckOptions {
  path directory;
  std::vector<std::string> keys;
  std::string passphrase_file, pin_file;
  bool json = false;
};

struct Key {
  std::string name;
  std::unique_ptr<envelope::KeyHolder> holder;
};

std::vector<Key> open_keys(const CheckOptions& options) {
  std::vector<Key> keys;
  for (const std::string& name : options.keys) {
    const bool token = name.starts_with("pkcs11:");
    keys.push_back({name, open_key({name, is_kept_elsewhere(name) ? "" : options.passphrase_file,
                                    token ? options.pin_file : ""})});
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

// Empty when the key opens the segment.
std::string why_closed(const logging::ListedSegment& segment, envelope::KeyHolder& holder) {
  logging::FileSource source(segment.path);
  logging::FrameWalker walker(source);
  if (const auto problem = walker.open(); problem != logging::HeaderProblem::none) {
    return std::string(logging::words(problem));
  }
  logging::SegmentKeys keys;
  const auto problem = logging::unlock(segment.path, walker.header(), holder, keys);
  return problem == logging::UnlockProblem::none ? "" : std::string(logging::words(problem));
}

// "1-4, 7".
std::string ranges(const std::vector<std::uint64_t>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    text += (text.empty() ? "" : ", ") + std::to_string(numbers[i]);
    if (end - i > 1) text += "-" + std::to_string(numbers[end - 1]);
    i = end;
  }
  return text;
}

class Report {
 public:
  explicit Report(bool json) : json_(json) {}

  // Whether any key opens it.
  bool add(const path& log, const logging::ListedSegment& segment, std::vector<Key>& keys) {
    bool opened = false;
    for (Key& key : keys) {
      const std::string why = why_closed(segment, *key.holder);
      opened = opened || why.empty();
      if (json_) {
        ordered_json line{
            {"log", log.string()}, {"segment", segment.number}, {"key", key.name}, {"opens", why.empty()}};
        if (!why.empty()) line["why"] = why;
        std::cout << line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << '\n';
      } else {
        groups_[{log, key.name, why}].push_back(segment.number);
      }
    }
    return opened;
  }

  void print() const {
    if (json_) return;
    std::vector<std::vector<std::string>> rows = {{"LOG", "KEY", "SEGMENTS", "NUMBERS", ""}};
    for (const auto& [place, numbers] : groups_) {
      const auto& [log, key, why] = place;
      rows.push_back({printable(log.string()), printable(key), std::to_string(numbers.size()), ranges(numbers),
                      why.empty() ? "opened" : why});
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
    for (const logging::ListedSegment& segment : logging::list_segments(log)) {
      if (!report.add(log, segment, keys)) ++closed;
    }
  }
  report.print();
  if (closed > 0) std::cerr << "sallyport key: " << closed << " segments are opened by none of these keys\n";
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
  command->add_option("--key,-k", options->keys, "A private key, or who keeps it; may be repeated")
      ->required()
      ->type_name("KEY")
      ->expected(1)
      ->take_all();
  command->add_option("--passphrase-file", options->passphrase_file, "For key files; \"-\" is stdin")
      ->type_name("FILE");
  command->add_option("--pin-file", options->pin_file, "For tokens; \"-\" is stdin")->type_name("FILE");
  command->add_flag("--json", options->json, "One JSON object a line for each segment and key");
  command->callback([options, &exit_code] { exit_code = run_key_command([&] { return check(*options); }); });
}

}  // namespace sallyport::gateway
