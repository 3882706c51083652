#include "logging/segment_opener.hpp"

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
    case UnlockProblem::keys_foreign:
      return "its key block belongs to another segment";
    case UnlockProblem::not_a_recipient:
      return "this key is not among its recipients";
    case UnlockProblem::unwrap_failed:
      return "the entry for this key does not open: it was altered";
    case UnlockProblem::keys_swapped:
      return "its key block was swapped: it opens to a key the segment was not sealed with";
    case UnlockProblem::keys_altered:
      return "its key block was altered";
  }
  return "";
}

UnlockProblem read_key_block(const std::filesystem::path& segment, const SegmentId& id, KeyBlock& out) {
  const std::filesystem::path path = keys_path_of(segment);
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return UnlockProblem::keys_missing;
  if (std::filesystem::file_size(path, failed) > max_key_block_size) return UnlockProblem::keys_malformed;
  auto block = parse_key_block(read_whole(path, max_key_block_size));
  if (!block) return UnlockProblem::keys_malformed;
  if (block->segment != id) return UnlockProblem::keys_foreign;
  out = std::move(*block);
  return UnlockProblem::none;
}

UnlockProblem unlock(const std::filesystem::path& segment, const ParsedHeader& header, envelope::KeyHolder& holder,
                     SegmentKeys& keys) {
  Unlocked unlocked;
  const UnlockProblem problem = unlock(segment, header, holder, unlocked);
  keys = std::move(unlocked.keys);
  return problem;
}

UnlockProblem unlock(const std::filesystem::path& segment, const ParsedHeader& header, envelope::KeyHolder& holder,
                     Unlocked& out) {
  KeyBlock& block = out.block;
  if (const auto problem = read_key_block(segment, header.header.id, block); problem != UnlockProblem::none) {
    return problem;
  }
  const core::Bytes context = wrap_context(header.header.id, metadata_key);
  UnlockProblem problem = UnlockProblem::not_a_recipient;
  for (KeyEntry& entry : block.entries) {
    if (entry.key != metadata_key) continue;
    const envelope::Stanza stanza{static_cast<envelope::Suite>(entry.suite), entry.recipient_id, entry.wrapped};
    auto key = holder.unwrap(stanza, context);
    if (!key && key.error().reason == core::Reason::key_mismatch) continue;
    if (problem == UnlockProblem::not_a_recipient) problem = UnlockProblem::unwrap_failed;
    if (!key || key->size() != segment_key_size) continue;
    out.keys = derive_keys(*key, header.header.salt, header.uncommitted);
    problem = UnlockProblem::keys_swapped;
    if (!core::crypto::equal(out.keys.commitment, header.header.commitment)) continue;
    out.segment_key = std::move(*key);
    const bool whole = core::crypto::equal(key_block_mac(out.keys, block), block.mac);
    return whole ? UnlockProblem::none : UnlockProblem::keys_altered;
  }
  return problem;
}

PartOpener::PartOpener(const SegmentId& segment, const SegmentKeys& keys)
    : segment_(segment), roots_{keys.metadata.copy(), keys.content.copy()} {}

Ladder* PartOpener::at_step(KeyNumber key, std::uint32_t step) {
  if (key > content_key) return nullptr;
  std::optional<Ladder>& ladder = ladders_[key];
  if (!ladder || ladder->step() > step) ladder.emplace(roots_[key]);
  while (ladder->step() < step) ladder->advance();
  return &*ladder;
}

std::optional<core::Bytes> PartOpener::open(core::ConstBytes frame, const Digest& chain_before, const PartView& part) {
  const FrameHead head = decode_frame_head(frame.data());
  // No key takes more steps than there are frames: a forged step must not keep a reader busy for hours.
  if (part.head.step > head.sequence || part.head.flags != 0 || part.sealed.size() < tag_size) return std::nullopt;
  Ladder* ladder = at_step(part.head.key, part.head.step);
  if (ladder == nullptr) return std::nullopt;
  const std::byte* part_head = part.sealed.data() - part_head_size;
  const Associated associated = part_associated(segment_, chain_before, frame.data(), part.index, part_head);
  core::Bytes plain(part.sealed.size() - tag_size);
  if (!ladder->cipher().open(part_nonce(head.sequence, part.index), associated, part.sealed, plain)) {
    return std::nullopt;
  }
  return plain;
}

}  // namespace sallyport::logging
