// What a segment on disk says of itself and of the one before it, as far as that is certain. Whoever can write the
// directory can write a header; so it counts only where the signer's own checkpoint, or the chain, vouches for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "logging/format.hpp"
#include "logging/signed_note.hpp"

namespace sallyport::logging {

struct ProvenSegment {
  std::uint64_t created_ns = 0;  // since the Unix epoch
  SegmentLink previous;          // how the one before it ended
  bool by_signer = false;        // the signer's own checkpoint vouches for it, not the chain alone
};

// `end`: how segment `number` ended, by a successor that is proven itself. The signer's checkpoint in its first frame
// is enough. Where there is none (an earlier version, another signer, a crash before it) all of it is read and must end
// so. nullopt: this is not that segment, or not as it was written. Throws std::system_error when it cannot be read.
std::optional<ProvenSegment> prove_segment(const std::filesystem::path& path, std::uint64_t number,
                                           const SegmentLink& end, const NoteVerifier& signer);

// The last segment that was removed according to the tombstones in this one, by `signer`, or where that is null by the
// one that it names; 0: there is none, or not all of it up to `end` is as it was written. Throws as prove_segment()
// does.
std::uint64_t removed_before(const std::filesystem::path& path, std::uint64_t number, const SegmentLink& end,
                             const NoteVerifier* signer);

}  // namespace sallyport::logging
