// What a test cannot look at on this machine: it is said, and ./test lists it at its end.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/support/catch.hpp"

namespace sallyport::tests {

inline constexpr const char* no_ml_kem = "this OpenSSL has no ML-KEM";

// In a test case: `if (…) return skipped("…: why")`.
inline void skipped(const std::string& what) {
  if (const char* list = std::getenv("SALLYPORT_SKIPPED")) {
    std::ofstream(list, std::ios::app) << Catch::getResultCapture().getCurrentTestName() << ": " << what << '\n';
  }
  WARN("not looked at: " << what);
  SUCCEED("as far as it can be looked at here");
}

}  // namespace sallyport::tests
