// `sallyport key check`: which segments each key opens, and whether any would stay closed.
#pragma once

namespace CLI {
class App;
}

namespace sallyport::gateway {

void add_key_check(CLI::App& key, int& exit_code);

}  // namespace sallyport::gateway
