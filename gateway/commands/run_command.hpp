// How a command that may fail ends.
#pragma once

#include <functional>

namespace sallyport::gateway {

// What `work` gives, or 1 when it threw (the words go to stderr, after "sallyport `name`: ") or stdout did not take all
// that it wrote. Wrong use passes on to where the command line is parsed.
int run_command(const char* name, const std::function<int()>& work);

}  // namespace sallyport::gateway
