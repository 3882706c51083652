// Holds signed notes against a log that is being walked: those inside it, and checkpoints that were kept elsewhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "logging/checkpoint.hpp"
#include "logging/frame_walker.hpp"
#include "logging/signed_note.hpp"
#include "logging/verify.hpp"

namespace sallyport::logging {

// The notes of every *.checkpoints file of a directory. Throws std::runtime_error when it cannot be read or has none.
std::vector<SignedNote> notes_in_directory(const std::filesystem::path& directory);
// The last note of a file. Throws std::runtime_error when there is none.
SignedNote last_note_in(const std::filesystem::path& file);

class CheckpointAudit {
 public:
  using Find = std::function<void(FindingKind, std::string words, const SegmentLink& at, std::uint64_t segment)>;

  // Of each segment at most one thing is said.
  CheckpointAudit(std::string origin, std::vector<NoteVerifier> signers, Find find);

  // Before the walk: a checkpoint from elsewhere. One of another log's origin is passed over.
  void expect(const SignedNote& note);
  bool heard_of_it() const noexcept { return heard_of_it_; }  // by any that was not

  // The walk, segment by segment, frame by frame.
  void begin(std::uint64_t number, const FrameWalker& walker);
  void frame(const FrameWalker& walker);
  struct End {
    bool whole = false;           // all that there is was walked
    bool linked_to_next = false;  // the next segment's header speaks of this one
  };
  void end(const FrameWalker& walker, End end);
  void leave_out(std::uint64_t number);  // the last one has gone, at whatever point of the walk

  // After it. `writing`: the last segment is not at its end.
  void finish(bool writing);

  const std::optional<Tombstone>& tombstone() const noexcept { return tombstone_; }
  const std::optional<SignedState>& state() const noexcept { return state_; }

 private:
  struct Walked {
    std::uint64_t number = 0;
    SegmentLink link;
    End end;
    std::optional<std::uint64_t> vouched;  // frames of it that a checkpoint vouches for
    bool said = false;
  };
  void say(FindingKind kind, std::string words, const SegmentLink& at);
  bool proven(const SignedNote& note, const SegmentLink& at);
  void take_checkpoint(const SignedNote& note, const SegmentLink& before);
  void take_tombstone(const SignedNote& note, const SegmentLink& before);
  void compare(const SegmentLink& link);
  void vouch(const Checkpoint& checkpoint, std::uint64_t frames);
  void find_unsigned(bool writing);
  void reject(FindingKind kind, std::string words, std::uint64_t segment);

  const std::string origin_;
  const std::vector<NoteVerifier> signers_;
  const Find find_;
  bool heard_of_it_ = false;
  bool said_of_others_ = false;  // a checkpoint kept elsewhere that proves nothing: one is enough
  std::map<std::uint64_t, std::multimap<std::uint64_t, Checkpoint>> expected_;  // by segment, then by frames
  std::vector<Walked> walked_;
  std::optional<Tombstone> tombstone_;
  std::optional<SignedState> state_;
};

}  // namespace sallyport::logging
