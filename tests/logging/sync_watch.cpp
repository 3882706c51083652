#include "tests/logging/sync_watch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <thread>

namespace sallyport::tests {

namespace {

std::atomic<SyncWatch*> watching{nullptr};
std::atomic<int> callers{0};

}  // namespace

SyncWatch::SyncWatch() { watching = this; }
SyncWatch::~SyncWatch() {
  watching = nullptr;
  while (callers > 0) std::this_thread::yield();
}

std::vector<SyncedFile> SyncWatch::synced() const {
  const std::lock_guard lock(mutex_);
  return synced_;
}

std::size_t SyncWatch::first(const std::string& name) const {
  const auto all = synced();
  const auto found = std::find_if(all.begin(), all.end(), [&](const SyncedFile& one) { return one.name == name; });
  return static_cast<std::size_t>(found - all.begin());
}

int SyncWatch::called(int descriptor) {
  const auto file = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor));
  if (const auto before = before_sync) before(file.filename().string());
  struct stat found {};
  ::fstat(descriptor, &found);
  const bool for_writing = (::fcntl(descriptor, F_GETFL) & O_ACCMODE) != O_RDONLY;
  const std::lock_guard lock(mutex_);
  synced_.push_back({file.filename().string(), static_cast<std::uintmax_t>(found.st_size), for_writing});
  if (file.filename() == cannot_keep) return EIO;
  return for_writing || S_ISDIR(found.st_mode) ? 0 : refuses_read_only.load();
}

namespace {

int sync_by(long call, int descriptor) {
  callers += 1;
  SyncWatch* const watch = watching;
  const int error = watch != nullptr ? watch->called(descriptor) : 0;
  callers -= 1;
  if (error != 0) return errno = error, -1;
  return static_cast<int>(::syscall(call, descriptor));
}

}  // namespace

}  // namespace sallyport::tests

extern "C" {

int fsync(int descriptor) { return sallyport::tests::sync_by(SYS_fsync, descriptor); }
int fdatasync(int descriptor) { return sallyport::tests::sync_by(SYS_fdatasync, descriptor); }

}  // extern "C"
