#include "logging/rewrap.hpp"

#include <algorithm>
#include <cstring>

#include "logging/frame_walker.hpp"
#include "logging/segment_opener.hpp"
#include "logging/storage.hpp"

namespace sallyport::logging {

namespace {

bool is_for(const KeyEntry& entry, std::string_view recipient_id) {
  return entry.key == metadata_key && entry.recipient_id == recipient_id;
}

bool mixes_kinds(const std::vector<KeyEntry>& entries) {
  return envelope::mixes_kinds(entries,
                               [](const KeyEntry& entry) { return static_cast<envelope::Suite>(entry.suite); });
}

bool names(const KeyBlock& block, std::string_view recipient_id) {
  return std::any_of(block.entries.begin(), block.entries.end(),
                     [&](const auto& e) { return is_for(e, recipient_id); });
}

// By the names in the block, which only a key that opens it could prove.
bool stands(const RewrapPlan& plan, const KeyBlock& block) {
  return std::none_of(plan.remove.begin(), plan.remove.end(), [&](const auto& id) { return names(block, id); }) &&
         std::all_of(plan.add.begin(), plan.add.end(), [&](const auto& one) { return names(block, one.id()); });
}

// Whether anything changed.
bool apply(const RewrapPlan& plan, const core::Secret& segment_key, KeyBlock& block) {
  const auto unwanted = [&](const KeyEntry& entry) {
    return std::any_of(plan.remove.begin(), plan.remove.end(), [&](const auto& id) { return is_for(entry, id); });
  };
  bool changed = std::erase_if(block.entries, unwanted) > 0;
  for (const envelope::Recipient& recipient : plan.add) {
    if (names(block, recipient.id())) continue;
    block.entries.push_back(wrap_key(recipient, block.segment, metadata_key, segment_key));
    changed = true;
  }
  return changed;
}

bool anyone_opens(const KeyBlock& block) {
  return std::any_of(block.entries.begin(), block.entries.end(), [](const auto& e) { return e.key == metadata_key; });
}

}  // namespace

RewrapResult rewrap_segment(const std::filesystem::path& segment, envelope::KeyHolder& holder, const RewrapPlan& plan) {
  FileSource source(segment);
  FrameWalker walker(source);
  if (const auto unsound = walker.open(); unsound != HeaderProblem::none) {
    return {Rewrapped::not_opened, std::string(words(unsound))};
  }
  Unlocked unlocked;
  const auto problem = unlock(segment, walker.header(), holder, unlocked);
  // The run that took the holder's own key away may be repeated with that key.
  if (problem == UnlockProblem::not_a_recipient && !plan.add.empty() && stands(plan, unlocked.block)) {
    return {Rewrapped::as_wanted, {}};
  }
  // An altered key block is not carried on under a new MAC: whoever altered it would have been proven right.
  if (problem != UnlockProblem::none) return {Rewrapped::not_opened, std::string(words(problem))};
  KeyBlock& block = unlocked.block;
  if (!apply(plan, unlocked.segment_key, block)) return {Rewrapped::as_wanted, {}};
  if (!anyone_opens(block)) return {Rewrapped::none_left, "without these recipients nobody could open it"};
  if (!plan.allow_mixed && mixes_kinds(block.entries)) {
    return {Rewrapped::mixed, "it would have post-quantum and classical recipients, and be as strong as the weakest"};
  }
  block.generation += 1;
  block.mac = key_block_mac(unlocked.keys, block);
  if (const auto replaced = replace_keys(segment, encode_key_block(block)); !replaced) {
    return {Rewrapped::not_written, std::strerror(replaced.error().os_code)};
  }
  return {Rewrapped::done, {}};
}

}  // namespace sallyport::logging
