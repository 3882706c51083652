// Verifies a log in a directory, offline, on a copy. Without a key it follows names, links and chains; with one it also
// checks that every frame was sealed by a holder of the segment's key.
//
// What each of these can find and what it cannot: docs/log-format.md, "What verification proves".
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "envelope/key_holder.hpp"
#include "logging/format.hpp"
#include "logging/signed_note.hpp"

namespace sallyport::logging {

enum class FindingKind : std::uint8_t {
  // Declared states: said, and no reason for distrust.
  torn_declared,  // the segment ended in a crash or a failed write, and its successor says where
  gap_declared,   // the writer lost records and says how many
  open,           // the last segment is being written now
  removed,        // segments are gone, and a signed tombstone says so
  erased,         // a tenant's content key was taken out of the key block, which says so
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
  keys_missing,  // the key block is not there, or has nothing for a key that the header commits to
  keys_malformed,
  keys_foreign,       // it belongs to another segment
  not_a_recipient,    // with a key: it is not for this segment
  keys_swapped,       // with a key: it opens to a key the header is not committed to
  keys_altered,       // with a key: its MAC, or its entry for this key, is wrong
  forged,             // with a key: a frame was not sealed with the segment's key
  wrong_signer,       // a checkpoint of a signer who is not one of those known
  checkpoint_forged,  // a checkpoint without a right signature
  fork,               // a genuine checkpoint of another log than this
  rolled_back,        // a genuine checkpoint, kept elsewhere, vouches for more than there is
  not_signed,         // no checkpoint vouches for it
};
std::string_view name(FindingKind kind) noexcept;  // "torn-declared", for scripts
bool is_problem(FindingKind kind) noexcept;

struct Finding {
  FindingKind kind{};
  std::uint64_t segment = 0;  // by file name
  std::optional<std::uint64_t> frame, byte;
  std::string words;
  bool proven = true;  // false of an erasure: on the key block's own word, which a key of the segment would prove
};

struct SegmentReport {
  std::uint64_t number = 0;
  std::uint64_t frames = 0, records = 0, bytes = 0, lost = 0;  // as far as they could be followed
  bool sealed = false;                                         // it has its clean end
};

// How far signed checkpoints vouch for the log.
struct SignedState {
  std::uint64_t segment = 0, frames = 0;
  std::string time;  // of the checkpoint that vouches for the most
};

struct LogReport {
  std::string origin;
  // With a key: the tenants whose content it opens in some segment, where it does not open the segment itself; and
  // those whose content it does not open, though somebody can. Sorted.
  std::vector<std::string> opened_tenants, closed_tenants;
  std::vector<std::string> signers;  // of the checkpoints, as text; when none was named, those that the log names
  bool signers_named = false;        // by the caller
  std::optional<SignedState> signed_state;
  std::vector<SegmentReport> segments;
  std::vector<Finding> findings;
  bool good() const noexcept;  // no problem among the findings
  void find(FindingKind kind, std::uint64_t segment, std::string words, std::optional<std::uint64_t> frame = {},
            std::optional<std::uint64_t> byte = {}) {
    findings.push_back({kind, segment, frame, byte, std::move(words)});
  }
};

struct VerifyOptions {
  envelope::KeyHolder* holder = nullptr;  // null: without a key
  std::vector<NoteVerifier> signers;      // who may sign; empty: whomever the segments' headers name, on their own word
  std::filesystem::path checkpoints;      // a directory of checkpoints kept elsewhere; empty: none
  std::filesystem::path since;            // a file of them, whose last one says where to begin; empty: none
};

// Throws std::runtime_error when a directory or file cannot be read, or holds nothing of the kind.
LogReport verify_log(const std::filesystem::path& directory, const VerifyOptions& options);
inline LogReport verify_log(const std::filesystem::path& directory, envelope::KeyHolder* holder = nullptr) {
  VerifyOptions options;
  options.holder = holder;
  return verify_log(directory, options);
}

}  // namespace sallyport::logging
