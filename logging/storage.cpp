#include "logging/storage.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <system_error>
#include <utility>

#include "core/file.hpp"

namespace sallyport::logging {

namespace fs = std::filesystem;
using core::Descriptor;
using core::leads_to;

namespace {

constexpr mode_t file_mode = 0640;  // ciphertext: a log shipper in the group may copy it
constexpr std::size_t writeback_size = 1024 * 1024;

bool disk_refuses(int error) noexcept { return error == EIO || error == ENOSPC || error == EDQUOT; }

core::Error os_error() noexcept { return {core::Reason::io_failed, errno}; }

core::Result<void> write_all(int descriptor, core::ConstBytes bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return os_error();
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

class AppendedFile final : public SegmentFile {
 public:
  AppendedFile(std::shared_ptr<const Descriptor> file, fs::path path)
      : file_(std::move(file)), path_(std::move(path)) {}
  core::Result<void> append(core::ConstBytes bytes) override {
    if (const auto written = write_all(file_->number(), bytes); !written) return written;
    not_begun_ += bytes.size();
    if (not_begun_ >= writeback_size) begin_writeback();
    return {};
  }
  core::Result<void> sync() override {
    if (::fdatasync(file_->number()) != 0) return os_error();
    return {};
  }
  void forget() noexcept override { ::posix_fadvise(file_->number(), 0, 0, POSIX_FADV_DONTNEED); }
  bool in_place() const noexcept override { return leads_to(path_, *file_).value_or(true); }

 private:
  // Else sync() would wait for the whole segment to reach the disk, and answers with it. A hint: sync() tells of
  // errors.
  void begin_writeback() noexcept {
    ::sync_file_range(file_->number(), 0, 0, SYNC_FILE_RANGE_WRITE);
    not_begun_ = 0;
  }

  std::shared_ptr<const Descriptor> file_;
  const fs::path path_;
  std::size_t not_begun_ = 0;  // bytes of which the kernel has not been told yet
};

core::Result<void> sync_directory(const fs::path& directory) {
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open() || ::fsync(opened.number()) != 0) return os_error();
  return {};
}

fs::path unfinished(const fs::path& path) {
  fs::path name = path;
  return name += ".new";
}

// Under another name, and synced: a name never shows half a file. A file of its own, whatever stands there: who rewraps
// may do so as root, and whoever can write the directory could have put a link there, to be written through.
core::Result<Descriptor> write_unfinished(const fs::path& path, core::ConstBytes bytes) {
  const fs::path name = unfinished(path);
  ::unlink(name.c_str());
  Descriptor file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, file_mode));
  if (!file.is_open()) return os_error();
  if (const auto written = write_all(file.number(), bytes); !written) return written.error();
  if (::fsync(file.number()) != 0) return os_error();
  return file;
}

enum class IfThere { replace, keep };

// 0, or an errno: EEXIST where what is there is kept. Where the file system knows no flags for it (NFS, some of FUSE)
// what is there is replaced.
int rename_to(const fs::path& path, IfThere what) noexcept {
  const fs::path from = unfinished(path);
  const unsigned flags = what == IfThere::keep ? RENAME_NOREPLACE : 0;
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, path.c_str(), flags) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  return ::rename(from.c_str(), path.c_str()) == 0 ? 0 : errno;
}

// Gives the unfinished file its name. Whether that leads to this one is asked behind it: a second writer that got in
// uses the same names, and a rename over NFS may be done and said to fail.
core::Result<void> put(const fs::path& path, const Descriptor& file, IfThere what) {
  const int error = rename_to(path, what);
  if (leads_to(path, file).value_or(error == 0)) return {};
  return core::Error(core::Reason::io_failed, error == 0 ? EEXIST : error);
}

core::Result<void> check_gone(const fs::path& path) noexcept {
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) return core::Error(core::Reason::io_failed, EEXIST);
  if (errno != ENOENT) return os_error();
  return {};
}

// Unless the segment stands, which another writer may have made: there may be one, where a file system cannot lock, or
// not for other machines. Asked first, so that nothing of its is touched, and again when writing has taken its time.
core::Result<Descriptor> put_keys(const fs::path& segment, core::ConstBytes key_block) {
  const fs::path keys = keys_path_of(segment);
  if (const auto gone = check_gone(segment); !gone) return gone.error();
  auto file = write_unfinished(keys, key_block);
  if (!file) return file;
  if (const auto gone = check_gone(segment); !gone) return gone.error();
  if (const auto done = put(keys, *file, IfThere::replace); !done) return done.error();
  return file;
}

bool take_away(const fs::path& path) noexcept { return ::unlink(path.c_str()) == 0 || errno == ENOENT; }

std::string file_name(std::uint64_t number, std::string_view suffix) {
  std::string digits = std::to_string(number);
  if (digits.size() < 10) digits.insert(0, 10 - digits.size(), '0');
  return digits.append(suffix);
}

}  // namespace

std::string segment_name(std::uint64_t number) { return file_name(number, segment_suffix); }
std::string keys_name(std::uint64_t number) { return file_name(number, keys_suffix); }
std::string checkpoints_name(std::uint64_t number) { return file_name(number, checkpoints_suffix); }
fs::path keys_path_of(const fs::path& segment) { return fs::path(segment).replace_extension(keys_suffix); }

std::vector<ListedSegment> list_segments(const fs::path& directory) { return list_numbered(directory, segment_suffix); }

std::vector<ListedSegment> list_numbered(const fs::path& directory, std::string_view suffix) {
  std::vector<ListedSegment> found;
  std::error_code failed;
  for (fs::directory_iterator file(directory, failed), end; !failed && file != end; file.increment(failed)) {
    const std::string name = file->path().filename().string();
    std::uint64_t number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    const bool possible = number > 0 && number <= max_segment_number;
    if (possible && name == file_name(number, suffix)) found.push_back({number, file->path()});
  }
  if (failed) throw std::runtime_error("cannot list " + directory.string() + ": " + failed.message());
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return found;
}

core::Result<std::unique_ptr<SegmentFile>> DirectoryStorage::create(std::uint64_t number, core::ConstBytes key_block,
                                                                    core::ConstBytes header) {
  if (number == made_) {
    if (const auto gone = remove_made(); !gone) return gone.error();
  }
  const fs::path keys = directory_ / keys_name(number), segment = directory_ / segment_name(number);
  const auto own_keys = put_keys(segment, key_block);
  if (!own_keys) return own_keys.error();
  if (const auto done = put_segment(number, header); !done) {
    // Alone it is the trace of a segment that was taken away; but it may be another writer's by now.
    if (check_gone(segment) && leads_to(keys, *own_keys).value_or(false)) ::unlink(keys.c_str());
    return done.error();
  }
  // The other put its key block there meanwhile, and then finds this segment in its way.
  if (!leads_to(keys, *own_keys).value_or(true)) {
    if (leads_to(segment, *made_file_).value_or(false)) ::unlink(segment.c_str());
    return core::Error(core::Reason::io_failed, EEXIST);
  }
  if (const auto synced = sync_directory(directory_); !synced) return synced.error();
  return std::unique_ptr<SegmentFile>(std::make_unique<AppendedFile>(made_file_, segment));
}

// Its number is taken for made before it is: where a network fails, that can be told only later.
core::Result<void> DirectoryStorage::put_segment(std::uint64_t number, core::ConstBytes header) {
  const fs::path segment = directory_ / segment_name(number);
  auto file = write_unfinished(segment, header);
  if (!file) return file.error();
  made_ = number;
  made_file_ = std::make_shared<const Descriptor>(std::move(*file));
  return put(segment, *made_file_, IfThere::keep);
}

// Both for good, before others come: a crash must not leave the old segment with the key block of the new one.
core::Result<void> DirectoryStorage::remove_made() {
  const fs::path segment = directory_ / segment_name(made_);
  const auto is_own = leads_to(segment, *made_file_);
  if (!is_own) return os_error();
  if (*is_own && (!take_away(segment) || !take_away(keys_path_of(segment)))) return os_error();
  made_ = 0;
  made_file_.reset();
  return sync_directory(directory_);
}

core::Result<void> replace_keys(const fs::path& segment, core::ConstBytes key_block) {
  const fs::path keys = keys_path_of(segment);
  struct stat old {};
  const bool known = ::lstat(keys.c_str(), &old) == 0 && S_ISREG(old.st_mode);
  const auto file = write_unfinished(keys, key_block);
  if (!file) return file.error();
  // Who could read the old one should read the new one; only root can give files away.
  if (known && ::fchown(file->number(), old.st_uid, old.st_gid) == 0)
    (void)::fchmod(file->number(), old.st_mode & 0777);
  if (::rename(unfinished(keys).c_str(), keys.c_str()) != 0) return os_error();
  return sync_directory(keys.parent_path().empty() ? "." : keys.parent_path());
}

FileSource::FileSource(const fs::path& path) : file_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (!file_.is_open()) throw std::system_error(errno, std::generic_category(), path.string());
  struct stat found {};
  if (::fstat(file_.number(), &found) == 0 && S_ISREG(found.st_mode)) return;
  throw std::system_error(EINVAL, std::generic_category(), path.string() + " is not a file");  // a pipe would block
}

std::size_t FileSource::read(std::uint64_t offset, core::MutableBytes into) {
  const auto got = core::read_at(file_, offset, into);
  if (!got) throw std::system_error(got.error().os_code, std::generic_category(), "cannot read a segment");
  return *got;
}

void FileSource::forget() noexcept { ::posix_fadvise(file_.number(), 0, 0, POSIX_FADV_DONTNEED); }

// First for reading: the file may be one that nobody may write any more. Then for writing, because there are file
// systems that sync only through such a descriptor, and never through a link that somebody put there. fsync(2) has
// errors that say nothing of the disk (EINVAL, EROFS), and network file systems have more.
core::Result<void> sync_written(const fs::path& path) {
  for (const int access : {O_RDONLY, O_WRONLY | O_NOFOLLOW}) {
    const Descriptor opened(::open(path.c_str(), access | O_NONBLOCK | O_CLOEXEC));
    if (!opened.is_open()) break;
    if (::fdatasync(opened.number()) == 0) break;
    if (disk_refuses(errno)) return os_error();
  }
  return {};
}

core::Result<Descriptor> append_to(const fs::path& path, core::ConstBytes bytes) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, file_mode));
  if (!file.is_open()) return os_error();
  if (const auto written = write_all(file.number(), bytes); !written) return written.error();
  return file;
}

core::Result<void> sync_appended(const Descriptor& file) noexcept {
  while (::fdatasync(file.number()) != 0) {
    if (errno == EINTR) continue;
    const bool never_syncs = errno == EINVAL || errno == EROFS || errno == ENOSYS || errno == EOPNOTSUPP;
    return never_syncs ? core::Result<void>{} : os_error();
  }
  return {};
}

core::Bytes read_whole(const fs::path& path, std::size_t limit, const char* too_large) {
  FileSource file(path);
  const std::size_t size = fs::file_size(path);
  if (size > limit) throw std::runtime_error(path.string() + ' ' + too_large);
  core::Bytes bytes(size);
  bytes.resize(file.read(0, bytes));
  return bytes;
}

}  // namespace sallyport::logging
