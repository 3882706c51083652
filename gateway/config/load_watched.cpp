#include "gateway/config/load_watched.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::gateway {

// Which files there are to stamp is known only once they were read. A turn more needs one more change of the
// configuration, so there are two at most in practice.
Watched load_watched(std::vector<std::filesystem::path> expected, const std::function<Loaded()>& load,
                     const std::filesystem::path& always) {
  for (;;) {
    FileWatch files(expected);
    Loaded loaded = load();
    auto named = loaded.config.files;
    if (named.empty()) return {std::move(loaded), std::move(files)};  // the configuration cannot be read at all
    if (!always.empty() && std::ranges::find(named, always) == named.end()) named.push_back(always);
    if (named == expected) return {std::move(loaded), std::move(files)};
    expected = std::move(named);
  }
}

}  // namespace sallyport::gateway
