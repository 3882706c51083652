// Verifies a log in a directory, offline, on a copy. Without a key it follows names, links and chains; with one it also
// checks that every frame was sealed by a holder of the segment's key.
//
// What no check here can find, because the chain is unkeyed: someone who can write the directory and recomputes the
// chain of the last segments, or removes them (docs/log-format.md, "What verification proves").
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "envelope/key_holder.hpp"
#include "logging/format.hpp"

namespace sallyport::logging {

enum class FindingKind : std::uint8_t {
  // Declared states: said, and no reason for distrust.
  torn_declared,  // the segment ended in a crash or a failed write, and its successor says where
  gap_declared,   // the writer lost records and says how many
  open,           // the last segment is being written now
  // Problems.
  unsealed,    // the last segment ends without its end frame, and nobody is writing it
  torn,        // so, in the middle of a frame
  missing,     // a segment is not there
  misplaced,   // a segment stands under another's name
  duplicated,  // a segment is there twice
  foreign,     // a segment of another log
  wrong_link,  // a segment that does not follow the one before it
  unreadable,  // a segment's header is cut, altered or of an unknown version
  truncated,   // a segment ends before the place that its successor declares
  altered,     // a frame's bytes, or the segment as a whole, are not what was chained
  frames_missing,
  frames_repeated,
  frames_reordered,
  trailing,      // bytes after the clean end
  keys_missing,  // the key block is not there
  keys_malformed,
  keys_foreign,     // it belongs to another segment
  not_a_recipient,  // with a key: it is not for this segment
  keys_swapped,     // with a key: it opens to a key the header is not committed to
  keys_altered,     // with a key: its MAC, or its entry for this key, is wrong
  forged,           // with a key: a frame was not sealed with the segment's key
};
std::string_view name(FindingKind kind) noexcept;  // "torn-declared", for scripts
bool is_problem(FindingKind kind) noexcept;

struct Finding {
  FindingKind kind{};
  std::uint64_t segment = 0;  // by file name
  std::optional<std::uint64_t> frame, byte;
  std::string words;
};

struct SegmentReport {
  std::uint64_t number = 0;
  std::filesystem::path path;
  std::uint64_t frames = 0, records = 0, bytes = 0, lost = 0;  // as far as they could be followed
  bool sealed = false;                                         // it has its clean end
};

struct LogReport {
  std::string origin;
  std::vector<SegmentReport> segments;
  std::vector<Finding> findings;
  bool good() const noexcept;  // no problem among the findings
};

// `holder`: null to verify without a key. Throws std::runtime_error when the directory cannot be read or holds no log.
LogReport verify_log(const std::filesystem::path& directory, envelope::KeyHolder* holder = nullptr);

}  // namespace sallyport::logging
