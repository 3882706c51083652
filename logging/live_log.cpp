#include "logging/live_log.hpp"

#include <algorithm>
#include <optional>

#include "logging/frame_walker.hpp"
#include "logging/proven_segment.hpp"
#include "logging/segment_opener.hpp"

namespace sallyport::logging {

namespace {

// The segment behind those that a tombstone covers, where it is there, must name the last of them as the one before it.
bool is_followed(const Tombstone& tombstone, const std::vector<ListedSegment>& all) {
  const auto behind = std::find_if(all.begin(), all.end(), [&](const auto& s) { return s.number > tombstone.last; });
  if (behind == all.end() || behind->number != tombstone.last + 1) return true;
  const auto header = header_of(*behind);
  return !header || header->header.previous.id == tombstone.last_id;
}

bool opens_any_part(const FrameWalker& walker, PartOpener& opener) {
  const auto parts = parts_of(walker.frame());
  return parts && std::any_of(parts->begin(), parts->end(), [&](const PartView& part) {
           return opener.can_open(part.head) && opener.open(walker.frame(), walker.chain_before(), part);
         });
}

}  // namespace

std::optional<ParsedHeader> header_of(const ListedSegment& segment) {
  std::optional<ParsedHeader> header;
  look_at(segment.path, [&] { header = read_header(segment.path); });
  return header;
}

bool proves_header(const std::filesystem::path& segment, envelope::KeyHolder& holder) {
  FileSource source(segment);
  FrameWalker walker(source);
  if (walker.open() != HeaderProblem::none) return false;
  const ParsedHeader& header = walker.header();
  Unlocked unlocked;
  const UnlockProblem problem = unlock(segment, header, holder, unlocked);
  if (problem == UnlockProblem::none || problem == UnlockProblem::keys_altered) return true;
  if (problem != UnlockProblem::not_a_recipient) return false;
  PartOpener opener(header.header.id);
  const OpenedTenants opened = unlock_tenants(header, unlocked.block, holder);
  for (const OpenedTenant& tenant : opened.tenants) opener.add(tenant.number, tenant.root);
  while (!opened.tenants.empty() && walker.next() == FrameWalker::Step::frame) {
    if (opens_any_part(walker, opener)) return true;
  }
  return false;
}

bool Removals::cover(std::uint64_t segment) {
  if (segment > last_) look_for_tombstone();
  return segment <= last_;
}

// Each tombstone covers what those before it do, so the newest is enough.
void Removals::look_for_tombstone() {
  const auto segments = list_segments(directory_);
  if (segments.empty()) return;
  std::error_code gone;
  const std::pair ending(segments.back().number, std::filesystem::file_size(segments.back().path, gone));
  const auto before = std::exchange(looked_, ending);
  if (before == ending) return;
  std::uint64_t found = 0;
  for (auto segment = segments.rbegin(); found == 0 && segment != segments.rend(); ++segment) {
    if (segment->number < before.first) return;
    look_at(segment->path, [&] { found = removed_according_to(*segment, segments); });
    last_ = std::max(last_, found);
  }
}

// The last segment that a tombstone in this one says was removed; 0: there is none, or nobody proves whose it is.
std::uint64_t Removals::removed_according_to(const ListedSegment& segment,
                                             const std::vector<ListedSegment>& all) const {
  FileSource source(segment.path);
  FrameWalker walker(source);
  if (walker.open() != HeaderProblem::none) return 0;
  const SegmentHeader& header = walker.header().header;
  const auto signer = signer_named_by(header);
  if (!signer || header.number != segment.number) return 0;
  const std::vector<NoteVerifier> signers = {*signer};
  std::uint64_t last = 0;
  while (walker.next() == FrameWalker::Step::frame) {
    const auto tombstone = tombstone_in(walker, signers);
    if (tombstone && tombstone->last > last && is_followed(*tombstone, all)) last = tombstone->last;
  }
  return last > 0 && is_proven(segment, header, all) ? last : 0;
}

// Whether the key proves some header that names this one's origin and signer: its own first. A tenant may have nothing
// in the segment of the tombstone.
bool Removals::is_proven(const ListedSegment& of, const SegmentHeader& header,
                         const std::vector<ListedSegment>& all) const {
  if (proves_(of.path)) return true;
  const auto signer = extension_of(header, signer_extension);
  return std::any_of(all.rbegin(), all.rend(), [&](const ListedSegment& segment) {
    const auto other = header_of(segment);
    if (!other || other->header.number != segment.number || other->header.origin != header.origin) return false;
    if (!std::ranges::equal(extension_of(other->header, signer_extension), signer)) return false;
    bool proven = false;
    return look_at(segment.path, [&] { proven = proves_(segment.path); }) && proven;
  });
}

}  // namespace sallyport::logging
