// What a running process cannot change. A reload that asks for it is refused whole.
#pragma once

#include "gateway/config.hpp"

namespace sallyport::gateway {

// The section of the file that asks for it; nullptr: none does.
const char* needs_restart(const Config& running, const Config& wanted);

}  // namespace sallyport::gateway
