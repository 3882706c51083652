// An option of a command that may be given several times.
#pragma once

#include <CLI/CLI.hpp>

namespace sallyport::gateway {

// Each time it takes one value. Left to itself, an option with a list takes what follows too: in `--key a.key DIR
// --json` the directory.
inline CLI::Option* repeatable(CLI::Option* option) { return option->expected(1)->allow_extra_args(false)->take_all(); }

}  // namespace sallyport::gateway
