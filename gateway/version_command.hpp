// `sallyport version`: what this program is made of, for a bug report.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace sallyport::gateway {

std::string version_text();  // lines, without an end to the last

void add_version_command(CLI::App& app, int& exit_code);

}  // namespace sallyport::gateway
