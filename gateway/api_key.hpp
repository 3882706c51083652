// The key that a model server asks its callers for.
#pragma once

#include "core/secret.hpp"
#include "gateway/config.hpp"

namespace sallyport::gateway {

// The field of a request's head that shows it, with its line's end: "authorization: Bearer KEY\r\n". Reads its private
// file, of which newlines at the end do not count. Throws std::runtime_error, for the operator, naming the file.
core::Secret read_api_key(const ApiKey& key);

}  // namespace sallyport::gateway
