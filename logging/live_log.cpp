#include "logging/live_log.hpp"

#include <algorithm>

#include "logging/checkpoint.hpp"
#include "logging/frame_walker.hpp"
#include "logging/signed_note.hpp"

namespace sallyport::logging {

namespace {

// The last segment that a tombstone in this one says was removed; 0: there is none.
std::uint64_t removed_according_to(const std::filesystem::path& segment) {
  FileSource source(segment);
  FrameWalker walker(source);
  if (walker.open() != HeaderProblem::none) return 0;
  const SegmentHeader& header = walker.header().header;
  const auto signer = signer_named_by(header);
  if (!signer) return 0;
  std::uint64_t last = 0;
  while (walker.next() == FrameWalker::Step::frame) {
    if (walker.head().kind != FrameKind::tombstone) continue;
    const auto note = parse_note(note_in(walker.frame()));
    if (!note || prove(*note, {*signer}) != NoteProof::good) continue;
    const auto tombstone = parse_tombstone(note->text);
    const bool fits = tombstone && tombstone->origin == header.origin && tombstone->last < header.number;
    if (fits) last = std::max(last, tombstone->last);
  }
  return last;
}

}  // namespace

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
  if (std::exchange(looked_, ending) == ending) return;
  std::uint64_t found = 0;
  for (auto segment = segments.rbegin(); found == 0 && segment != segments.rend(); ++segment) {
    if (segment->number < newest_) return;
    look_at(segment->path, [&] { found = removed_according_to(segment->path); });
    last_ = std::max(last_, found);
  }
}

}  // namespace sallyport::logging
