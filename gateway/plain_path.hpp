// Whether a path that is no model path may go where a path route says, as it came.
#pragma once

#include <string_view>

#include "core/result.hpp"

namespace sallyport::gateway {

// A path route does not read the body: no model is checked, no token counted. So what a model server may take for a
// model path must not come through one. Errors: path_ambiguous, path_misspelt.
core::Result<void> check_plain_path(std::string_view path);

}  // namespace sallyport::gateway
