#include "core/private_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "core/descriptor.hpp"

namespace sallyport::core {

namespace {

using std::filesystem::path;

[[noreturn]] void fail(const path& file, const std::string& words) {
  throw std::runtime_error(file.string() + ": " + words);
}

[[noreturn]] void fail_with_errno(const path& file) { fail(file, std::generic_category().message(errno)); }

Descriptor opened(const path& file, int flags) {
  Descriptor descriptor(::open(file.c_str(), flags | O_CLOEXEC, 0600));
  if (!descriptor.is_open()) fail_with_errno(file);
  return descriptor;
}

// An orchestrator's secret is another's file, readable by a group of ours (Kubernetes: root, fsGroup, 0440). On a file
// of our own the same bits are an oversight.
bool too_open(const struct stat& status) noexcept {
  if ((status.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0) return true;
  return (status.st_mode & S_IRGRP) != 0 && status.st_uid == ::geteuid();
}

// Asked of the open file, so that nobody can exchange it between the question and the reading.
std::size_t checked_size(const path& file, int number) {
  struct stat status;
  if (::fstat(number, &status) != 0) fail_with_errno(file);
  if (!S_ISREG(status.st_mode)) fail(file, "not a regular file");
  if (too_open(status)) {
    fail(file, "group or others have access to this private file; run: chmod 600 " + file.string());
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > maximum_private_file_size) fail(file, "too large for a key (more than 64 KiB)");
  return size;
}

void write_all(const path& file, int number, ConstBytes rest) {
  while (!rest.empty()) {
    const ssize_t written = ::write(number, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with_errno(file);
    rest = rest.subspan(static_cast<std::size_t>(written));
  }
  if (::fsync(number) != 0) fail_with_errno(file);
}

}  // namespace

Secret read_private_file(const path& file) {
  // O_NONBLOCK: a FIFO of that name must not hold us.
  const Descriptor descriptor = opened(file, O_RDONLY | O_NONBLOCK);
  Secret content(checked_size(file, descriptor.number()));
  for (MutableBytes rest = content.reveal_for_writing(); !rest.empty();) {
    const ssize_t got = ::read(descriptor.number(), rest.data(), rest.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_with_errno(file);
    if (got == 0) fail(file, "became shorter while it was read");
    rest = rest.subspan(static_cast<std::size_t>(got));
  }
  return content;
}

void write_private_file(const path& file, ConstBytes content) {
  const Descriptor descriptor = opened(file, O_WRONLY | O_CREAT | O_EXCL);
  try {
    write_all(file, descriptor.number(), content);
  } catch (...) {
    ::unlink(file.c_str());  // half a key is none
    throw;
  }
}

}  // namespace sallyport::core
