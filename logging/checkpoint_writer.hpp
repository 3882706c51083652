// Signs how far the log goes, and hands what was signed to its second places. Used by the log's own thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "logging/checkpoint.hpp"
#include "logging/checkpoint_command.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::logging {

class CheckpointWriter {
 public:
  CheckpointWriter(const CheckpointSettings& settings, std::string origin, const core::Clock& clock);

  bool on() const noexcept { return settings_.signer.has_value(); }
  bool outside() const noexcept { return !settings_.directory.empty() || command_.has_value(); }
  core::Duration until_due() const;  // never, while it is not on
  core::Bytes header_extension() const;

  // A checkpoint of segment `number`, standing as `at` says. Its copy waits for keep() or drop().
  std::string sign(std::uint64_t number, const SegmentLink& at);
  std::string sign_removed(std::uint64_t last, const SegmentId& last_id, std::string_view reason) const;
  bool waiting() const noexcept { return !waiting_.empty(); }
  void keep();  // what they speak of is on disk: the copies go to the second place
  void drop() noexcept { waiting_.clear(); }

  std::uint64_t written() const noexcept { return written_; }
  std::uint64_t errors() const noexcept { return errors_; }              // of the directory
  bool copies_fail() const noexcept { return copies_fail_; }             // so it was with the last
  std::optional<core::WallTime> last() const noexcept { return last_; }  // when it was signed
  CheckpointCommandState command_state() const;                          // from any thread

 private:
  struct Copy {
    std::uint64_t segment = 0;
    std::string note;
    core::WallTime signed_at;
  };
  bool append(const Copy& copy);

  const CheckpointSettings& settings_;
  const std::string origin_;
  const core::Clock& clock_;
  core::TimePoint due_;
  std::vector<Copy> waiting_;
  bool copies_fail_ = false;
  std::uint64_t written_ = 0, errors_ = 0;
  std::optional<core::WallTime> last_;
  std::optional<CheckpointCommand> command_;
};

}  // namespace sallyport::logging
