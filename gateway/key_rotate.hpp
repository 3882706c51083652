// `sallyport key rotate`: a new pair to follow an old one, and the way from one to the other.
#pragma once

namespace CLI {
class App;
}

namespace sallyport::gateway {

void add_key_rotate(CLI::App& key, int& exit_code);

}  // namespace sallyport::gateway
