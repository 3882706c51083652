// A configuration together with a watch on everything it was read from, so that no change falls between the two.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "gateway/config/file_watch.hpp"
#include "gateway/config/load_config.hpp"

namespace sallyport::gateway {

struct Watched {
  Loaded loaded;
  FileWatch files;  // as they were before they were read: what changes meanwhile is a change
};

// `expected`: the files it was read from last time. When it names others now, `load` is called once more. When it
// cannot be read, the watch is on `expected`. It is on `always` too, unless that is empty, whatever the configuration
// names. Blocks, as `load` does.
Watched load_watched(std::vector<std::filesystem::path> expected, const std::function<Loaded()>& load,
                     const std::filesystem::path& always = {});

}  // namespace sallyport::gateway
