// Notices that one of a set of files has changed. Polled: renames, symbolic links swapped by an orchestrator and
// network file systems all look the same to stat(2), and none of them to inotify.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <tuple>
#include <vector>

namespace sallyport::gateway {

class FileWatch {
 public:
  // Starts with these files as they are now.
  explicit FileWatch(std::vector<std::filesystem::path> files)
      : files_(std::move(files)), known_(look()), pending_(known_) {}

  // True once after a change, when two looks in a row agree: a file being written is not read half-way.
  bool changed() {
    auto seen = look();
    const bool steady = seen == pending_;
    pending_ = std::move(seen);
    if (!steady || pending_ == known_) return false;
    known_ = pending_;
    return true;
  }

  // Whether they are as they were at the start, or when changed() last said true.
  bool unchanged() const { return look() == known_; }

 private:
  using Stamp = std::tuple<ino_t, off_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;

  std::vector<Stamp> look() const {
    std::vector<Stamp> stamps;
    for (const auto& file : files_) {
      struct stat info {};
      if (::stat(file.c_str(), &info) != 0) info = {};
      // The change of its inode as well: who mends a file's permissions expects it to be read again.
      stamps.emplace_back(info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec,
                          info.st_ctim.tv_nsec);
    }
    return stamps;
  }

  std::vector<std::filesystem::path> files_;
  std::vector<Stamp> known_, pending_;
};

}  // namespace sallyport::gateway
