// The chain of segments on disk, from its writing end: seals items into the open segment, rotates, and after a failed
// write goes on in a new segment. Used by one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "logging/checkpoint_writer.hpp"
#include "logging/log_queue.hpp"
#include "logging/log_readers.hpp"
#include "logging/segment_remover.hpp"
#include "logging/segment_writer.hpp"
#include "logging/storage.hpp"

namespace sallyport::logging {

// How the log in a directory ended: what the next segment links to.
struct LogEnd {
  std::uint64_t number = 0;  // of the last segment; 0: the directory is empty
  SegmentLink link;
};
// Throws std::runtime_error when the directory holds the log of another origin, or cannot be read.
LogEnd find_end(const std::filesystem::path& directory, const std::string& origin);

class LogAppender {
 public:
  // set_readers() comes before anything else.
  // `wake` is called, from another thread, when retire() has something to do.
  LogAppender(const LogSettings& settings, const core::Clock& clock, Storage& storage, LogEnd before,
              std::function<void()> wake);

  // Each returns an error when the disk refused. Then the open segment is abandoned, what was sealed after the last
  // success must be sealed again (see vouched()), and the next prepare() starts a new segment.
  core::Result<void> prepare(std::size_t next_item);  // an open segment with room, by size, age and recipients
  core::Result<void> commit();                        // writes what is pending, to the durability promised; signs
  core::Result<void> retire();                        // signs for what has had its time; another thread removes it
  core::Result<void> close();                         // the clean end
  core::Result<void> check_file();                    // the open segment's is where it was put; io_failed: it is not

  void end_others();  // after close(): the second places have the last checkpoints, or their time is up
  bool removal_ended() const noexcept;  // after end_others(): nothing keeps the destructor waiting

  void seal(const LogItem& item);  // prepare() first
  bool full() const noexcept;      // enough is pending to be worth a write
  bool has_key(KeyNumber key) const noexcept { return segment_ && segment_->has_key(key); }
  void set_readers(SegmentReaders readers);

  // Items sealed that are safe: written, or synced where that is the promise. Counts up for ever.
  std::uint64_t vouched() const noexcept { return vouched_; }
  std::uint64_t number() const noexcept { return number_; }  // of the open segment, or of the last
  std::uint64_t at() const noexcept { return at_; }          // of the segment last written to or tried; any thread
  std::uint64_t segments() const noexcept { return segments_; }
  std::uint64_t frames() const noexcept { return frames_; }
  std::uint64_t bytes() const noexcept { return bytes_; }
  RetentionState retention() const;  // from any thread
  const CheckpointWriter& checkpoints() const noexcept { return checkpoints_; }

 private:
  core::Result<void> start();
  core::Result<void> write(bool sync);
  void abandon();
  void sign();  // a checkpoint of what stands before it
  bool due(std::size_t next_item) const;

  const LogSettings& settings_;
  SegmentReaders readers_;
  const core::Clock& clock_;
  Storage& storage_;

  std::uint64_t number_;  // of the open segment, or of the last
  std::atomic<std::uint64_t> at_{0};
  SegmentLink previous_;  // what the open or next segment links to
  SegmentLink good_;      // the open segment, as far as it is vouched for
  std::unique_ptr<SegmentWriter> segment_;
  std::unique_ptr<SegmentFile> file_;
  std::optional<core::TimePoint> first_item_;  // of the open segment: its age counts from there
  core::TimePoint started_;                    // the open segment
  core::TimePoint next_retention_;
  core::WallTime created_;
  std::optional<SegmentRemover> remover_;
  CheckpointWriter checkpoints_;
  bool readers_changed_ = false;
  std::uint64_t sealed_ = 0, vouched_ = 0, segments_ = 0, frames_ = 0, bytes_ = 0;
};

}  // namespace sallyport::logging
