#include "logging/proven_segment.hpp"

#include <algorithm>

#include "logging/storage.hpp"

namespace sallyport::logging {

namespace {

bool opens_as(FrameWalker& walker, std::uint64_t number, const SegmentLink& end) {
  if (walker.open() != HeaderProblem::none) return false;
  const SegmentHeader& header = walker.header().header;
  return header.number == number && header.id == end.id;
}

// The note in the walker's frame, if the frame is of that kind and a signer signed it.
std::optional<SignedNote> signed_note_in(const FrameWalker& walker, FrameKind kind,
                                         const std::vector<NoteVerifier>& signers) {
  if (walker.head().kind != kind) return std::nullopt;
  auto note = parse_note(note_in(walker.frame()));
  return note && prove(*note, signers) == NoteProof::good ? note : std::nullopt;
}

// Whether the walker's frame, the first, is a signer's checkpoint of the header before it.
bool vouches_for_header(const FrameWalker& walker, const std::vector<NoteVerifier>& signers) {
  const auto note = signed_note_in(walker, FrameKind::checkpoint, signers);
  if (!note) return false;
  const ParsedHeader& header = walker.header();
  const auto checkpoint = parse_checkpoint(note->text);
  const SegmentLink begin{PreviousEnd::torn, header.header.id, header.chain, 0, header.size};
  return checkpoint && checkpoint->origin == header.header.origin && checkpoint->segment == header.header.number &&
         states(*checkpoint, begin);
}

}  // namespace

std::optional<Tombstone> tombstone_in(const FrameWalker& walker, const std::vector<NoteVerifier>& signers) {
  const auto note = signed_note_in(walker, FrameKind::tombstone, signers);
  if (!note) return std::nullopt;
  const SegmentHeader& header = walker.header().header;
  auto tombstone = parse_tombstone(note->text);
  const bool fits = tombstone && tombstone->origin == header.origin && tombstone->last < header.number;
  return fits ? tombstone : std::nullopt;
}

std::optional<ProvenSegment> prove_segment(const std::filesystem::path& path, std::uint64_t number,
                                           const SegmentLink& end, const std::vector<NoteVerifier>& signers) {
  FileSource source(path);
  FrameWalker walker(source);
  if (!opens_as(walker, number, end)) return std::nullopt;
  ProvenSegment segment{walker.header().header.created_ns, walker.header().header.previous};
  while (walker.link().frames < end.frames && walker.next() == FrameWalker::Step::frame) {
    segment.by_signer = walker.link().frames == 1 && vouches_for_header(walker, signers);
    if (segment.by_signer) return segment;
  }
  source.forget();
  return walker.link().chain == end.chain ? std::optional(segment) : std::nullopt;
}

std::uint64_t removed_before(const std::filesystem::path& path, std::uint64_t number, const SegmentLink& end,
                             const std::vector<NoteVerifier>& signers) {
  FileSource source(path);
  FrameWalker walker(source);
  if (!opens_as(walker, number, end)) return 0;
  std::uint64_t last = 0;
  while (walker.link().frames < end.frames && walker.next() == FrameWalker::Step::frame) {
    if (const auto tombstone = tombstone_in(walker, signers)) last = std::max(last, tombstone->last);
  }
  source.forget();
  return walker.link().chain == end.chain ? last : 0;
}

}  // namespace sallyport::logging
