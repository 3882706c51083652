// The bytes of a segment's key block: its keys, wrapped to each recipient (docs/log-format.md, "Key block"). No I/O
// here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logging/format.hpp"

namespace sallyport::logging {

inline constexpr std::string_view key_block_magic = "SALLYKEY";
inline constexpr std::size_t max_key_block_size = 4 * 1024 * 1024;

inline constexpr std::uint8_t erased_suite = 0;  // no key, but the time at which the tenant's was taken out: u64, ns

struct KeyEntry {
  KeyNumber key = metadata_key;  // 0: the segment key, from which the metadata and content keys come
  std::uint8_t suite = 0;        // envelope::Suite, or erased_suite
  std::string recipient_id;
  core::Bytes wrapped;
};

struct KeyBlock {
  SegmentId segment{};
  std::uint32_t generation = 0;  // one more at each rewrap
  std::vector<KeyEntry> entries;
  Digest mac{};
};
core::Bytes encode_unauthenticated(const KeyBlock& block);  // all but the MAC
core::Bytes encode_key_block(const KeyBlock& block);
std::optional<KeyBlock> parse_key_block(core::ConstBytes bytes);

// Whether a tenant's key can be had. Missing: nobody has it, and the block does not say why.
enum class TenantKeyState : std::uint8_t { wrapped, erased, missing };
TenantKeyState state_of(const KeyBlock& block, KeyNumber tenant);
std::uint64_t erased_at(const KeyBlock& block, KeyNumber tenant);  // ns since the epoch; 0: it does not say

// What a recipient's wrapping of a key is bound to.
core::Bytes wrap_context(const SegmentId& segment, KeyNumber key);

}  // namespace sallyport::logging
