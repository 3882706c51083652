#include "logging/writer_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "core/file.hpp"

namespace sallyport::logging {

namespace fs = std::filesystem;
using core::Descriptor;

namespace {

constexpr mode_t file_mode = 0640;  // as the segments'

}  // namespace

WriterLock::WriterLock(const fs::path& directory) : WriterLock(directory, lock_name, "writing", true, readers_moment) {}

WriterLock::WriterLock(const fs::path& directory, std::string_view name, const char* doing, bool also_directory,
                       std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!take(directory / name) || (also_directory && !take_directory(directory))) {
    if (std::chrono::steady_clock::now() >= until) {
      throw std::runtime_error("another process is " + std::string(doing) + " the log in " + directory.string());
    }
    std::this_thread::yield();
  }
}

void WriterLock::follow(const fs::path& directory) {
  if (core::leads_to(directory / ".", directory_).value_or(true)) return;
  WriterLock there(directory, lock_name, "writing", true, {});
  file_ = std::move(there.file_);
  directory_ = std::move(there.directory_);
}

// False: another has it, or it is not there any more.
bool WriterLock::take(const fs::path& path) {
  file_ = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, file_mode));
  if (!file_.is_open()) throw std::system_error(errno, std::generic_category(), "cannot open " + path.string());
  if (::flock(file_.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    throw std::system_error(errno, std::generic_category(), "cannot lock " + path.string());
  }
  return core::leads_to(path, file_).value_or(false);
}

// False: another has it. One that cannot be locked is nobody's.
bool WriterLock::take_directory(const fs::path& path) {
  directory_ = Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return ::flock(directory_.number(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

bool WriterLock::held(const fs::path& directory) noexcept {
  const auto is_locked = [](const fs::path& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    return file.is_open() && ::flock(file.number(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  };
  return is_locked(directory / lock_name) || is_locked(directory / ".");  // the file may have been removed
}

}  // namespace sallyport::logging
