#include "gateway/commands/commands.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "gateway/commands/key_reference.hpp"
#include "gateway/commands/options.hpp"
#include "gateway/commands/run_command.hpp"
#include "gateway/config/read_recipients.hpp"
#include "logging/live_log.hpp"
#include "logging/rewrap.hpp"
#include "logging/storage.hpp"
#include "logging/writer_lock.hpp"

namespace sallyport::gateway {

namespace {

using envelope::Recipient;
using logging::Rewrapped;
using std::filesystem::path;

constexpr auto rewrap_details = R"(
Gives every closed segment other recipients: the segment's key is opened with KEY and wrapped anew. No record is touched
and nothing is decrypted. Each key block is replaced at once and whole, so the log can be read all the time, and a run
that was interrupted is simply run again. The segment that a gateway is writing is left out: its recipients are those of
the gateway's configuration.

RECIPIENT is a recipient's line or a .pub file; with --remove also an id, as `key show` prints it. A copy of the log
elsewhere, and whoever opened a segment before, keeps what they have. With --tenant it is that tenant's content key which
is wrapped anew; to add a recipient it takes a key that opens the segment and one that opens the tenant's content, such as
the operator's and the tenant's own, or the operator's alone where the tenant has `operator_reads: true`.

Examples:
  sallyport log rewrap --key auditor.key --add second-auditor.pub log/
  sallyport log rewrap --key auditor.key --add auditor-2.pub --remove auditor.pub log/
  sallyport log rewrap --tenant acme --key auditor.key --key acme.key --add acme-2.pub --remove acme.pub log/
)";

constexpr auto erase_details = R"(
Takes the key of a tenant's content out of every closed segment's key block, and says so in its place. From then on that
content opens for nobody, the tenant included; who, what and when stay readable to the log's recipients. The segments
themselves are not touched, and `log verify` passes and says what was erased. Each key block is replaced at once and
whole, and a run that was interrupted is simply run again.

It cannot be undone. Copies of the log elsewhere keep their key blocks: erase there too. The segment that a gateway is
writing is left out: take the tenant out of the configuration, let the gateway reload it, and erase then.

KEY is one that opens the segments; it need not open the tenant's content.

Examples:
  sallyport log erase --tenant acme --key auditor.key log/
  sallyport log verify --key auditor.key log/
)";

struct Options {
  std::string directory;
  KeyOptions keys;
  std::vector<std::string> add, remove;
  std::string tenant;
  bool allow_mixed = false, json = false;
};

logging::RewrapPlan plan_of(const Options& options) {
  logging::RewrapPlan plan;
  for (const std::string& text : options.add) plan.add.push_back(read_recipient(text));
  for (const std::string& text : options.remove) {
    plan.remove.push_back(envelope::is_recipient_id(text) ? text : read_recipient(text).id());
  }
  plan.allow_mixed = options.allow_mixed;
  plan.tenant = options.tenant;
  for (const Recipient& recipient : plan.add) {
    if (std::find(plan.remove.begin(), plan.remove.end(), recipient.id()) != plan.remove.end()) {
      throw std::runtime_error("recipient " + recipient.id() + " is both to be added and removed");
    }
  }
  return plan;
}

// Every closed segment, changed. `verb`: what was done to those that were not as wanted.
int change_all(const Options& options, const char* verb,
               const std::function<logging::RewrapResult(const path& segment, envelope::KeyHolder&)>& change) {
  const std::unique_ptr<envelope::KeyHolder> keys = open_keys(options.keys);
  const logging::RewrapLock lock(options.directory);
  auto segments = logging::list_segments(options.directory);
  if (segments.empty()) throw std::runtime_error(options.directory + " holds no log segment");
  logging::Removals removals(options.directory,
                             [&](const path& segment) { return logging::proves_header(segment, *keys); });
  const bool open = logging::WriterLock::held(options.directory);
  if (open) segments.pop_back();
  std::size_t done = 0, as_wanted = 0, not_there = 0, failed = 0;
  for (const auto& segment : segments) {
    logging::RewrapResult result;
    if (!logging::look_at(segment.path, [&] { result = change(segment.path, *keys); })) {
      result = {Rewrapped::gone, "it is not there"};
    }
    if (result.outcome == Rewrapped::gone && removals.cover(segment.number))
      continue;  // the gateway removed it meanwhile
    done += result.outcome == Rewrapped::done;
    as_wanted += result.outcome == Rewrapped::as_wanted;
    not_there += result.outcome == Rewrapped::not_there;
    if (result.words.empty()) continue;
    failed += 1;
    std::cerr << "sallyport log: segment " << segment.number << " stays as it was: " << result.words << '\n';
  }
  if (not_there > 0 && done + as_wanted + failed == 0) {
    throw std::runtime_error("no closed segment has content of a tenant \"" + options.tenant + "\"");
  }
  if (options.json) {
    const nlohmann::ordered_json line = {
        {verb, done}, {"as_wanted", as_wanted}, {"not_there", not_there}, {"failed", failed}, {"open", open}};
    std::cout << line.dump() << std::endl;
  } else {
    std::cout << done << " segments " << verb << ", " << as_wanted << " were so already, " << failed << " failed\n"
              << (open ? "the segment that is being written keeps the keys it has\n" : "") << std::flush;
  }
  return failed > 0 ? 1 : 0;
}

int rewrap(const Options& options) {
  const logging::RewrapPlan plan = plan_of(options);
  return change_all(options, "rewrapped", [&](const path& segment, envelope::KeyHolder& key) {
    return logging::rewrap_segment(segment, key, plan);
  });
}

int erase(const Options& options) {
  const core::WallTime now = core::SystemClock().wall();
  return change_all(options, "erased", [&](const path& segment, envelope::KeyHolder& key) {
    return logging::erase_tenant(segment, key, options.tenant, now);
  });
}

}  // namespace

void add_log_rewrap(CLI::App& log, int& exit_code) {
  CLI::App* command = log.add_subcommand("rewrap", "Change who can open a log's closed segments");
  command->footer(std::string(rewrap_details) + key_reference_help);
  const auto options = std::make_shared<Options>();
  add_log_place(*command, options->directory);
  add_key_options(*command, options->keys)->required();
  const auto add =
      repeatable(command->add_option("--add", options->add, "A recipient who shall open them; may be repeated"))
          ->type_name("RECIPIENT");
  const auto remove = repeatable(command->add_option("--remove", options->remove, "One who shall not; may be repeated"))
                          ->type_name("RECIPIENT");
  command->add_option("--tenant", options->tenant, "Of this tenant's content, not of the segment")->type_name("NAME");
  command->add_flag("--allow-mixed-recipients", options->allow_mixed,
                    "Post-quantum beside classical ones, although the weakest decides");
  command->add_flag("--json", options->json, "One JSON object, for scripts");
  command->callback([options, add, remove, &exit_code] {
    if (add->count() + remove->count() == 0) throw CLI::RequiredError("--add or --remove");
    exit_code = run_command("log", [&] { return rewrap(*options); });
  });
}

void add_log_erase(CLI::App& log, int& exit_code) {
  CLI::App* command = log.add_subcommand("erase", "Make a tenant's content unreadable, for good");
  command->footer(std::string(erase_details) + key_reference_help);
  const auto options = std::make_shared<Options>();
  add_log_place(*command, options->directory);
  add_key_options(*command, options->keys)->required();
  command->add_option("--tenant", options->tenant, "Whose content")->required()->type_name("NAME");
  command->add_flag("--json", options->json, "One JSON object, for scripts");
  command->callback([options, &exit_code] { exit_code = run_command("log", [&] { return erase(*options); }); });
}

}  // namespace sallyport::gateway
