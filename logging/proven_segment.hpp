// What a segment on disk says of itself and of those before it, as far as that is certain. Whoever can write the
// directory can write a header; so it counts only where a signer's own checkpoint, or the chain, vouches for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "logging/checkpoint.hpp"
#include "logging/format.hpp"
#include "logging/frame_walker.hpp"
#include "logging/signed_note.hpp"

namespace sallyport::logging {

struct ProvenSegment {
  std::uint64_t created_ns = 0;  // since the Unix epoch
  SegmentLink previous;          // how the one before it ended
  bool by_signer = false;        // a signer's own checkpoint vouches for it, not the chain alone
};

// The tombstone in the walker's frame, if it is one that a signer signed for this log.
std::optional<Tombstone> tombstone_in(const FrameWalker& walker, const std::vector<NoteVerifier>& signers);

// `end`: how segment `number` ended, by a successor that is proven itself. A signer's checkpoint in its first frame is
// enough. Where there is none (an earlier version, another signer, a crash before it) all of it is read and must end
// so. nullopt: this is not that segment, or not as it was written. Throws std::system_error when it cannot be read.
std::optional<ProvenSegment> prove_segment(const std::filesystem::path& path, std::uint64_t number,
                                           const SegmentLink& end, const std::vector<NoteVerifier>& signers);

// The last segment that was removed according to the signers' tombstones in this one; 0: there is none, or not all of
// it up to `end` is as it was written. Throws as prove_segment() does.
std::uint64_t removed_before(const std::filesystem::path& path, std::uint64_t number, const SegmentLink& end,
                             const std::vector<NoteVerifier>& signers);

}  // namespace sallyport::logging
