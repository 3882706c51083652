#include "gateway/log_command.hpp"

#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <deque>
#include <functional>
#include <iostream>
#include <memory>

#include "gateway/age_program.hpp"
#include "gateway/key_reference.hpp"
#include "gateway/log_rewrap.hpp"
#include "gateway/log_run.hpp"
#include "gateway/log_text.hpp"
#include "gateway/log_verify.hpp"
#include "gateway/log_view.hpp"
#include "gateway/repeatable.hpp"
#include "logging/reader.hpp"
#include "logging/storage.hpp"

namespace sallyport::gateway {

namespace {

using envelope::KeyHolder;
using logging::LogReader;
using logging::PartType;

constexpr auto log_details = R"(
DIR is a log's directory, or a copy of it. The gateway that writes a log cannot read it: `cat` and `tail` need the
private key of one of its recipients, `verify` needs none.

Examples:
  sallyport log tail --key auditor.key /var/lib/sallyport/log
  sallyport log cat --key auditor.key --since 1h --principal team-a --content /var/lib/sallyport/log
  sallyport log verify /var/lib/sallyport/log
)";

constexpr auto cat_details = R"(
One line an exchange: start (UTC), status, duration, principal, model, tokens in+out, request id, and the outcome when
the answer did not go out whole. Content stays sealed unless --content asks for it. A tenant's key shows that tenant's
exchanges alone; the operator's shows all, without the content that is sealed for tenants; both together show both.

Examples:
  sallyport log cat --key auditor.key --since 2026-01-02 --until 2026-01-03 log/
  sallyport log cat --key auditor.key --json log/ | jq 'select(.status >= 500)'
  sallyport log cat --key auditor.key --request-id req-7c1e --content log/
)";

constexpr auto tail_details = R"(
Shows the last exchanges, and with --follow goes on as they are sealed, until interrupted.

Examples:
  sallyport log tail --key auditor.key --follow log/
  sallyport log tail --key vault:https://vault.example:8200/transit/log-key log/
)";

constexpr auto export_details = R"(
One JSON object a line: the record, then both bodies. To stdout, for another program; or encrypted to age recipients by
the program `age`, so that no file holds it in the clear. Open it with `age --decrypt`.

Examples:
  sallyport log export --key auditor.key --since 2026-01-02 --until 2026-01-03 log/ | jq .model
  sallyport log export --key auditor.key --principal team-a --age age1… --out team-a.age log/
  age --decrypt --identity team-a.txt team-a.age | head -1
)";

constexpr int poll_milliseconds = 250;
constexpr std::size_t default_tail = 10;

struct ReadOptions {
  std::string directory, since, until;
  KeyOptions keys;
  LogFilter filter;
  bool content = false, json = false, follow = false;
  std::vector<std::string> age;  // recipients of an export
  std::string out;
  std::size_t last = default_tail;
};

// Says what cannot be read on stderr. A run of segments with the same trouble is said once.
class Complaints {
 public:
  void operator()(std::uint64_t segment, const std::string& words) {
    if (words == last_) {
      ++repeated_;
      return;
    }
    finish();
    last_ = words;
    std::cerr << "sallyport log: segment " << segment << ": " << words << '\n';
  }
  void finish() {
    if (repeated_ > 0) std::cerr << "sallyport log: and so in " << repeated_ << " more places\n";
    repeated_ = 0;
    last_.clear();
  }

 private:
  std::string last_;
  std::uint64_t repeated_ = 0;
};

class Printer {
 public:
  explicit Printer(const ReadOptions& options) : options_(options), colour_(!options.json && ::isatty(STDOUT_FILENO)) {}

  std::string line(LogReader& reader, ShownExchange exchange) const {
    if (options_.content) add_content(reader, exchange);
    return options_.json ? json_line(exchange) : human_line(exchange, colour_);
  }
  void print(LogReader& reader, ShownExchange exchange) const { std::cout << line(reader, std::move(exchange)); }

 private:
  static void add_content(LogReader& reader, ShownExchange& exchange) {
    if (exchange.content_damaged) return;
    exchange.sealed_for = reader.sealed_for(exchange.exchange);
    if (!exchange.sealed_for.empty()) return;
    exchange.request = reader.content(exchange.exchange, PartType::request_body);
    exchange.response = reader.content(exchange.exchange, PartType::response_body);
    exchange.content_damaged = exchange.exchange.damaged;
  }

  const ReadOptions& options_;
  const bool colour_;
};

// Whoever reads with a tenant's key hears that there is more, once.
void say_passed_over(const LogReader& reader) {
  if (reader.passed_over() == 0) return;
  const std::vector<std::string> tenants(reader.tenants().begin(), reader.tenants().end());
  std::cerr << "sallyport log: shown are exchanges of " << listed(tenants) << "; " << reader.passed_over()
            << " of others were passed over\n";
}

// Every exchange that is wanted, in order, as a line to `write`.
int read_all(const ReadOptions& options, const std::function<void(std::string_view)>& write) {
  const std::unique_ptr<KeyHolder> keys = open_keys(options.keys);
  Complaints complaints;
  LogReader reader(options.directory, *keys, std::ref(complaints), {options.filter.since, 0, options.filter.until});
  const Printer printer(options);
  const auto print_if_wanted = [&](logging::Exchange exchange) {
    ShownExchange candidate = shown(std::move(exchange));
    if (options.filter.takes(candidate)) write(printer.line(reader, std::move(candidate)));
  };
  while (auto exchange = reader.next()) print_if_wanted(std::move(*exchange));
  for (logging::Exchange& exchange : reader.unfinished()) print_if_wanted(std::move(exchange));
  complaints.finish();
  say_passed_over(reader);
  return reader.troubles() > 0 ? 1 : 0;
}

int cat(const ReadOptions& options) {
  const int found = read_all(options, [](std::string_view line) { std::cout << line; });
  std::cout.flush();
  return found;
}

// Content goes to a pipe or to an encrypted file; in the clear it goes to a file only by the shell's own hand.
int export_log(const ReadOptions& options) {
  if (options.age.empty()) return cat(options);
  AgeProgram age(options.age, options.out);
  const int found = read_all(options, [&](std::string_view line) { age.write(line); });
  age.finish();
  return found;
}

// The last lines, from as few segments as hold them. Leaves `reader` at the log's end.
std::deque<std::string> last_lines(const ReadOptions& options, KeyHolder& keys, Complaints& complaints,
                                   std::unique_ptr<LogReader>& reader) {
  const auto segments = logging::list_segments(options.directory);
  const Printer printer(options);
  for (std::size_t count = 1;; count *= 2) {
    const bool all = count >= segments.size();
    const std::uint64_t from = all ? 0 : segments[segments.size() - count].number;
    // Only the widest look may complain: the narrower ones would say the same things first.
    std::vector<std::pair<std::uint64_t, std::string>> said;
    const auto keep = [&](std::uint64_t segment, const std::string& words) { said.emplace_back(segment, words); };
    reader = std::make_unique<LogReader>(options.directory, keys, keep, logging::ReadFrom{std::nullopt, from});
    std::deque<std::string> lines;
    while (auto exchange = reader->next()) {
      ShownExchange candidate = shown(std::move(*exchange));
      if (!options.filter.takes(candidate)) continue;
      lines.push_back(printer.line(*reader, std::move(candidate)));
      if (lines.size() > options.last) lines.pop_front();
    }
    if (lines.size() < options.last && !all) continue;
    for (const auto& [segment, words] : said) complaints(segment, words);
    reader->tell_to(std::ref(complaints));
    return lines;
  }
}

// Until it is time to look again. False: whoever read our output is gone.
bool wait_for_more() {
  pollfd output{STDOUT_FILENO, 0, 0};
  return ::poll(&output, 1, poll_milliseconds) == 0;
}

int tail(const ReadOptions& options) {
  const std::unique_ptr<KeyHolder> keys = open_keys(options.keys);
  Complaints complaints;
  std::unique_ptr<LogReader> reader;
  for (const std::string& line : last_lines(options, *keys, complaints, reader)) std::cout << line;
  const Printer printer(options);
  while (options.follow) {
    std::cout.flush();
    if (!std::cout || !wait_for_more()) break;
    while (auto exchange = reader->next()) {
      ShownExchange candidate = shown(std::move(*exchange));
      if (options.filter.takes(candidate)) printer.print(*reader, std::move(candidate));
    }
  }
  complaints.finish();
  say_passed_over(*reader);
  return reader->troubles() > 0 ? 1 : 0;
}

std::string check_moment(const std::string& text) {
  return parse_moment(text, core::SystemClock().wall())
             ? ""
             : "\"" + text +
                   "\" is not a moment like 2026-01-02T03:04:05Z, a day like 2026-01-02, nor so long ago like 15m";
}

std::shared_ptr<ReadOptions> add_reading(CLI::App& command, bool shown = true) {
  auto options = std::make_shared<ReadOptions>();
  add_log_place(command, options->directory);
  add_key_options(command, options->keys)->required();
  command.add_option("--request-id", options->filter.request_id, "Only the exchange of this id")->type_name("ID");
  command.add_option("--principal", options->filter.principal, "Only this principal's")->type_name("NAME");
  command.add_option("--tenant", options->filter.tenant, "Only this tenant's")->type_name("NAME");
  command.add_option("--model", options->filter.model, "Only calls of this model")->type_name("NAME");
  if (!shown) return options;
  command.add_flag("--content", options->content, "Open and show the bodies too");
  command.add_flag("--json", options->json, "One JSON object a line");
  return options;
}

void add_period(CLI::App& command, ReadOptions& options) {
  command.add_option("--since", options.since, "Only what started then or later")
      ->type_name("WHEN")
      ->check(check_moment);
  command.add_option("--until", options.until, "Only what started then or earlier")
      ->type_name("WHEN")
      ->check(check_moment);
}

void settle_period(ReadOptions& options) {
  const core::WallTime now = core::SystemClock().wall();
  if (!options.since.empty()) options.filter.since = parse_moment(options.since, now);
  if (!options.until.empty()) options.filter.until = parse_moment(options.until, now);
}

void add_export(CLI::App& log, int& exit_code) {
  CLI::App* command = log.add_subcommand("export", "Write exchanges with their content, as JSON lines or for age");
  command->footer(std::string(export_details) + key_reference_help);
  const auto options = add_reading(*command, false);
  add_period(*command, *options);
  options->content = options->json = true;
  CLI::Option* age =
      repeatable(command->add_option("--age", options->age, "Encrypt to this age recipient; may be repeated"))
          ->type_name("AGE_RECIPIENT");
  command->add_option("--out,-o", options->out, "The encrypted file; else stdout")->type_name("FILE")->needs(age);
  command->callback([options, &exit_code] {
    settle_period(*options);
    exit_code = run_log_command([&] { return export_log(*options); });
  });
}

void add_cat(CLI::App& log, int& exit_code) {
  CLI::App* command = log.add_subcommand("cat", "Show the exchanges of a log");
  command->footer(std::string(cat_details) + key_reference_help);
  const auto options = add_reading(*command);
  add_period(*command, *options);
  command->callback([options, &exit_code] {
    settle_period(*options);
    exit_code = run_log_command([&] { return cat(*options); });
  });
}

void add_tail(CLI::App& log, int& exit_code) {
  CLI::App* command = log.add_subcommand("tail", "Show the last exchanges, and follow");
  command->footer(std::string(tail_details) + key_reference_help);
  const auto options = add_reading(*command);
  command->add_option("--lines,-n", options->last, "How many to start with")->type_name("N")->capture_default_str();
  command->add_flag("--follow,-f", options->follow, "Go on as exchanges are sealed");
  command->callback([options, &exit_code] { exit_code = run_log_command([&] { return tail(*options); }); });
}

}  // namespace

void add_log_commands(CLI::App& app, int& exit_code) {
  CLI::App* log = app.add_subcommand("log", "Read and verify the sealed log");
  log->footer(log_details);
  log->require_subcommand(1);
  add_cat(*log, exit_code);
  add_tail(*log, exit_code);
  add_log_verify(*log, exit_code);
  add_log_rewrap(*log, exit_code);
  add_log_erase(*log, exit_code);
  add_export(*log, exit_code);
}

}  // namespace sallyport::gateway
