// `sallyport log verify`: whether a log was changed or cut.
#pragma once

namespace CLI {
class App;
}

namespace sallyport::gateway {

void add_log_verify(CLI::App& log, int& exit_code);

}  // namespace sallyport::gateway
