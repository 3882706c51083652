#include "core/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <system_error>

namespace sallyport::core {

using std::filesystem::path;

void throw_file_error(const path& file, int code) {
  throw std::system_error(code, std::generic_category(), file.string());
}

Descriptor open_file(const path& file, int flags) {
  Descriptor descriptor(::open(file.c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!descriptor.is_open()) throw_file_error(file);
  return descriptor;
}

Result<std::size_t> read_at(const Descriptor& descriptor, std::uint64_t offset, MutableBytes into) noexcept {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const ssize_t got =
        ::pread(descriptor.number(), into.data() + filled, into.size() - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error(Reason::io_failed, errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

std::optional<bool> leads_to(const path& name, const Descriptor& file) noexcept {
  struct stat opened {
  }, there{};
  if (::fstat(file.number(), &opened) != 0) return std::nullopt;
  if (::lstat(name.c_str(), &there) != 0) return errno == ENOENT ? std::optional(false) : std::nullopt;
  return opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
}

void write_file(const Descriptor& descriptor, ConstBytes bytes, const path& file) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor.number(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_file_error(file);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void sync_file(const Descriptor& descriptor, const path& file) {
  if (::fsync(descriptor.number()) != 0) throw_file_error(file);
}

void sync_directory_of(const path& file) {
  const path directory = file.has_parent_path() ? file.parent_path() : path(".");
  sync_file(open_file(directory, O_RDONLY | O_DIRECTORY), directory);
}

}  // namespace sallyport::core
