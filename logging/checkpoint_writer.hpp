// Signs how far the log goes, and hands what was signed to its second places. Used by the log's own thread, but for
// what is said to be for any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "logging/checkpoint.hpp"
#include "logging/sealed_log.hpp"
#include "logging/second_place.hpp"

namespace sallyport::logging {

// For the directory: some 6 MB, and at an interval of five seconds nearly a day.
inline constexpr std::size_t max_waiting_checkpoints = 16 * 1024;

class CheckpointWriter {
 public:
  CheckpointWriter(const LogSettings& settings, const core::Clock& clock);

  bool on() const noexcept { return settings_.signer.has_value(); }
  bool outside() const noexcept { return directory_ || command_; }
  core::Duration until_due() const;  // never, while it is not on
  core::Bytes header_extension() const;

  // A checkpoint of segment `number`, standing as `at` says. Its copy waits for keep() or drop().
  std::string sign(std::uint64_t number, const SegmentLink& at);
  std::string sign_removed(std::uint64_t last, const SegmentId& last_id, std::string_view reason) const;
  bool waiting() const noexcept { return !waiting_.empty(); }
  void keep();  // what they speak of is on disk: the copies go to the second places
  void drop() noexcept { waiting_.clear(); }
  void end();  // the second places have the last ones, or have had their time

  std::uint64_t kept() const noexcept { return kept_; }
  std::optional<core::WallTime> last() const noexcept { return last_; }  // when it was signed
  SecondPlaceState directory_state() const;                              // from any thread; so the next
  SecondPlaceState command_state() const;

 private:
  const CheckpointSettings& settings_;
  const std::string& origin_;
  const core::Clock& clock_;
  core::TimePoint due_;
  std::vector<SignedCheckpoint> waiting_;
  std::uint64_t kept_ = 0;
  std::optional<core::WallTime> last_;
  const std::shared_ptr<LastFault> directory_fault_ = std::make_shared<LastFault>();
  std::optional<SecondPlace> directory_, command_;
};

}  // namespace sallyport::logging
