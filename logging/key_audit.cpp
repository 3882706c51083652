#include "logging/key_audit.hpp"

#include <vector>

namespace sallyport::logging {

KeyAudit::KeyAudit(const std::filesystem::path& segment, const ParsedHeader& header, envelope::KeyHolder* holder) {
  const SegmentId& id = header.header.id;
  if (holder == nullptr) {
    KeyBlock block;
    problem_ = read_key_block(segment, id, block);
    return;
  }
  SegmentKeys keys;
  problem_ = unlock(segment, header, *holder, keys);
  if (problem_ == UnlockProblem::none || problem_ == UnlockProblem::keys_altered) opener_.emplace(id, keys);
}

std::optional<FindingKind> KeyAudit::finding() const noexcept {
  switch (problem_) {
    case UnlockProblem::none:
      return std::nullopt;
    case UnlockProblem::keys_missing:
      return FindingKind::keys_missing;
    case UnlockProblem::keys_malformed:
      return FindingKind::keys_malformed;
    case UnlockProblem::keys_foreign:
      return FindingKind::keys_foreign;
    case UnlockProblem::not_a_recipient:
      return FindingKind::not_a_recipient;
    case UnlockProblem::keys_swapped:
      return FindingKind::keys_swapped;
    case UnlockProblem::unwrap_failed:
    case UnlockProblem::keys_altered:
      return FindingKind::keys_altered;
  }
  return std::nullopt;
}

// Every part this key can open must open, and there must be one, save in kinds that are signed or unknown. The flag
// that says "pass over" counts for nothing here: whoever forges a frame can set it.
bool KeyAudit::finds_forged(const FrameWalker& walker) {
  if (!opener_) return false;
  const auto parts = parts_of(walker.frame());
  bool proven = walker.head().kind > FrameKind::segment_end;
  for (const PartView& part : parts.value_or(std::vector<PartView>{})) {
    if (!PartOpener::can_open(part.head)) continue;
    proven = opener_->open(walker.frame(), walker.chain_before(), part).has_value();
    if (!proven) break;
  }
  if (!proven) opener_.reset();
  return !proven;
}

}  // namespace sallyport::logging
