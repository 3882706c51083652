// For the .cpp files that call OpenSSL: owners of its objects, and exceptions for its failures.
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

// Throws std::runtime_error unless `done`. For calls that fail only when OpenSSL or the machine is broken, or when the
// caller broke the contract. A failure leaves the thread's error queue empty, because SSL_get_error reads that queue
// and would take an old entry for its own.
inline void require(bool done, const char* what) {
  if (done) return;
  ERR_clear_error();
  throw std::runtime_error(std::string("OpenSSL could not ") + what);
}

inline unsigned char* raw(std::byte* bytes) noexcept { return reinterpret_cast<unsigned char*>(bytes); }
inline const unsigned char* raw(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}

// OpenSSL takes many lengths as int. Throws std::length_error for more than INT_MAX bytes.
inline int int_size(ConstBytes bytes) {
  if (bytes.size() > INT_MAX) throw std::length_error("more than 2 GiB in one cryptographic operation");
  return static_cast<int>(bytes.size());
}

}  // namespace sallyport::core
