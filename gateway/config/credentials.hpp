// What the gateway shows to others, out of private files: a model server's key, the shared limits' password. Each
// throws std::runtime_error, for the operator, naming the file.
#pragma once

#include "core/secret.hpp"
#include "gateway/config/config.hpp"

namespace sallyport::gateway {

// The field of a request's head that shows it, with its line's end: "authorization: Bearer KEY\r\n". Newlines at
// its file's end do not count.
core::Secret read_api_key(const ApiKey& key);

// What stands in the file, without the newlines at its end.
core::Secret read_password(const path& file);

}  // namespace sallyport::gateway
