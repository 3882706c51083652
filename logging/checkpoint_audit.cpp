#include "logging/checkpoint_audit.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "logging/storage.hpp"

namespace sallyport::logging {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_checkpoints_file = 256 * 1024 * 1024;

std::vector<SignedNote> notes_in(const fs::path& file) {
  const core::Bytes bytes = read_whole(
      file, max_checkpoints_file, "has more than 256 MiB: cut it between two notes into several .checkpoints files");
  return parse_notes(core::text_of(bytes));
}

std::string names(const SignedNote& note) {
  return note.signatures.empty() ? "nobody" : "\"" + note.signatures.front().name + "\"";
}

struct Fault {
  FindingKind kind;
  std::string words;
};

// Why none of the signers vouches for the note; nothing when one does.
std::optional<Fault> fault_of(const SignedNote& note, const std::vector<NoteVerifier>& signers) {
  switch (prove(note, signers)) {
    case NoteProof::good:
      return std::nullopt;
    case NoteProof::unknown_signer:
      return Fault{FindingKind::wrong_signer, "signed by " + names(note) + ", whose key is not one of those known"};
    case NoteProof::wrong:
      break;
  }
  return Fault{FindingKind::checkpoint_forged, "its signature is wrong"};
}

}  // namespace

std::vector<SignedNote> notes_in_directory(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() == checkpoints_suffix) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<SignedNote> notes;
  for (const fs::path& file : files) {
    for (SignedNote& note : notes_in(file)) notes.push_back(std::move(note));
  }
  if (notes.empty()) throw std::runtime_error(directory.string() + " holds no checkpoint");
  return notes;
}

SignedNote last_note_in(const fs::path& file) {
  auto notes = notes_in(file);
  if (notes.empty()) throw std::runtime_error(file.string() + " holds no checkpoint");
  return std::move(notes.back());
}

CheckpointAudit::CheckpointAudit(std::string origin, std::vector<NoteVerifier> signers, Find find)
    : origin_(std::move(origin)), signers_(std::move(signers)), find_(std::move(find)) {}

void CheckpointAudit::expect(const SignedNote& note) {
  auto checkpoint = parse_checkpoint(note.text);
  if (checkpoint && checkpoint->origin != origin_) return;  // several gateways may share a second place
  heard_of_it_ = true;
  const std::uint64_t segment = checkpoint ? checkpoint->segment : 0;
  if (const auto fault = fault_of(note, signers_)) return reject(fault->kind, fault->words, segment);
  if (!checkpoint) return reject(FindingKind::fork, "it is no checkpoint", segment);
  expected_[segment].emplace(checkpoint->frames, std::move(*checkpoint));
}

void CheckpointAudit::reject(FindingKind kind, std::string words, std::uint64_t segment) {
  if (std::exchange(said_of_others_, true)) return;
  find_(kind, "a checkpoint kept elsewhere: " + std::move(words), {}, segment);
}

void CheckpointAudit::begin(std::uint64_t number, const FrameWalker& walker) {
  walked_.emplace_back().number = number;
  compare(walker.link());
}

void CheckpointAudit::frame(const FrameWalker& walker) {
  const FrameHead& head = walker.head();
  if (head.kind == FrameKind::checkpoint || head.kind == FrameKind::tombstone) {
    const SegmentLink before{PreviousEnd::torn, walker.link().id, walker.chain_before(), head.sequence,
                             walker.offset()};
    const auto note = parse_note(note_in(walker.frame()));
    if (!note) {
      say(FindingKind::checkpoint_forged, "the frame holds no signed note", before);
    } else if (head.kind == FrameKind::checkpoint) {
      take_checkpoint(*note, before);
    } else {
      take_tombstone(*note, before);
    }
  }
  compare(walker.link());
}

bool CheckpointAudit::proven(const SignedNote& note, const SegmentLink& at) {
  const auto fault = fault_of(note, signers_);
  if (fault) say(fault->kind, fault->words, at);
  return !fault;
}

void CheckpointAudit::take_checkpoint(const SignedNote& note, const SegmentLink& before) {
  if (!proven(note, before)) return;
  const auto checkpoint = parse_checkpoint(note.text);
  if (!checkpoint || checkpoint->origin != origin_ || checkpoint->segment != walked_.back().number ||
      !states(*checkpoint, before)) {
    return say(FindingKind::fork, "the signer vouched for another log up to here, or for another place", before);
  }
  vouch(*checkpoint, before.frames + 1);  // the frame it stands in comes with it
}

void CheckpointAudit::take_tombstone(const SignedNote& note, const SegmentLink& before) {
  if (!proven(note, before)) return;
  auto tombstone = parse_tombstone(note.text);
  if (!tombstone || tombstone->origin != origin_ || tombstone->last >= walked_.back().number) {
    return say(FindingKind::fork, "the tombstone is not of this log, or not of this place", before);
  }
  if (!tombstone_ || tombstone_->last < tombstone->last) tombstone_ = std::move(tombstone);
}

// With what is expected at exactly this place of the walk.
void CheckpointAudit::compare(const SegmentLink& link) {
  const auto segment = expected_.find(walked_.back().number);
  if (segment == expected_.end()) return;
  const auto [first, last] = segment->second.equal_range(link.frames);
  for (auto at = first; at != last; ++at) {
    if (states(at->second, link)) {
      vouch(at->second, link.frames);
    } else {
      say(FindingKind::fork, "the checkpoint of " + at->second.time + ", kept elsewhere, vouches for another log",
          link);
    }
  }
}

void CheckpointAudit::vouch(const Checkpoint& checkpoint, std::uint64_t frames) {
  auto& vouched = walked_.back().vouched;
  vouched = std::max(vouched.value_or(0), frames);
  if (state_ && std::pair(state_->segment, state_->frames) > std::pair(checkpoint.segment, checkpoint.frames)) return;
  state_ = SignedState{checkpoint.segment, checkpoint.frames, checkpoint.time};
}

void CheckpointAudit::end(const FrameWalker& walker, End end) {
  Walked& walked = walked_.back();
  walked.link = walker.link();
  walked.end = end;
  const auto segment = expected_.find(walked.number);
  if (!end.whole || segment == expected_.end()) return;
  const Checkpoint& furthest = segment->second.rbegin()->second;
  if (furthest.frames <= walked.link.frames) return;
  say(FindingKind::rolled_back,
      "the checkpoint of " + furthest.time + ", kept elsewhere, vouches for " + std::to_string(furthest.frames) +
          " frames, and here are " + std::to_string(walked.link.frames),
      walked.link);
}

void CheckpointAudit::leave_out(std::uint64_t number) {
  if (!walked_.empty() && walked_.back().number == number) walked_.pop_back();
}

void CheckpointAudit::finish(bool writing) {
  const std::uint64_t last = walked_.empty() ? 0 : walked_.back().number;
  if (!expected_.empty() && expected_.rbegin()->first > last) {
    const Checkpoint& furthest = expected_.rbegin()->second.rbegin()->second;
    find_(FindingKind::rolled_back,
          "the checkpoint of " + furthest.time + ", kept elsewhere, vouches for this segment, which is not here", {},
          furthest.segment);
  }
  if (!signers_.empty()) find_unsigned(writing);
}

// A checkpoint vouches for all that its segment's header speaks of, so for every segment before it too.
void CheckpointAudit::find_unsigned(bool writing) {
  const Walked* first = nullptr;  // of a run that nothing vouches for
  std::size_t run = 0;
  const auto report = [&] {
    if (first != nullptr) {
      find_(FindingKind::not_signed,
            "no checkpoint vouches for it" + (run > 1 ? ", nor for the " + std::to_string(run - 1) + " after it" : ""),
            first->link, first->number);
    }
    first = nullptr;
    run = 0;
  };
  bool vouched_by_next = false;
  for (auto walked = walked_.rbegin(); walked != walked_.rend(); ++walked) {
    const bool last = walked == walked_.rbegin();
    const bool vouched = walked->vouched || (vouched_by_next && walked->end.linked_to_next);
    vouched_by_next = vouched;
    if (vouched || walked->said) {
      report();
      const bool tail = last && walked->vouched && !writing && walked->link.end == PreviousEnd::sealed &&
                        walked->link.frames > *walked->vouched + 1;
      if (tail && !walked->said) {
        find_(FindingKind::not_signed, "no checkpoint vouches for the last frames", walked->link, walked->number);
      }
    } else {
      first = &*walked;
      run += 1;
    }
  }
  report();
}

void CheckpointAudit::say(FindingKind kind, std::string words, const SegmentLink& at) {
  Walked& walked = walked_.back();
  if (std::exchange(walked.said, true)) return;
  find_(kind, std::move(words), at, walked.number);
}

}  // namespace sallyport::logging
