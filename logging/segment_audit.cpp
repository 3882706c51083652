#include "logging/segment_audit.hpp"

#include <string>
#include <utility>

#include "logging/frame_walker.hpp"

namespace sallyport::logging {

namespace {

bool is_damage(FrameWalker::Step step) {
  return step != FrameWalker::Step::end_of_data && step != FrameWalker::Step::torn && step != FrameWalker::Step::frame;
}

FindingKind finding_of(FrameWalker::Step step) {
  switch (step) {
    case FrameWalker::Step::missing:
      return FindingKind::frames_missing;
    case FrameWalker::Step::repeated:
      return FindingKind::frames_repeated;
    case FrameWalker::Step::reordered:
      return FindingKind::frames_reordered;
    case FrameWalker::Step::trailing:
      return FindingKind::trailing;
    default:
      return FindingKind::altered;
  }
}

class SegmentAudit {
 public:
  SegmentAudit(const AuditedSegment& segment, LogReport& report)
      : segment_(segment), report_(report), source_(segment.file.path), walker_(source_) {}

  void run(KeyAudit& keys, CheckpointAudit& notes, SegmentReport& about) {
    if (walker_.open() != HeaderProblem::none || walker_.header().chain != segment_.header->chain) {
      return report_.find(FindingKind::altered, number(), "it was replaced while the log was verified");
    }
    notes.begin(number(), walker_);
    auto step = FrameWalker::Step::end_of_data;
    while (!at_torn_end() && (step = walker_.next()) == FrameWalker::Step::frame) {
      if (keys.finds_forged(walker_)) {
        find_frame(FindingKind::forged, "the frame was not sealed with this segment's key");
      }
      notes.frame(walker_);
      if (walker_.head().kind != FrameKind::declared_gap) continue;
      about.lost += walker_.head().number;
      find_frame(FindingKind::gap_declared,
                 "the writer lost " + std::to_string(walker_.head().number) + " records and says so");
    }
    about.frames = walker_.link().frames;
    about.records = walker_.records();
    about.bytes = walker_.link().bytes;
    about.sealed = walker_.link().end == PreviousEnd::sealed;
    check_stop(step);
    notes.end(walker_, {!is_damage(step), segment_.declared != nullptr});
  }

 private:
  std::uint64_t number() const noexcept { return segment_.file.number; }
  // The frame that was walked last; the place behind it.
  void find_frame(FindingKind kind, std::string words) {
    report_.find(kind, number(), std::move(words), walker_.head().sequence, walker_.offset());
  }
  void find_here(FindingKind kind, std::string words) {
    report_.find(kind, number(), std::move(words), walker_.link().frames, walker_.link().bytes);
  }
  // What stands behind a torn end was never vouched for.
  bool at_torn_end() const {
    const SegmentLink* declared = segment_.declared;
    return declared && declared->end == PreviousEnd::torn && walker_.link().frames >= declared->frames;
  }
  void check_stop(FrameWalker::Step step);
  void check_end(FrameWalker::Step step);

  const AuditedSegment& segment_;
  LogReport& report_;
  FileSource source_;
  FrameWalker walker_;
};

// Held against what its successor declares.
void SegmentAudit::check_stop(FrameWalker::Step step) {
  if (is_damage(step)) return find_here(finding_of(step), std::string(words(step)));
  const SegmentLink* declared = segment_.declared;
  if (declared == nullptr) return check_end(step);
  const SegmentLink& link = walker_.link();
  if (link.frames < declared->frames) {
    return find_here(FindingKind::truncated,
                     "it ends here; its successor declares " + std::to_string(declared->frames) + " frames");
  }
  if (link.chain != declared->chain || link.bytes != declared->bytes ||
      (declared->end == PreviousEnd::sealed && link.end != PreviousEnd::sealed)) {
    return report_.find(FindingKind::altered, number(),
                        "it was rewritten: its successor declares another chain hash for its end");
  }
  if (declared->end != PreviousEnd::torn) return;
  const auto tail = std::filesystem::file_size(segment_.file.path) - link.bytes;
  std::string said = "it ends here without its clean end, as its successor declares";
  if (tail > 0) said += "; the " + std::to_string(tail) + " bytes behind are not vouched for";
  find_here(FindingKind::torn_declared, std::move(said));
}

// To the end of the last segment, or of one beside a missing or damaged neighbour, nobody testifies.
void SegmentAudit::check_end(FrameWalker::Step step) {
  if (walker_.link().end == PreviousEnd::sealed) return;
  if (segment_.being_written) return find_here(FindingKind::open, "it is being written");
  const bool torn = step == FrameWalker::Step::torn;
  find_here(torn ? FindingKind::torn : FindingKind::unsealed,
            torn ? "it ends within a frame, and no later segment declares it"
                 : "it ends without its end frame, and no later segment declares it");
}

}  // namespace

void audit_segment(const AuditedSegment& segment, envelope::KeyHolder* holder, CheckpointAudit& notes,
                   TenantAudit& tenants, LogReport& report) {
  SegmentReport about;
  about.number = segment.file.number;
  if (segment.header) {
    KeyAudit keys(segment.file.path, *segment.header, holder);
    for (const KeyAudit::Found& found : keys.findings()) {
      report.findings.push_back({found.kind, about.number, {}, {}, found.words, found.proven});
    }
    tenants.take(keys, about.number);
    SegmentAudit(segment, report).run(keys, notes, about);
  }
  report.segments.push_back(std::move(about));
}

}  // namespace sallyport::logging
