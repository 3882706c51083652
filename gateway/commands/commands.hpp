// What `sallyport` can be told to do. Each adds itself to a command line; it runs when that parses, and leaves 0 or 1
// in `exit_code` (1: a problem was found, and said on stderr). Wrong use is CLI11's to throw.
#pragma once

namespace CLI {
class App;
}

namespace sallyport::gateway {

void add_serve_command(CLI::App& app, int& exit_code);
void add_check_command(CLI::App& app, int& exit_code);
void add_status_command(CLI::App& app, int& exit_code);
void add_token_commands(CLI::App& app, int& exit_code);
void add_key_commands(CLI::App& app, int& exit_code);
void add_log_commands(CLI::App& app, int& exit_code);
void add_version_command(CLI::App& app, int& exit_code);

// `sallyport key …`: those that have a file of their own.
void add_key_new(CLI::App& key, int& exit_code);
void add_key_rotate(CLI::App& key, int& exit_code);
void add_key_check(CLI::App& key, int& exit_code);

// `sallyport log …`
void add_log_verify(CLI::App& log, int& exit_code);
void add_log_rewrap(CLI::App& log, int& exit_code);
void add_log_erase(CLI::App& log, int& exit_code);

}  // namespace sallyport::gateway
