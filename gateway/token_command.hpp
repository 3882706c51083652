// `sallyport token create | list | revoke`: the tokens file from the command line.
#pragma once

#include <filesystem>
#include <functional>

namespace CLI {
class App;
}

namespace sallyport::gateway {

// The tokens file that a configuration names. May throw; what() is shown.
using TokensFileOf = std::function<std::filesystem::path(const std::filesystem::path& config)>;

// Adds the command to `app`; it runs when `app` parses and leaves 0 or 1 in `exit_code` (1: a problem was found, and
// said on stderr). Wrong use is CLI11's to throw. With `tokens_file_of`, `--config FILE` may stand in place of `--file
// FILE`.
void add_token_commands(CLI::App& app, int& exit_code, TokensFileOf tokens_file_of = {});

}  // namespace sallyport::gateway
