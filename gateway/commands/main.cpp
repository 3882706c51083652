// The command line: one program, one command for each thing a person does with it.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <exception>
#include <iostream>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/version_command.hpp"
#include "gateway/config/config_text.hpp"

namespace {

constexpr auto about =
    "Sallyport: a gateway that ends TLS in front of AI model servers, proves who is calling,\n"
    "and keeps an account of every exchange that it cannot itself read.";

constexpr auto more = R"(
Start here:
  sallyport check --config gateway.yaml        what is wrong with it, and where calls would go
  sallyport key new --out auditor              the pair of keys that reads the log
  sallyport token create --config gateway.yaml --name team-a --models 'llama*'
  sallyport serve --config gateway.yaml
  sallyport log tail --follow --key auditor.key LOG_DIRECTORY

Each command explains itself: sallyport COMMAND --help
Exit codes: 0 all is well, 1 a problem was found, 2 the command was not used as it should be.
)";

// CLI11 would say no more than that a command is missing.
bool is_unknown_command(const CLI::App& app, int argc, char** argv) {
  const CLI::App* at = &app;
  std::string said = "sallyport";
  for (int i = 1; i < argc; ++i) {
    std::vector<std::string> commands;
    for (const CLI::App* command : at->get_subcommands({})) commands.push_back(command->get_name());
    const std::string word = argv[i];
    if (commands.empty() || word.starts_with('-')) return false;
    if (std::find(commands.begin(), commands.end(), word) == commands.end()) {
      const auto meant = sallyport::gateway::nearest(word, commands);
      std::cerr << "There is no such command: " << said << ' ' << word << (meant.empty() ? "" : "\nDid you mean: ")
                << (meant.empty() ? "" : said + ' ') << meant << '\n'
                << said << " --help lists them.\n";
      return true;
    }
    said += ' ' + word;
    at = at->get_subcommand(word);
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  // A peer that closes early is an error of one write, never the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  // Whoever started us may have it ignored, and then nobody learns how a program that we start has ended.
  std::signal(SIGCHLD, SIG_DFL);

  CLI::App app(about, "sallyport");
  app.footer(more);
  app.set_version_flag("--version,-V", sallyport::gateway::version_text, "Print the versions and exit");
  app.require_subcommand(1);
  int exit_code = 0;
  sallyport::gateway::add_serve_command(app, exit_code);
  sallyport::gateway::add_check_command(app, exit_code);
  sallyport::gateway::add_status_command(app, exit_code);
  sallyport::gateway::add_token_commands(app, exit_code);
  sallyport::gateway::add_key_commands(app, exit_code);
  sallyport::gateway::add_log_commands(app, exit_code);
  sallyport::gateway::add_version_command(app, exit_code);
  if (is_unknown_command(app, argc, argv)) return 2;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong_use) {
    return app.exit(wrong_use) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::cerr << "sallyport: " << error.what() << '\n';
    return 1;
  }
  return exit_code;
}
