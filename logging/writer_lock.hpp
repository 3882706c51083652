// Who may write in a log's directory: one gateway, and one who rewraps.
#pragma once

#include <chrono>
#include <filesystem>
#include <string_view>

#include "core/descriptor.hpp"

namespace sallyport::logging {

inline constexpr std::string_view lock_name = "writer.lock";
inline constexpr std::string_view rewrap_lock_name = "rewrap.lock";

// One writer a directory: flock(2) on writer.lock, gone with the process however it ends; and on the directory itself,
// where its file system can, so that who removes the file lets no second writer in.
class WriterLock {
 public:
  // Tries again for a moment, as a reader may just look whether they are held. Throws std::runtime_error when another
  // process holds one, or the file cannot be made.
  explicit WriterLock(const std::filesystem::path& directory);
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;
  // Where another directory than the one it locked stands at that path now, it locks that one instead. Tries once, and
  // throws as the constructor; std::system_error when there is none.
  void follow(const std::filesystem::path& directory);
  static bool held(const std::filesystem::path& directory) noexcept;  // by a process of this machine

 protected:
  // For which a reader that asks held() may have it.
  static constexpr auto readers_moment = std::chrono::milliseconds(250);
  WriterLock(const std::filesystem::path& directory, std::string_view name, const char* doing, bool also_directory,
             std::chrono::milliseconds patience);

 private:
  bool take(const std::filesystem::path& path);
  bool take_directory(const std::filesystem::path& path);

  core::Descriptor file_, directory_;
};

// So that of two who change key blocks neither undoes what the other did.
class RewrapLock : WriterLock {
 public:
  explicit RewrapLock(const std::filesystem::path& directory)
      : WriterLock(directory, rewrap_lock_name, "rewrapping", false, readers_moment) {}
};

}  // namespace sallyport::logging
