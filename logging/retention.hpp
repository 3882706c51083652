// Which segments have had their time, and their removal. Whole segments, oldest first, never the open one.
//
// A tombstone says that all segments up to one were removed because they had had their time. So neither file sizes nor
// headers are believed as they lie there (logging/proven_segment.hpp), and none is signed for that is not there. A
// start goes on behind whatever segment is last, and so makes it part of the chain, whoever put it there. So segments
// that neither the log's signer nor an earlier one vouches for count as no time and no room: they go with what these
// vouch for behind them. Nobody else's tombstones count.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "logging/format.hpp"
#include "logging/proven_segment.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::logging {

struct Removal {
  std::uint64_t last = 0;  // this one and all before it
  SegmentId last_id{};
  std::string_view reason;  // "age" or "size": static storage
};

// The segment being written.
struct OpenSegment {
  std::uint64_t number = 0, bytes = 0;
  ProvenSegment header;
  core::Duration open_for{};  // by a clock that does not jump
};

// The wall clock may be wrong by years when a machine starts, and nobody can tell: so age is the time that the log has
// seen pass. From segment to segment it is the clock's, but what a step has more than this is not believed, whether the
// clock jumped or nobody wrote.
inline constexpr core::Duration longest_step = std::chrono::hours(24);

class Retention {
 public:
  explicit Retention(const LogSettings& settings);

  // What is due, if all of it is there and is what was written; else fault() says why not. Only with a signer. Told to
  // stop it finds nothing. Throws std::exception when the directory or a segment cannot be read.
  std::optional<Removal> look(const OpenSegment& open, const std::stop_token& stop = {});
  const RetentionFault& fault() const noexcept { return fault_; }  // of the last look

  // Once the tombstone of a removal is on disk. As remove_segments().
  std::uint64_t remove(std::uint64_t last, const std::stop_token& stop = {});
  // The last segment that is signed for: what is left of those up to it is to be removed.
  std::uint64_t signed_for() const noexcept { return signed_for_; }

 private:
  struct Passed;  // from the open segment back to one
  bool prove_all(const OpenSegment& open, const std::stop_token& stop);
  std::optional<Removal> find_due(const OpenSegment& open);
  std::optional<Removal> due(std::uint64_t number, const ProvenSegment& next, const Passed& passed) const;
  const ProvenSegment* prove(std::uint64_t number, const SegmentLink& end, bool anew);
  void find_tombstone(const OpenSegment& open, std::uint64_t missing, const std::stop_token& stop);

  const LogSettings& settings_;
  std::vector<NoteVerifier> signers_;
  std::map<std::uint64_t, ProvenSegment> known_;  // by number, from earlier looks
  std::uint64_t gap_ = 0, searched_ = 0;          // from which segment to which no tombstone was found
  std::uint64_t signed_for_ = 0;
  RetentionFault fault_;
};

// Removes segments and key blocks up to `last`; gives how many segments. What an earlier call left goes too. Told to
// stop it leaves the rest for another call. Throws std::filesystem::filesystem_error.
std::uint64_t remove_segments(const std::filesystem::path& directory, std::uint64_t last,
                              const std::stop_token& stop = {});

}  // namespace sallyport::logging
