#include "gateway/commands/commands.hpp"

#include <CLI/CLI.hpp>
#include <memory>

#include "core/clock.hpp"
#include "gateway/commands/key_reference.hpp"
#include "gateway/commands/log_read.hpp"
#include "gateway/commands/log_view.hpp"
#include "gateway/commands/options.hpp"
#include "gateway/commands/run_command.hpp"

namespace sallyport::gateway {

namespace {

constexpr auto log_details = R"(
DIR is a log's directory, or a copy of it. The gateway that writes a log cannot read it: `cat` and `tail` need the
private key of one of its recipients, `verify` needs none.

Examples:
  sallyport log tail --follow --key auditor.key /var/log/sallyport
  sallyport log cat --key auditor.key --since 1h --principal team-a --content /var/log/sallyport
  sallyport log verify /var/log/sallyport
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

std::string check_moment(const std::string& text) {
  return parse_moment(text, core::SystemClock().wall())
             ? ""
             : "\"" + text +
                   "\" is not a moment like 2026-01-02T03:04:05Z, a day like 2026-01-02, nor so long ago like 15m";
}

std::shared_ptr<LogReadOptions> add_reading(CLI::App& command, bool shown = true) {
  auto options = std::make_shared<LogReadOptions>();
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

void add_period(CLI::App& command, LogReadOptions& options) {
  command.add_option("--since", options.since, "Only what started then or later")
      ->type_name("WHEN")
      ->check(check_moment);
  command.add_option("--until", options.until, "Only what started then or earlier")
      ->type_name("WHEN")
      ->check(check_moment);
}

void settle_period(LogReadOptions& options) {
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
    exit_code = run_command("log", [&] { return export_log(*options); });
  });
}

void add_cat(CLI::App& log, int& exit_code) {
  CLI::App* command = log.add_subcommand("cat", "Show the exchanges of a log");
  command->footer(std::string(cat_details) + key_reference_help);
  const auto options = add_reading(*command);
  add_period(*command, *options);
  command->callback([options, &exit_code] {
    settle_period(*options);
    exit_code = run_command("log", [&] { return cat_log(*options); });
  });
}

void add_tail(CLI::App& log, int& exit_code) {
  CLI::App* command = log.add_subcommand("tail", "Show the last exchanges, and with --follow those to come");
  command->footer(std::string(tail_details) + key_reference_help);
  const auto options = add_reading(*command);
  command->add_option("--lines,-n", options->last, "How many to start with")->type_name("N")->capture_default_str();
  command->add_flag("--follow,-f", options->follow, "Go on as exchanges are sealed");
  command->callback([options, &exit_code] { exit_code = run_command("log", [&] { return tail_log(*options); }); });
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
