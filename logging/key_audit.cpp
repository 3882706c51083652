#include "logging/key_audit.hpp"

#include <algorithm>

#include "logging/frame_shape.hpp"
#include "logging/json_text.hpp"

namespace sallyport::logging {

namespace {

FindingKind finding_of(UnlockProblem problem) noexcept {
  switch (problem) {
    case UnlockProblem::keys_missing:
      return FindingKind::keys_missing;
    case UnlockProblem::keys_malformed:
    case UnlockProblem::keys_too_many:
      return FindingKind::keys_malformed;
    case UnlockProblem::keys_foreign:
      return FindingKind::keys_foreign;
    case UnlockProblem::not_a_recipient:
      return FindingKind::not_a_recipient;
    case UnlockProblem::keys_swapped:
      return FindingKind::keys_swapped;
    case UnlockProblem::none:
    case UnlockProblem::unwrap_failed:
    case UnlockProblem::keys_altered:
      break;
  }
  return FindingKind::keys_altered;
}

bool is_block_readable(UnlockProblem problem) noexcept {
  return problem == UnlockProblem::none || problem > UnlockProblem::keys_foreign;
}

}  // namespace

KeyAudit::KeyAudit(const std::filesystem::path& segment, const ParsedHeader& header, envelope::KeyHolder* holder) {
  if (holder != nullptr) {
    open(segment, header, *holder);
  } else {
    const UnlockProblem problem = read_key_block(segment, header.header.id, block_);
    readable_ = is_block_readable(problem);
    find(problem);
  }
  if (readable_) judge_tenants(header, holder != nullptr);
}

void KeyAudit::open(const std::filesystem::path& segment, const ParsedHeader& header, envelope::KeyHolder& holder) {
  Unlocked unlocked;
  const UnlockProblem problem = unlock(segment, header, holder, unlocked);
  block_ = std::move(unlocked.block);
  readable_ = is_block_readable(problem);
  opens_segment_ = problem == UnlockProblem::none || problem == UnlockProblem::keys_altered;
  genuine_ = problem == UnlockProblem::none;
  // Whoever reads a tenant's content alone is no recipient of the segment, and need not be.
  const bool tenants_alone = problem == UnlockProblem::not_a_recipient;
  const auto tenants = opens_segment_ || tenants_alone ? unlock_tenants(header, block_, holder) : OpenedTenants{};
  if (opens_segment_) {
    opener_.emplace(header.header.id, unlocked.keys);
  } else if (!tenants.tenants.empty()) {
    opener_.emplace(header.header.id);
  }
  for (const OpenedTenant& tenant : tenants.tenants) {
    opener_->add(tenant.number, tenant.root);
    opened_.push_back(tenant.name);
  }
  find(tenants_alone ? tenants.problem : problem);
  if (problem == UnlockProblem::none && tenants.problem != UnlockProblem::not_a_recipient) find(tenants.problem);
}

void KeyAudit::find(UnlockProblem problem) {
  if (problem != UnlockProblem::none) findings_.push_back({finding_of(problem), std::string(words(problem))});
}

// What the block says of the keys that the header commits to.
void KeyAudit::judge_tenants(const ParsedHeader& header, bool with_key) {
  for (const TenantKey& tenant : header.tenants) {
    const auto opens = [&](const std::string& name) {
      return std::find(opened_.begin(), opened_.end(), name) != opened_.end();
    };
    const std::string whose = "the content key of tenant \"" + tenant.name + "\"";
    switch (state_of(block_, tenant.number)) {
      case TenantKeyState::wrapped:
        if (with_key && !opens(tenant.name)) closed_.push_back(tenant.name);
        break;
      case TenantKeyState::erased: {
        std::string said = whose + " was erased at ";
        append_time(said,
                    core::WallTime(core::Duration(static_cast<core::Duration::rep>(erased_at(block_, tenant.number)))));
        findings_.push_back({FindingKind::erased, std::move(said), genuine_});
        break;
      }
      case TenantKeyState::missing:
        findings_.push_back(
            {FindingKind::keys_missing, whose + " is wrapped to nobody, and nothing says that it was erased"});
        break;
    }
  }
}

bool KeyAudit::finds_forged(const FrameWalker& walker) {
  if (!opener_ || is_genuine(walker)) return false;
  opener_.reset();
  return true;
}

// Every part that can be opened must open; those that cannot must be what belongs in their place, which for the kinds
// up to segment_end includes one under the segment's key: a tenant has its content's key, and could seal frames of its
// own. The flag that says "pass over" counts for nothing here: whoever forges a frame can set it.
bool KeyAudit::is_genuine(const FrameWalker& walker) {
  const std::vector<TenantKey>& tenants = walker.header().tenants;
  const auto parts = parts_of(walker.frame());
  if (!parts || !fits_kind(walker.head().kind, *parts, tenants)) return false;
  const TenantKey* tenant = has_record(walker.head().kind) ? tenant_in(*parts, tenants) : nullptr;
  for (const PartView& part : *parts) {
    if (!opener_->can_open(part.head)) continue;
    const auto plain = opener_->open(walker.frame(), walker.chain_before(), part);
    if (!plain) return false;
    const bool record = part.head.type == PartType::record;
    if (record && tenant != nullptr && !is_of_tenant(core::text_of(*plain), tenant->name)) return false;
  }
  return true;
}

void TenantAudit::take(const KeyAudit& keys, std::uint64_t segment) {
  opens_segments_ = opens_segments_ || keys.opens_segment();
  opened_.insert(keys.opened().begin(), keys.opened().end());
  for (const std::string& tenant : keys.closed()) closed_in_[tenant].insert(segment);
}

bool TenantAudit::something_is_for_it(std::uint64_t segment) const {
  return std::any_of(opened_.begin(), opened_.end(), [&](const std::string& name) {
    const auto closed = closed_in_.find(name);
    return closed != closed_in_.end() && closed->second.contains(segment);
  });
}

void TenantAudit::settle(LogReport& report) const {
  for (const auto& [tenant, segments] : closed_in_) report.closed_tenants.push_back(tenant);
  if (opens_segments_ || opened_.empty()) return;
  report.opened_tenants.assign(opened_.begin(), opened_.end());
  std::erase_if(report.findings, [&](const Finding& finding) {
    return finding.kind == FindingKind::not_a_recipient && !something_is_for_it(finding.segment);
  });
}

}  // namespace sallyport::logging
