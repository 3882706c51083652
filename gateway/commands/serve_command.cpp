#include "gateway/commands/commands.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>

#include "gateway/config/check_files.hpp"
#include "gateway/config/load_watched.hpp"
#include "gateway/server.hpp"

namespace sallyport::gateway {

namespace {

int serve(const std::string& file) {
  auto [loaded, files] = load_watched({file}, [&] { return load_config(file); });
  const auto problems = check_files(loaded, core::SystemClock().wall());
  for (const auto& problem : problems) std::cerr << text_of(problem) << '\n';
  if (has_errors(problems)) return 1;
  OperatorLogger operator_log(loaded.config.operator_log);
  try {
    Server server(std::move(loaded.config), std::move(files), file, operator_log);
    return server.run() ? 0 : 1;
  } catch (const std::exception& problem) {
    operator_log.error("cannot_start", {{"problem", problem.what()}});
    return 1;
  }
}

}  // namespace

void add_serve_command(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("serve", "Run the gateway");
  command->footer(
      "Serves until SIGTERM, then drains: /readyz turns false, idle connections close, streams finish within\n"
      "limits.drain; a second signal cuts the drain short. SIGHUP, or a change of any file the configuration\n"
      "names, loads everything anew: whole, or not at all.\n\n"
      "  sallyport check --config gateway.yaml && sallyport serve --config gateway.yaml\n\n"
      "Exit code: 0 stopped as asked, 1 could not start, or stopped with a log that lacks its end, 2 wrong use.");
  auto file = std::make_shared<std::string>();
  command->add_option("--config,-c", *file, "The configuration file")->required()->type_name("FILE");
  command->callback([file, &exit_code] { exit_code = serve(*file); });
}

}  // namespace sallyport::gateway
