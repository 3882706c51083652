# Everything comes from the distribution (Debian 12 and 13); nothing is vendored.
find_package(Threads REQUIRED)
if(POLICY CMP0167)
  cmake_policy(SET CMP0167 NEW)  # by Boost's own package file: newer CMakes no longer bring one
endif()
find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED)
if(NOT SALLYPORT_SANITIZE)  # sanitizers bring an allocator of their own
  find_library(TCMALLOC tcmalloc_minimal REQUIRED)
endif()
find_path(PKCS11_INCLUDE p11-kit/pkcs11.h PATH_SUFFIXES p11-kit-1 REQUIRED)  # the header alone: modules are loaded
find_package(Catch2 REQUIRED)  # 2.13 on Debian 12, 3.7 on Debian 13: tests/support/catch.hpp hides the difference

# yaml-cpp 0.7 exports a plain name, 0.8 a namespaced one.
if(NOT TARGET yaml-cpp::yaml-cpp)
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()
