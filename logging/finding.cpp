#include <algorithm>

#include "logging/verify.hpp"

namespace sallyport::logging {

std::string_view name(FindingKind kind) noexcept {
  switch (kind) {
    case FindingKind::torn_declared:
      return "torn-declared";
    case FindingKind::gap_declared:
      return "gap-declared";
    case FindingKind::open:
      return "open";
    case FindingKind::removed:
      return "removed";
    case FindingKind::erased:
      return "erased";
    case FindingKind::unsealed:
      return "unsealed";
    case FindingKind::torn:
      return "torn";
    case FindingKind::missing:
      return "missing";
    case FindingKind::misplaced:
      return "misplaced";
    case FindingKind::duplicated:
      return "duplicated";
    case FindingKind::foreign:
      return "foreign";
    case FindingKind::wrong_link:
      return "wrong-link";
    case FindingKind::unreadable:
      return "unreadable";
    case FindingKind::truncated:
      return "truncated";
    case FindingKind::altered:
      return "altered";
    case FindingKind::frames_missing:
      return "frames-missing";
    case FindingKind::frames_repeated:
      return "frames-repeated";
    case FindingKind::frames_reordered:
      return "frames-reordered";
    case FindingKind::trailing:
      return "trailing";
    case FindingKind::keys_missing:
      return "keys-missing";
    case FindingKind::keys_malformed:
      return "keys-malformed";
    case FindingKind::keys_foreign:
      return "keys-foreign";
    case FindingKind::not_a_recipient:
      return "not-a-recipient";
    case FindingKind::keys_swapped:
      return "keys-swapped";
    case FindingKind::keys_altered:
      return "keys-altered";
    case FindingKind::forged:
      return "forged";
    case FindingKind::wrong_signer:
      return "wrong-signer";
    case FindingKind::checkpoint_forged:
      return "checkpoint-forged";
    case FindingKind::fork:
      return "fork";
    case FindingKind::rolled_back:
      return "rolled-back";
    case FindingKind::not_signed:
      return "unsigned";
  }
  return "";
}

bool is_problem(FindingKind kind) noexcept { return kind > FindingKind::erased; }

bool LogReport::good() const noexcept {
  return std::none_of(findings.begin(), findings.end(), [](const Finding& f) { return is_problem(f.kind); });
}

}  // namespace sallyport::logging
