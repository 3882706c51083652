// Which of a directory's numbered files could not be written, and why: for the operator.
#pragma once

#include <cstdint>
#include <mutex>

#include "core/error.hpp"

namespace sallyport::logging {

struct FileFault {
  std::uint64_t segment = 0;  // its number; the file is named after it
  // io_failed with errno; timeout while the disk hangs; internal where no segment could be made.
  core::Error why{core::Reason::timeout};
};

// The last one: set by the thread that writes, read by any other.
class LastFault {
 public:
  void set(const FileFault& fault) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
  }
  FileFault get() const {
    const std::lock_guard lock(mutex_);
    return fault_;
  }

 private:
  mutable std::mutex mutex_;
  FileFault fault_;
};

}  // namespace sallyport::logging
