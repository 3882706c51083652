// Which build this is, and what it runs on.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::core {

std::string_view version() noexcept;
std::string boost_version();    // of the headers it was compiled with
std::string openssl_version();  // of the library it runs with

}  // namespace sallyport::core
