// Whether a segment's key block is sound and, with a key, whether its frames were sealed with the segment's key.
#pragma once

#include <filesystem>
#include <optional>

#include "envelope/key_holder.hpp"
#include "logging/frame_walker.hpp"
#include "logging/segment_opener.hpp"
#include "logging/verify.hpp"

namespace sallyport::logging {

class KeyAudit {
 public:
  // `holder`: null without a key. May block in it.
  KeyAudit(const std::filesystem::path& segment, const ParsedHeader& header, envelope::KeyHolder* holder);

  UnlockProblem problem() const noexcept { return problem_; }
  std::optional<FindingKind> finding() const noexcept;  // the same, as a finding

  // Of the walker's frame. True once at most: one such finding a segment is enough.
  bool finds_forged(const FrameWalker& walker);

 private:
  UnlockProblem problem_ = UnlockProblem::none;
  std::optional<PartOpener> opener_;
};

}  // namespace sallyport::logging
