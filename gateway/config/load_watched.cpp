#include "gateway/config/load_watched.hpp"

#include <utility>

namespace sallyport::gateway {

// Which files there are to stamp is known only once they were read. A turn more needs one more change of the
// configuration, so there are two at most in practice.
Watched load_watched(std::vector<std::filesystem::path> expected, const std::function<Loaded()>& load) {
  for (;;) {
    FileWatch files(expected);
    Loaded loaded = load();
    const auto& named = loaded.config.files;  // none when the configuration cannot be read at all
    if (named.empty() || named == expected) return {std::move(loaded), std::move(files)};
    expected = named;
  }
}

}  // namespace sallyport::gateway
