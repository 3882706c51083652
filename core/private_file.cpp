#include "core/private_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "core/file.hpp"

namespace sallyport::core {

namespace {

using std::filesystem::path;

[[noreturn]] void fail(const path& file, const std::string& words) {
  throw std::runtime_error(file.string() + ": " + words);
}

// A secret that an orchestrator mounts belongs to another user and is readable by a group of ours (Kubernetes: root,
// fsGroup, 0440). On a file that this user owns, the same permission is a mistake.
bool too_open(const struct stat& status) noexcept {
  if ((status.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0) return true;
  return (status.st_mode & S_IRGRP) != 0 && status.st_uid == ::geteuid();
}

// Checks the open file, so that nobody can replace it between the check and the read.
std::size_t checked_size(const path& file, int number) {
  struct stat status;
  if (::fstat(number, &status) != 0) throw_file_error(file);
  if (!S_ISREG(status.st_mode)) fail(file, "not a regular file");
  if (too_open(status)) {
    fail(file, "group or others have access to this private file; run: chmod 600 " + file.string());
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > maximum_private_file_size) fail(file, "too large for a key (more than 64 KiB)");
  return size;
}

}  // namespace

Secret read_private_file(const path& file) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const Descriptor descriptor = open_file(file, O_RDONLY | O_NONBLOCK);
  Secret content(checked_size(file, descriptor.number()));
  for (MutableBytes rest = content.reveal_for_writing(); !rest.empty();) {
    const ssize_t got = ::read(descriptor.number(), rest.data(), rest.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_file_error(file);
    if (got == 0) fail(file, "became shorter while it was read");
    rest = rest.subspan(static_cast<std::size_t>(got));
  }
  return content;
}

Secret read_private_text(const path& file) {
  const Secret whole = read_private_file(file);
  std::string_view text = whole.reveal_text();
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return Secret(text);
}

void write_private_file(const path& file, ConstBytes content) {
  const Descriptor descriptor = open_file(file, O_WRONLY | O_CREAT | O_EXCL);
  try {
    write_file(descriptor, content, file);
    sync_file(descriptor, file);
    sync_directory_of(file);
  } catch (...) {
    ::unlink(file.c_str());  // half a key is useless
    throw;
  }
}

}  // namespace sallyport::core
