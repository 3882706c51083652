// Loaded before the C library: a disk that does as the file MOODY_DISK says at each call, for all whose path contains
// MOODY_DISK_PATH. The file begins with: w (works), f (full), r (read-only), e (gives errors), h (hangs), s (slow),
// n (knows no files without a name), d (hangs when something is deleted; then MOODY_DISK.deletes is there).
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

namespace {

constexpr auto slow_by = std::chrono::milliseconds(10);  // a call on a quick disk takes well under one

bool is_on_it(std::string_view path) {
  static const char* const part = std::getenv("MOODY_DISK_PATH");
  return part != nullptr && path.find(part) != path.npos;
}

// Without memory of its own: a signal's handler writes too.
bool is_on_it(int descriptor) {
  char link[32], path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t size = ::readlink(link, path, sizeof path);
  return size > 0 && is_on_it(std::string_view(path, static_cast<std::size_t>(size)));
}

// By system calls alone: the functions are ours.
char mood_now() {
  static const char* const file = std::getenv("MOODY_DISK");
  char mood = 'w';
  const long opened = file == nullptr ? -1 : ::syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
  if (opened < 0) return mood;
  ::syscall(SYS_read, opened, &mood, 1);
  ::syscall(SYS_close, opened);
  return mood;
}

// The mood in which the call goes on: a disk that hangs holds it until it does no more.
char mood() {
  const int before = errno;
  char now = mood_now();
  for (; now == 'h'; now = mood_now()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  if (now == 's') std::this_thread::sleep_for(slow_by);
  errno = before;
  return now;
}

// The writer's own unfinished files go as ever.
void before_deletion(std::string_view path) {
  if (!is_on_it(path) || path.ends_with(".new") || mood_now() != 'd') return;
  const int before = errno;
  const std::string told = std::string(std::getenv("MOODY_DISK")) + ".deletes";
  ::syscall(SYS_close, ::syscall(SYS_openat, AT_FDCWD, told.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  while (mood_now() == 'd') std::this_thread::sleep_for(std::chrono::milliseconds(5));
  errno = before;
}

int refusal(char mood) { return mood == 'f' ? ENOSPC : mood == 'r' ? EROFS : mood == 'e' ? EIO : 0; }

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

int opened(const char* name, const char* path, int flags, mode_t mode) {
  static const auto open_next = next<int(const char*, int, ...)>(name);
  if (is_on_it(path) && (flags & O_ACCMODE) != O_RDONLY) {
    const char now = mood();
    const int error = now == 'n' && (flags & O_TMPFILE) == O_TMPFILE ? EOPNOTSUPP : refusal(now);
    if (error != 0) return errno = error, -1;
  }
  return open_next(path, flags, mode);
}

int synced(const char* name, int descriptor) {
  const auto sync_next = next<int(int)>(name);
  if (is_on_it(descriptor) && refusal(mood()) == EIO) return errno = EIO, -1;
  return sync_next(descriptor);
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(more, int)) : 0;
  va_end(more);
  return opened("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(more, int)) : 0;
  va_end(more);
  return opened("open64", path, flags, mode);
}

ssize_t write(int descriptor, const void* bytes, std::size_t size) {
  static const auto write_next = next<ssize_t(int, const void*, std::size_t)>("write");
  if (!is_on_it(descriptor)) return write_next(descriptor, bytes, size);
  const char now = mood();
  const int error = refusal(now);
  if (now == 'f' && size > 1) return write_next(descriptor, bytes, size / 2);  // until nothing more fits
  if (error != 0) return errno = error, -1;
  return write_next(descriptor, bytes, size);
}

ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t at) {
  static const auto pwrite_next = next<ssize_t(int, const void*, std::size_t, off_t)>("pwrite");
  const int error = is_on_it(descriptor) ? refusal(mood()) : 0;
  if (error != 0) return errno = error, -1;
  return pwrite_next(descriptor, bytes, size, at);
}

// Whoever looks at a directory of a disk that hangs.
int access(const char* path, int wanted) {
  static const auto access_next = next<int(const char*, int)>("access");
  if (is_on_it(path)) mood();
  return access_next(path, wanted);
}

int mkdir(const char* path, mode_t mode) {
  static const auto mkdir_next = next<int(const char*, mode_t)>("mkdir");
  if (is_on_it(path)) mood();
  return mkdir_next(path, mode);
}

int unlink(const char* path) {
  static const auto unlink_next = next<int(const char*)>("unlink");
  before_deletion(path);
  return unlink_next(path);
}

int remove(const char* path) {
  static const auto remove_next = next<int(const char*)>("remove");
  before_deletion(path);
  return remove_next(path);
}

int fdatasync(int descriptor) { return synced("fdatasync", descriptor); }
int fsync(int descriptor) { return synced("fsync", descriptor); }

}  // extern "C"
