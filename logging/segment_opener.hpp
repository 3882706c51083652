// Opens what a segment seals: its key block with a key holder, then its parts.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "envelope/key_holder.hpp"
#include "logging/format.hpp"
#include "logging/segment_keys.hpp"

namespace sallyport::logging {

enum class UnlockProblem : std::uint8_t {
  none,
  keys_missing,  // no key block beside the segment
  keys_malformed,
  keys_foreign,     // it names another segment
  not_a_recipient,  // no entry is for this key
  unwrap_failed,    // an entry is for this key and does not open
  keys_swapped,     // it opens, to a key that the segment's header is not committed to
  keys_altered,     // its MAC is wrong; the segment's key is right all the same
};
std::string_view words(UnlockProblem problem) noexcept;

// The key block of a segment file. none, keys_missing, keys_malformed or keys_foreign: what can be told without a key.
UnlockProblem read_key_block(const std::filesystem::path& segment, const SegmentId& id, KeyBlock& out);

struct Unlocked {
  KeyBlock block;
  core::Secret segment_key;
  SegmentKeys keys;
};
// Fills `out` for none and keys_altered. May block in the holder.
UnlockProblem unlock(const std::filesystem::path& segment, const ParsedHeader& header, envelope::KeyHolder& holder,
                     Unlocked& out);
// For whoever reads and needs no more than the keys.
UnlockProblem unlock(const std::filesystem::path& segment, const ParsedHeader& header, envelope::KeyHolder& holder,
                     SegmentKeys& keys);

// Opens parts in any order; in the order of the file it costs one ratchet step at a time.
class PartOpener {
 public:
  PartOpener(const SegmentId& segment, const SegmentKeys& keys);

  // Whether the part is sealed under a key that the segment's key leads to.
  static bool can_open(const PartHead& head) noexcept { return head.key <= content_key; }

  // `frame` whole, with its chain hash; `part` of that frame. nullopt: not authentic, or not for this key.
  std::optional<core::Bytes> open(core::ConstBytes frame, const Digest& chain_before, const PartView& part);

 private:
  Ladder* at_step(KeyNumber key, std::uint32_t step);

  SegmentId segment_;
  std::array<core::Secret, 2> roots_;
  std::array<std::optional<Ladder>, 2> ladders_;
};

}  // namespace sallyport::logging
