// Walks a live log: the frames of every segment that a key opens, in order, while its gateway appends to the last one,
// starts another, and removes the oldest. Knows segments and nothing of what their frames hold.
#pragma once

#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "envelope/key_holder.hpp"
#include "logging/frame_walker.hpp"
#include "logging/live_log.hpp"
#include "logging/reader_keys.hpp"
#include "logging/reader_report.hpp"

namespace sallyport::logging {

// An exchange stands in the log where it ended, so what started before a moment may stand this long behind it.
inline constexpr core::Duration longest_exchange = std::chrono::hours(24);

// Where reading starts and ends. Exchanges that began before the start are shown as cut.
struct ReadFrom {
  std::optional<core::WallTime> since;    // segments that hold nothing started later are passed over unread
  std::uint64_t segment = 0;              // segments of a lower number too
  std::optional<core::WallTime> until{};  // ends before the first segment that is younger by longest_exchange
};

class LogWalker {
 public:
  // `report` hears of each place that cannot be read, once, of what may be missing there, and of segments that the
  // gateway removed meanwhile. Throws std::runtime_error when the directory cannot be read or holds no segment.
  LogWalker(std::filesystem::path directory, envelope::KeyHolder& holder, ReaderReport& report, ReadFrom from);

  enum class Step : std::uint8_t {
    frame,     // one more, whole and in its place in the chain; its parts were not looked at
    replaced,  // another segment has come in the place of segment(): its frames follow, and none that came of it count
    end,       // there are no more yet; next() may be called again
  };
  Step next();

  // Of that frame; valid until the next call.
  std::uint64_t segment() const noexcept { return segment_; }
  const FrameWalker& frames() const noexcept { return open_->walker; }  // of its segment, at that frame
  PartOpener& opener() noexcept { return *open_->parts; }
  const PartOpener& opener() const noexcept { return *open_->parts; }
  // It is not authentic, or does not hold what belongs in it. After too many the rest of its segment is not read.
  void reject_frame();

  ReaderKeys& keys() noexcept { return keys_; }  // of all segments that were opened
  const ReaderKeys& keys() const noexcept { return keys_; }
  void say_gone(std::uint64_t segment);  // unless its gateway says, signed, that it was removed
  std::uint64_t segments_opened() const noexcept { return opened_; }

 private:
  struct Open {
    explicit Open(const ListedSegment& segment) : source(segment.path), walker(source) {}

    FileSource source;
    FrameWalker walker;
    std::optional<PartOpener> parts;
    // Frames past what the successor declares were never vouched for: what they say may stand in the successor too.
    std::uint64_t declared_frames = std::numeric_limits<std::uint64_t>::max();
    unsigned rejected = 0;
    bool damaged = false;    // said already
    bool last_look = false;  // a successor is there, so whatever is read now is all there will be
  };

  bool advance();  // to the next segment that opens; false: there is none yet
  void list();
  std::optional<ListedSegment> following();  // the first segment behind the last one
  bool open(const ListedSegment& segment);
  enum class Past { no, yes, claimed };
  Past is_past_end(const ListedSegment& segment);
  bool over();  // the open segment gives no more frames, and another follows
  bool was_replaced() const;
  void check_end(const ListedSegment& successor);  // does the open segment end where its successor says?
  void miss_segments(std::uint64_t first,
                     std::uint64_t last);  // segments that are not there, or that are being removed
  void say(const std::vector<ReaderKeys::Trouble>& troubles);

  std::filesystem::path directory_;
  ReaderReport& report_;
  ReaderKeys keys_;
  ReadFrom from_;
  std::vector<ListedSegment> listed_;
  std::uint64_t newest_;  // segment of any listing
  Removals removals_;
  std::unique_ptr<Open> open_;
  std::uint64_t segment_ = 0;  // that was opened last
  std::uint64_t last_ = 0;     // number of the segment that was opened, or passed over, last
  std::uint64_t opened_ = 0;
  std::uint64_t doubtful_ = 0;  // the first segment that was passed over because it claims to be past the end
};

}  // namespace sallyport::logging
