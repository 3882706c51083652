// What the gateway signs about its log, as the text of a signed note: how far it goes, and which segments it removed
// (docs/log-format.md, "Signed notes"). No I/O here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "logging/format.hpp"
#include "logging/signed_note.hpp"

namespace sallyport::logging {

// "Up to here the log is this." In the lines of a C2SP tlog-checkpoint; the hash is the chain's, not a Merkle tree's.
struct Checkpoint {
  std::string origin;
  std::uint64_t segment = 0;  // its number
  SegmentId id{};
  Digest chain{};            // after the frames counted here; the header's when there are none
  std::uint64_t frames = 0;  // of this segment
  std::uint64_t bytes = 0;   // where they end
  std::string time;          // RFC 3339, UTC
};
std::string text_of(const Checkpoint& checkpoint);
std::optional<Checkpoint> parse_checkpoint(std::string_view text);
// Whether that is the place of which the checkpoint speaks: id, frames, bytes and chain hash.
bool states(const Checkpoint& checkpoint, const SegmentLink& place) noexcept;

// "These segments are gone because I removed them."
struct Tombstone {
  std::string origin;
  std::uint64_t last = 0;  // segments 1 to this one
  SegmentId last_id{};
  std::string reason;  // "age" or "size"
  std::string time;
};
std::string text_of(const Tombstone& tombstone);
std::optional<Tombstone> parse_tombstone(std::string_view text);

// Whose checkpoints a segment should have, by its header's own word. nullopt: it names nobody.
std::optional<NoteVerifier> signer_named_by(const SegmentHeader& header);

// The signed note that a frame of kind checkpoint or tombstone carries; empty when it carries none.
std::string_view note_in(core::ConstBytes frame);

}  // namespace sallyport::logging
