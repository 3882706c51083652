// Where segments are kept: a directory of NUMBER.segment files, each with its NUMBER.keys.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/descriptor.hpp"
#include "core/result.hpp"

namespace sallyport::logging {

inline constexpr std::string_view segment_suffix = ".segment";
inline constexpr std::string_view keys_suffix = ".keys";
inline constexpr std::string_view unfinished_keys_suffix = ".keys.new";
inline constexpr std::string_view checkpoints_suffix = ".checkpoints";

// "0000000042.segment": ten digits, so that a plain listing is in order.
std::string segment_name(std::uint64_t number);
std::string keys_name(std::uint64_t number);
std::string checkpoints_name(std::uint64_t number);
std::filesystem::path keys_path_of(const std::filesystem::path& segment);

inline constexpr std::uint64_t max_segment_number = 0xffff'ffff;  // the upper half of an exchange's number

struct ListedSegment {
  std::uint64_t number = 0;  // by its name; its header may disagree
  std::filesystem::path path;
};
// In order of number; a file under another name than segment_name() gives is none of the log's. Throws
// std::runtime_error when the directory cannot be read.
std::vector<ListedSegment> list_segments(const std::filesystem::path& directory);
// So the log's other files, by what their names end in.
std::vector<ListedSegment> list_numbered(const std::filesystem::path& directory, std::string_view suffix);

// The writer's side, behind an interface so that a test can be a disk that fails. Errors: io_failed with errno.
class SegmentFile {
 public:
  virtual ~SegmentFile() = default;
  virtual core::Result<void> append(core::ConstBytes bytes) = 0;  // after an error some of them may stand there
  // fdatasync. Also after a failed append(), for what came before it; not to be tried again after an error of its own.
  virtual core::Result<void> sync() = 0;
  // After sync(), with nothing more to come. The gateway never reads a segment: let the next one have the memory that
  // the kernel keeps its bytes in, instead of pushing out what other programs need.
  virtual void forget() noexcept {}
  // False: its name does not lead to it any more. Somebody removed it, or removed or moved its directory, and what is
  // appended is lost.
  virtual bool in_place() const noexcept { return true; }
};

class Storage {
 public:
  virtual ~Storage() = default;
  // The key block first, then the segment with its header: each appears whole or not at all and is on disk (fsync)
  // before this returns, so no record is ever sealed under a key that nobody can unwrap. The number is new, or that of
  // the last call, whose segment is replaced.
  virtual core::Result<std::unique_ptr<SegmentFile>> create(std::uint64_t number, core::ConstBytes key_block,
                                                            core::ConstBytes header) = 0;
};

class DirectoryStorage final : public Storage {
 public:
  explicit DirectoryStorage(std::filesystem::path directory) : directory_(std::move(directory)) {}
  core::Result<std::unique_ptr<SegmentFile>> create(std::uint64_t number, core::ConstBytes key_block,
                                                    core::ConstBytes header) override;

 private:
  core::Result<void> put_segment(std::uint64_t number, core::ConstBytes header);
  core::Result<void> remove_made();

  std::filesystem::path directory_;
  // The segment that was put last, or may have been put: no other's is ever replaced.
  std::uint64_t made_ = 0;
  std::shared_ptr<const core::Descriptor> made_file_;
};

// Another key block in the place of a segment's own: at every moment one of the two is there, whole. Errors: io_failed.
core::Result<void> replace_keys(const std::filesystem::path& segment, core::ConstBytes key_block);

// Bytes that can be read at any place.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fewer than asked for only at the end. Throws std::system_error when the file cannot be read.
  virtual std::size_t read(std::uint64_t offset, core::MutableBytes into) = 0;
};

class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::filesystem::path& path);  // throws std::system_error
  std::size_t read(std::uint64_t offset, core::MutableBytes into) override;
  void forget() noexcept;  // that it was read: the kernel may have the memory back

 private:
  core::Descriptor file_;
};

// What a file, or a directory, has by now is on disk when this returns, whoever wrote it; as far as the file system can
// do that through what this process may open. Errors: io_failed, where the disk refuses.
core::Result<void> sync_written(const std::filesystem::path& path);

// Appends to a file that is made if it is not there. Errors: io_failed; some of the bytes may stand there then.
core::Result<core::Descriptor> append_to(const std::filesystem::path& path, core::ConstBytes bytes);
// What was appended is on disk then, as far as the file system can do that. Errors: io_failed.
core::Result<void> sync_appended(const core::Descriptor& file) noexcept;

// A whole small file. Throws std::system_error; std::runtime_error with these words when it is larger than `limit`.
core::Bytes read_whole(const std::filesystem::path& path, std::size_t limit,
                       const char* too_large = "is larger than such a file can be");

}  // namespace sallyport::logging
