// For the .cpp files that call OpenSSL: its objects with an owner, and its refusals as exceptions.
#pragma once

#include <openssl/err.h>

#include <climits>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

#include "core/bytes.hpp"

namespace sallyport::core {

template <auto function>
struct FreeWith {
  template <class T>
  void operator()(T* object) const noexcept {
    function(object);
  }
};

// A unique owner: Handle<EVP_PKEY, EVP_PKEY_free>.
template <class T, auto function>
using Handle = std::unique_ptr<T, FreeWith<function>>;

// For what can fail only when OpenSSL or the machine is broken, or the caller broke the contract.
// The thread's error queue is left empty: SSL_get_error reads it too and would take an old entry for its own.
inline void require(bool done, const char* what) {
  if (done) return;
  ERR_clear_error();
  throw std::runtime_error(std::string("OpenSSL could not ") + what);
}

inline unsigned char* raw(std::byte* bytes) noexcept { return reinterpret_cast<unsigned char*>(bytes); }
inline const unsigned char* raw(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}

// OpenSSL takes many lengths as int.
inline int int_size(ConstBytes bytes) {
  if (bytes.size() > INT_MAX) throw std::length_error("more than 2 GiB in one cryptographic operation");
  return static_cast<int>(bytes.size());
}

}  // namespace sallyport::core
