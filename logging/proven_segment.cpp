#include "logging/proven_segment.hpp"

#include <algorithm>

#include "logging/checkpoint.hpp"
#include "logging/frame_walker.hpp"
#include "logging/storage.hpp"

namespace sallyport::logging {

namespace {

bool opens_as(FrameWalker& walker, std::uint64_t number, const SegmentLink& end) {
  if (walker.open() != HeaderProblem::none) return false;
  const SegmentHeader& header = walker.header().header;
  return header.number == number && header.id == end.id;
}

// Whether the walker's frame, the first, is the signer's checkpoint of the header before it.
bool vouches_for_header(const FrameWalker& walker, const NoteVerifier& signer) {
  if (walker.head().kind != FrameKind::checkpoint) return false;
  const auto note = parse_note(note_in(walker.frame()));
  if (!note || prove(*note, {signer}) != NoteProof::good) return false;
  const ParsedHeader& header = walker.header();
  const auto checkpoint = parse_checkpoint(note->text);
  const SegmentLink begin{PreviousEnd::torn, header.header.id, header.chain, 0, header.size};
  return checkpoint && checkpoint->origin == header.header.origin && checkpoint->segment == header.header.number &&
         states(*checkpoint, begin);
}

// The tombstone's last segment; 0: the frame holds none by this signer.
std::uint64_t removed_by(const FrameWalker& walker, const NoteVerifier& signer) {
  if (walker.head().kind != FrameKind::tombstone) return 0;
  const auto note = parse_note(note_in(walker.frame()));
  if (!note || prove(*note, {signer}) != NoteProof::good) return 0;
  const SegmentHeader& header = walker.header().header;
  const auto tombstone = parse_tombstone(note->text);
  const bool fits = tombstone && tombstone->origin == header.origin && tombstone->last < header.number;
  return fits ? tombstone->last : 0;
}

}  // namespace

std::optional<ProvenSegment> prove_segment(const std::filesystem::path& path, std::uint64_t number,
                                           const SegmentLink& end, const NoteVerifier& signer) {
  FileSource source(path);
  FrameWalker walker(source);
  if (!opens_as(walker, number, end)) return std::nullopt;
  ProvenSegment segment{walker.header().header.created_ns, walker.header().header.previous};
  while (walker.link().frames < end.frames && walker.next() == FrameWalker::Step::frame) {
    segment.by_signer = walker.link().frames == 1 && vouches_for_header(walker, signer);
    if (segment.by_signer) return segment;
  }
  source.forget();
  return walker.link().chain == end.chain ? std::optional(segment) : std::nullopt;
}

std::uint64_t removed_before(const std::filesystem::path& path, std::uint64_t number, const SegmentLink& end,
                             const NoteVerifier* signer) {
  FileSource source(path);
  FrameWalker walker(source);
  if (!opens_as(walker, number, end)) return 0;
  const auto named = signer_named_by(walker.header().header);
  if (signer == nullptr && named) signer = &*named;
  if (signer == nullptr) return 0;
  std::uint64_t last = 0;
  while (walker.link().frames < end.frames && walker.next() == FrameWalker::Step::frame) {
    last = std::max(last, removed_by(walker, *signer));
  }
  source.forget();
  return walker.link().chain == end.chain ? last : 0;
}

}  // namespace sallyport::logging
