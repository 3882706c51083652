#include "core/version.hpp"

#include <openssl/crypto.h>

#include <boost/version.hpp>

namespace sallyport::core {

std::string_view version() noexcept { return SALLYPORT_VERSION; }

std::string boost_version() {
  return std::to_string(BOOST_VERSION / 100000) + "." + std::to_string(BOOST_VERSION / 100 % 1000) + "." +
         std::to_string(BOOST_VERSION % 100);
}

std::string openssl_version() { return OpenSSL_version(OPENSSL_VERSION_STRING); }

}  // namespace sallyport::core
