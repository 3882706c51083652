// Reading a log while its gateway removes segments: a signed tombstone is on disk first, then a segment's key block
// goes, then the segment (logging/retention.hpp). So what was listed may be gone, or half gone, when its turn comes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "envelope/key_holder.hpp"
#include "logging/format.hpp"
#include "logging/storage.hpp"

namespace sallyport::logging {

// Calls `look`. False: the segment is not there, or went meanwhile; then what `look` found of it, or threw because it
// had gone, counts for nothing.
template <class Look>
bool look_at(const std::filesystem::path& segment, Look look) {
  try {
    look();
  } catch (const std::system_error& failure) {
    if (failure.code() != std::errc::no_such_file_or_directory || std::filesystem::exists(segment)) throw;
    return false;
  }
  return std::filesystem::exists(segment);
}

// nullopt: it has none that can be read, or it has gone.
std::optional<ParsedHeader> header_of(const ListedSegment& segment);

// Whether a key that opens the segment proves its header: the segment's own key by the commitment, a tenant's by a part
// that it opens, which is bound to the chain from the header on. May block in the holder.
bool proves_header(const std::filesystem::path& segment, envelope::KeyHolder& holder);

// What a writer says that it removed, once somebody who reads its log finds a segment gone or at fault. Whoever can
// write the directory can put a signed tombstone there, so its signer must be named by a header that the reader's key
// proves.
class Removals {
 public:
  using Proves = std::function<bool(const std::filesystem::path& segment)>;  // as proves_header()

  Removals(std::filesystem::path directory, Proves proves)
      : directory_(std::move(directory)), proves_(std::move(proves)) {}

  // Whether a tombstone covers that segment. Reads segments from the newest back to one with a tombstone, or to where
  // it ended when it last looked. Throws as list_segments() and FileSource do.
  bool cover(std::uint64_t segment);
  std::uint64_t last() const noexcept { return last_; }  // that is covered, as far as was looked

 private:
  void look_for_tombstone();
  std::uint64_t removed_according_to(const ListedSegment& segment, const std::vector<ListedSegment>& all) const;
  bool is_proven(const ListedSegment& of, const SegmentHeader& header, const std::vector<ListedSegment>& all) const;

  std::filesystem::path directory_;
  Proves proves_;
  std::uint64_t last_ = 0;
  std::pair<std::uint64_t, std::uintmax_t> looked_{};  // how the log ended then: its last segment, and the size of it
};

}  // namespace sallyport::logging
