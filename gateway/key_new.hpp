// `sallyport key new`: a pair of key files.
#pragma once

namespace CLI {
class App;
}

namespace sallyport::gateway {

void add_key_new(CLI::App& key, int& exit_code);

}  // namespace sallyport::gateway
