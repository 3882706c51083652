#include "logging/rewrap.hpp"

#include <algorithm>
#include <cstring>

#include "logging/byte_codec.hpp"
#include "logging/frame_walker.hpp"
#include "logging/segment_opener.hpp"
#include "logging/storage.hpp"

namespace sallyport::logging {

namespace {

// Whether some entry for the key of that number is of this name.
bool names(const KeyBlock& block, KeyNumber number, std::string_view recipient_id) {
  return std::any_of(block.entries.begin(), block.entries.end(),
                     [&](const auto& e) { return e.key == number && e.recipient_id == recipient_id; });
}

// By the names in the block, which only a key that opens it could prove.
bool stands(const RewrapPlan& plan, const KeyBlock& block, KeyNumber number) {
  return std::none_of(plan.remove.begin(), plan.remove.end(),
                      [&](const auto& id) { return names(block, number, id); }) &&
         std::all_of(plan.add.begin(), plan.add.end(), [&](const auto& one) { return names(block, number, one.id()); });
}

bool mixes_kinds(const KeyBlock& block, KeyNumber number) {
  std::vector<envelope::Suite> suites;
  for (const KeyEntry& entry : block.entries) {
    if (entry.key == number) suites.push_back(static_cast<envelope::Suite>(entry.suite));
  }
  return envelope::mixes_kinds(suites);
}

bool anyone_opens(const KeyBlock& block, KeyNumber number) {
  return std::any_of(block.entries.begin(), block.entries.end(), [&](const auto& e) { return e.key == number; });
}

// The segment's own key, or that of a tenant's content.
std::optional<KeyNumber> number_of(const ParsedHeader& header, const std::string& tenant) {
  if (tenant.empty()) return metadata_key;
  for (const TenantKey& key : header.tenants) {
    if (key.name == tenant) return key.number;
  }
  return std::nullopt;
}

// One segment's key block, opened, changed and put back.
class Rewrapping {
 public:
  Rewrapping(const std::filesystem::path& segment, envelope::KeyHolder& holder)
      : segment_(segment), holder_(holder), source_(segment), walker_(source_) {}

  RewrapResult rewrap(const RewrapPlan& plan) {
    if (auto refused = find(plan.tenant)) return *refused;
    const UnlockProblem problem = unlock(segment_, walker_.header(), holder_, unlocked_);
    // The run that took the holder's own key away may be repeated with that key.
    if (problem == UnlockProblem::not_a_recipient && !plan.add.empty() && stands(plan, block_, number_)) {
      return {Rewrapped::as_wanted, {}};
    }
    if (problem != UnlockProblem::none) return not_opened(problem);
    if (is_erased()) return {Rewrapped::as_wanted, {}};
    const std::size_t before = block_.entries.size();
    if (auto refused = add(plan)) return *refused;
    const bool added = block_.entries.size() > before;
    const std::size_t removed = std::erase_if(block_.entries, [&](const KeyEntry& entry) {
      return entry.key == number_ &&
             std::find(plan.remove.begin(), plan.remove.end(), entry.recipient_id) != plan.remove.end();
    });
    if (!added && removed == 0) return {Rewrapped::as_wanted, {}};
    if (!anyone_opens(block_, number_)) {
      return {Rewrapped::none_left, "without these recipients nobody could open it"};
    }
    if (!plan.allow_mixed && mixes_kinds(block_, number_)) {
      return {Rewrapped::mixed, "it would have post-quantum and classical recipients, and be as strong as the weakest"};
    }
    return put_back();
  }

  RewrapResult erase(const std::string& tenant, core::WallTime now) {
    if (auto refused = find(tenant)) return *refused;
    const UnlockProblem problem = unlock(segment_, walker_.header(), holder_, unlocked_);
    if (problem != UnlockProblem::none) return not_opened(problem);
    if (is_erased()) return {Rewrapped::as_wanted, {}};
    std::erase_if(block_.entries, [&](const KeyEntry& entry) { return entry.key == number_; });
    KeyEntry& erased = block_.entries.emplace_back(KeyEntry{number_, erased_suite, {}, core::Bytes(8)});
    store(erased.wrapped.data(), static_cast<std::uint64_t>(now.time_since_epoch().count()));
    return put_back();
  }

 private:
  // Which key is meant.
  std::optional<RewrapResult> find(const std::string& tenant) {
    if (const auto problem = walker_.open(); problem != HeaderProblem::none) {
      return RewrapResult{Rewrapped::not_opened, std::string(words(problem))};
    }
    const auto number = number_of(walker_.header(), tenant);
    if (!number) return RewrapResult{Rewrapped::not_there, {}};
    number_ = *number;
    return std::nullopt;
  }

  // An altered key block is not carried on under a new MAC: whoever altered it would have been proven right.
  static RewrapResult not_opened(UnlockProblem problem) {
    const bool gone = problem == UnlockProblem::keys_missing;
    return {gone ? Rewrapped::gone : Rewrapped::not_opened, std::string(words(problem))};
  }

  bool is_erased() const { return is_tenant_key(number_) && state_of(block_, number_) == TenantKeyState::erased; }

  std::optional<RewrapResult> add(const RewrapPlan& plan) {
    core::Secret key;
    for (const envelope::Recipient& recipient : plan.add) {
      if (names(block_, number_, recipient.id())) continue;
      if (key.empty()) key = take_key();
      if (key.empty()) return RewrapResult{Rewrapped::not_opened, "the tenant's content is sealed to other keys"};
      block_.entries.push_back(wrap_key(recipient, block_.segment, number_, key));
    }
    return std::nullopt;
  }

  // Empty for a tenant's key that the holder does not open.
  core::Secret take_key() {
    if (number_ == metadata_key) return unlocked_.segment_key.copy();
    for (OpenedTenant& tenant : unlock_tenants(walker_.header(), block_, holder_).tenants) {
      if (tenant.number == number_) return std::move(tenant.key);
    }
    return {};
  }

  RewrapResult put_back() {
    block_.generation += 1;
    block_.mac = key_block_mac(unlocked_.keys, block_);
    const core::Bytes encoded = encode_key_block(block_);
    if (block_.entries.size() > max_recipients || encoded.size() > max_key_block_size) {
      return {Rewrapped::not_written, "it would have more recipients than fit"};
    }
    if (const auto replaced = replace_keys(segment_, encoded); !replaced) {
      return {Rewrapped::not_written, std::strerror(replaced.error().os_code)};
    }
    if (!std::filesystem::exists(segment_)) std::filesystem::remove(keys_path_of(segment_));
    return {Rewrapped::done, {}};
  }

  const std::filesystem::path& segment_;
  envelope::KeyHolder& holder_;
  FileSource source_;
  FrameWalker walker_;
  KeyNumber number_ = metadata_key;
  Unlocked unlocked_;
  KeyBlock& block_ = unlocked_.block;
};

}  // namespace

RewrapResult rewrap_segment(const std::filesystem::path& segment, envelope::KeyHolder& holder, const RewrapPlan& plan) {
  return Rewrapping(segment, holder).rewrap(plan);
}

RewrapResult erase_tenant(const std::filesystem::path& segment, envelope::KeyHolder& holder, const std::string& tenant,
                          core::WallTime now) {
  return Rewrapping(segment, holder).erase(tenant, now);
}

}  // namespace sallyport::logging
