// Which build this is.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::gateway {

inline constexpr std::string_view version = SALLYPORT_VERSION;  // from CMakeLists.txt's project()

std::string boost_version();    // of the headers it was compiled with
std::string openssl_version();  // of the library it runs with

}  // namespace sallyport::gateway
