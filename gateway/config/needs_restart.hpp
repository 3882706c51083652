// What a running process cannot change. A reload that asks for it is refused whole.
#pragma once

#include <string>

#include "gateway/config/config.hpp"

namespace sallyport::gateway {

// The sections of the file that ask for it: "listeners, log". Empty: none does.
std::string needs_restart(const Config& running, const Config& wanted);

}  // namespace sallyport::gateway
