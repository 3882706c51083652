// `sallyport check`: everything that is wrong with a configuration, and where calls would go with it.
#pragma once

#include <filesystem>
#include <ostream>

#include "core/clock.hpp"

namespace sallyport::gateway {

// Gives the exit code: 0 when the configuration can be served (warnings allowed), 1 when it cannot.
int check(const std::filesystem::path& file, bool json, core::WallTime now, std::ostream& out);

}  // namespace sallyport::gateway
