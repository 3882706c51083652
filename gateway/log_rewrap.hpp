// `sallyport log rewrap` and `log erase`: who can open a log's closed segments, changed afterwards.
#pragma once

namespace CLI {
class App;
}

namespace sallyport::gateway {

void add_log_rewrap(CLI::App& log, int& exit_code);
void add_log_erase(CLI::App& log, int& exit_code);

}  // namespace sallyport::gateway
