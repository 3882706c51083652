// The versions of this build and of the libraries it uses.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::core {

std::string_view version() noexcept;
std::string boost_version();    // of the headers at compile time
std::string openssl_version();  // of the library at run time

}  // namespace sallyport::core
