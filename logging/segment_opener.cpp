#include "logging/segment_opener.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <system_error>
#include <utility>

#include "logging/storage.hpp"

namespace sallyport::logging {

std::string_view words(UnlockProblem problem) noexcept {
  switch (problem) {
    case UnlockProblem::none:
      return "opened";
    case UnlockProblem::keys_missing:
      return "its key block is missing";
    case UnlockProblem::keys_malformed:
      return "its key block is malformed";
    case UnlockProblem::keys_too_many:
      return "its key block has more entries than a gateway writes, and none of them was tried";
    case UnlockProblem::keys_foreign:
      return "its key block belongs to another segment";
    case UnlockProblem::not_a_recipient:
      return "it is sealed to other keys";
    case UnlockProblem::unwrap_failed:
      return "an entry that should open does not: it was altered";
    case UnlockProblem::keys_swapped:
      return "its key block was swapped: it opens to a key the segment was not sealed with";
    case UnlockProblem::keys_altered:
      return "its key block was altered";
  }
  return "";
}

UnlockProblem read_key_block(const std::filesystem::path& segment, const SegmentId& id, KeyBlock& out) try {
  const std::filesystem::path path = keys_path_of(segment);
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return UnlockProblem::keys_missing;
  if (std::filesystem::file_size(path) > max_key_block_size) return UnlockProblem::keys_malformed;
  auto block = parse_key_block(read_whole(path, max_key_block_size));
  if (!block) return UnlockProblem::keys_malformed;
  if (block->entries.size() > max_recipients) return UnlockProblem::keys_too_many;
  if (block->segment != id) return UnlockProblem::keys_foreign;
  out = std::move(*block);
  return UnlockProblem::none;
} catch (const std::system_error& failure) {
  if (failure.code() == std::errc::no_such_file_or_directory) return UnlockProblem::keys_missing;  // it went just now
  throw;
}

namespace {

// The key of that number into `out`, from an entry that is for the holder and opens to the key that is `committed` to.
// What an entry opens to proves nothing by itself: anyone may wrap a key of his own (CVE-2025-14760). A writer wraps a
// key once to each recipient, so the holder, which may be far away, is not asked for a second entry of the same name.
UnlockProblem unwrap(const KeyBlock& block, KeyNumber number, envelope::KeyHolder& holder,
                     const std::function<bool(const core::Secret&)>& committed, core::Secret& out) {
  const core::Bytes context = wrap_context(block.segment, number);
  UnlockProblem problem = UnlockProblem::not_a_recipient;
  std::set<std::pair<std::uint8_t, std::string_view>> asked;  // suite and recipient
  for (const KeyEntry& entry : block.entries) {
    if (entry.key != number || entry.suite == erased_suite) continue;
    if (!asked.emplace(entry.suite, entry.recipient_id).second) continue;
    const envelope::Stanza stanza{static_cast<envelope::Suite>(entry.suite), entry.recipient_id, entry.wrapped};
    auto key = holder.unwrap(stanza, context);
    if (!key && key.error().reason == core::Reason::key_mismatch) continue;
    if (problem == UnlockProblem::not_a_recipient) problem = UnlockProblem::unwrap_failed;
    if (!key || key->size() != segment_key_size) continue;
    problem = UnlockProblem::keys_swapped;
    if (!committed(*key)) continue;
    out = std::move(*key);
    return UnlockProblem::none;
  }
  return problem;
}

}  // namespace

UnlockProblem unlock(const std::filesystem::path& segment, const ParsedHeader& header, envelope::KeyHolder& holder,
                     Unlocked& out) {
  KeyBlock& block = out.block;
  if (const auto problem = read_key_block(segment, header.header.id, block); problem != UnlockProblem::none) {
    return problem;
  }
  const auto committed = [&](const core::Secret& key) {
    out.keys = derive_keys(key, header.header.salt, header.uncommitted);
    return core::crypto::equal(out.keys.commitment, header.header.commitment);
  };
  const UnlockProblem problem = unwrap(block, metadata_key, holder, committed, out.segment_key);
  if (problem != UnlockProblem::none) return problem;
  const bool whole = core::crypto::equal(key_block_mac(out.keys, block), block.mac);
  return whole ? UnlockProblem::none : UnlockProblem::keys_altered;
}

OpenedTenants unlock_tenants(const ParsedHeader& header, const KeyBlock& block, envelope::KeyHolder& holder) {
  OpenedTenants opened;
  for (const TenantKey& tenant : header.tenants) {
    OpenedTenant candidate{tenant.number, tenant.name, {}, {}};
    const auto committed = [&](const core::Secret& key) {
      TenantSecret secret = derive_tenant(key, header.header.salt, header.header.id, tenant.number, tenant.name);
      candidate.root = std::move(secret.root);
      return core::crypto::equal(secret.commitment, tenant.commitment);
    };
    const UnlockProblem problem = unwrap(block, tenant.number, holder, committed, candidate.key);
    if (problem == UnlockProblem::none) {
      opened.tenants.push_back(std::move(candidate));
    } else if (opened.problem == UnlockProblem::not_a_recipient) {
      opened.problem = problem;
    }
  }
  const bool all_opened = !opened.tenants.empty() && opened.problem == UnlockProblem::not_a_recipient;
  if (all_opened) opened.problem = UnlockProblem::none;
  return opened;
}

PartOpener::PartOpener(const SegmentId& segment, const SegmentKeys& keys) : segment_(segment) {
  add(metadata_key, keys.metadata);
  add(content_key, keys.content);
}

bool PartOpener::has(KeyNumber number) const noexcept {
  return std::any_of(keys_.begin(), keys_.end(), [&](const Key& key) { return key.number == number; });
}

Ratchet* PartOpener::at_step(KeyNumber number, std::uint32_t step) {
  const auto key = std::find_if(keys_.begin(), keys_.end(), [&](const Key& k) { return k.number == number; });
  if (key == keys_.end()) return nullptr;
  std::optional<Ratchet>& ratchet = key->ratchet;
  if (!ratchet || ratchet->step() > step) ratchet.emplace(key->root);
  while (ratchet->step() < step) ratchet->advance();
  return &*ratchet;
}

std::optional<core::Bytes> PartOpener::open(core::ConstBytes frame, const Digest& chain_before, const PartView& part) {
  const FrameHead head = decode_frame_head(frame.data());
  // No key takes more steps than there are frames: a forged step must not keep a reader busy for hours.
  if (part.head.step > head.sequence || part.head.flags != 0 || part.sealed.size() < tag_size) return std::nullopt;
  Ratchet* ratchet = at_step(part.head.key, part.head.step);
  if (ratchet == nullptr) return std::nullopt;
  const std::byte* part_head = part.sealed.data() - part_head_size;
  const Associated associated = part_associated(segment_, chain_before, frame.data(), part.index, part_head);
  core::Bytes plain(part.sealed.size() - tag_size);
  if (!ratchet->cipher().open(part_nonce(head.sequence, part.index), associated, part.sealed, plain)) {
    return std::nullopt;
  }
  return plain;
}

}  // namespace sallyport::logging
