// `sallyport serve`.
#pragma once

namespace CLI {
class App;
}

namespace sallyport::gateway {

void add_serve_command(CLI::App& app, int& exit_code);

}  // namespace sallyport::gateway
