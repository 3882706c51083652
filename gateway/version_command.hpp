// `sallyport version`: what this program is made of, for a bug report.
#pragma once

namespace CLI {
class App;
}

namespace sallyport::gateway {

void add_version_command(CLI::App& app, int& exit_code);

}  // namespace sallyport::gateway
