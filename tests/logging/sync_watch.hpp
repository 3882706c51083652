// What this program asks the kernel to put on disk, in order: fsync(2) and fdatasync(2) come by here first.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace sallyport::tests {

struct SyncedFile {
  std::string name;  // without its folder
  std::uintmax_t size = 0;
  bool for_writing = false;  // the descriptor
};

// One at a time.
class SyncWatch {
 public:
  SyncWatch();
  ~SyncWatch();  // waits for calls that are under way
  SyncWatch(const SyncWatch&) = delete;
  SyncWatch& operator=(const SyncWatch&) = delete;

  // An errno for every call with a descriptor that is not for writing; directories are spared. 0: it works.
  std::atomic<int> refuses_read_only{0};

  // A file with that name: EIO at every call.
  std::string cannot_keep;

  // Called with the file's name, by whoever syncs it. May replace itself, in a test that has no other thread.
  std::function<void(const std::string& name)> before_sync;

  std::vector<SyncedFile> synced() const;
  // The first call for that file, by its place in synced(); as many as there are when there was none.
  std::size_t first(const std::string& name) const;
  int called(int descriptor);  // gives the errno of a refusal

 private:
  mutable std::mutex mutex_;
  std::vector<SyncedFile> synced_;
};

}  // namespace sallyport::tests
