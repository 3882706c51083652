// Result<T>: a value or an Error. Expected failures travel as values; exceptions are for construction and for bugs.
#pragma once

#include <boost/system/result.hpp>

#include <exception>

#include "core/error.hpp"

namespace sallyport::core {

template <class T>
using Result = boost::system::result<T, Error>;

// Asked for by boost::system::result when value() is called on an error: a bug of ours, never a path of the data.
struct BadResult : std::exception {
  const char* what() const noexcept override { return "value() called on an Error"; }
};
[[noreturn]] inline void throw_exception_from_error(const Error&, const boost::source_location&) { throw BadResult{}; }

}  // namespace sallyport::core
