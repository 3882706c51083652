// Opens what a segment seals: its key block with a key holder, then its parts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "envelope/key_holder.hpp"
#include "logging/key_block.hpp"
#include "logging/segment_keys.hpp"

namespace sallyport::logging {

enum class UnlockProblem : std::uint8_t {
  none,
  keys_missing,  // no key block beside the segment
  keys_malformed,
  keys_too_many,    // more entries than any writer makes
  keys_foreign,     // it names another segment
  not_a_recipient,  // no entry is for this key
  unwrap_failed,    // an entry is for this key and does not open
  keys_swapped,     // it opens, to a key that the segment's header is not committed to
  keys_altered,     // its MAC is wrong; the segment's key is right all the same
};
std::string_view words(UnlockProblem problem) noexcept;

// The key block of a segment file. none, or one of the problems up to keys_foreign: what can be told without a key.
UnlockProblem read_key_block(const std::filesystem::path& segment, const SegmentId& id, KeyBlock& out);

struct Unlocked {
  KeyBlock block;
  core::Secret segment_key;
  SegmentKeys keys;
};
// Fills `out` for none and keys_altered, its block also for not_a_recipient. May block in the holder, which is asked
// once for each recipient that the block names.
UnlockProblem unlock(const std::filesystem::path& segment, const ParsedHeader& header, envelope::KeyHolder& holder,
                     Unlocked& out);
// A tenant's content key that a holder opened.
struct OpenedTenant {
  KeyNumber number = 0;
  std::string name;
  core::Secret key;   // as it was wrapped
  core::Secret root;  // of its ratchet
};
struct OpenedTenants {
  std::vector<OpenedTenant> tenants;
  // none: all that are for this key opened, and there are some; else what is wrong with the first that did not.
  UnlockProblem problem = UnlockProblem::not_a_recipient;
};
// Every tenant's key that the holder opens; the segment's own is not needed for it. May block in the holder.
OpenedTenants unlock_tenants(const ParsedHeader& header, const KeyBlock& block, envelope::KeyHolder& holder);

// Opens parts in any order; in the order of the file it costs one ratchet step at a time.
class PartOpener {
 public:
  explicit PartOpener(const SegmentId& segment) : segment_(segment) {}
  PartOpener(const SegmentId& segment, const SegmentKeys& keys);
  void add(KeyNumber key, const core::Secret& root) { keys_.push_back({key, root.copy(), std::nullopt}); }

  bool has(KeyNumber key) const noexcept;
  // Whether the part is sealed under a key that is here.
  bool can_open(const PartHead& head) const noexcept { return has(head.key); }

  // `frame` whole, with its chain hash; `part` of that frame. nullopt: not authentic, or not for this key.
  std::optional<core::Bytes> open(core::ConstBytes frame, const Digest& chain_before, const PartView& part);

 private:
  struct Key {
    KeyNumber number;
    core::Secret root;
    std::optional<Ratchet> ratchet;
  };
  Ratchet* at_step(KeyNumber key, std::uint32_t step);

  SegmentId segment_;
  std::vector<Key> keys_;
};

}  // namespace sallyport::logging
