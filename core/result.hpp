// Result<T>: a value or an Error. Expected failures travel as values; exceptions are for construction and for bugs.
#pragma once

#include <boost/system/result.hpp>

#include <exception>

#include "core/error.hpp"

namespace sallyport::core {

template <class T>
using Result = boost::system::result<T, Error>;

// boost::system::result throws this when value() is called on an error. That is a bug; the data path never does it.
struct BadResult : std::exception {
  const char* what() const noexcept override { return "value() called on an Error"; }
};
[[noreturn]] inline void throw_exception_from_error(const Error&, const boost::source_location&) { throw BadResult{}; }

}  // namespace sallyport::core
