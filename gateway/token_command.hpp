// `sallyport token create | list | revoke`: the tokens file from the command line.
#pragma once

namespace CLI {
class App;
}

namespace sallyport::gateway {

// Adds the command to `app`; it runs when `app` parses and leaves 0 or 1 in `exit_code` (1: a problem was found, and
// said on stderr). Wrong use is CLI11's to throw.
void add_token_commands(CLI::App& app, int& exit_code);

}  // namespace sallyport::gateway
