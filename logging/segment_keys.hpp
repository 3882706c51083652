// From a segment's key to the keys that seal its parts (docs/log-format.md, "Keys").
#pragma once

#include <cstdint>
#include <string_view>

#include "core/crypto.hpp"
#include "core/secret.hpp"
#include "envelope/recipient.hpp"
#include "logging/key_block.hpp"

namespace sallyport::logging {

inline constexpr std::size_t segment_key_size = 32;

struct SegmentKeys {
  core::Secret metadata;   // root of the metadata ratchet
  core::Secret content;    // root of the content ratchet
  core::Secret key_block;  // authenticates the key block
  Digest commitment{};     // what the header must hold, if this is its key
};

// `uncommitted`: the header up to its commitment, so that the commitment vouches for the whole header.
SegmentKeys derive_keys(const core::Secret& segment_key, const Salt& salt, core::ConstBytes uncommitted);

// A tenant's content key: its ratchet starts as the content ratchet does, from a key of its own in the segment
// key's place.
struct TenantSecret {
  core::Secret root;
  Digest commitment{};  // what the header must hold, if this is that tenant's key
};
TenantSecret derive_tenant(const core::Secret& key, const Salt& salt, const SegmentId& segment, KeyNumber number,
                           std::string_view name);

// The key block's entry for one recipient. Throws std::runtime_error when its public key does not do.
KeyEntry wrap_key(const envelope::Recipient& recipient, const SegmentId& segment, KeyNumber number,
                  const core::Secret& key);

Digest key_block_mac(const SegmentKeys& keys, const KeyBlock& block);

// At step i it holds the cipher of step i and the key from which step i+1 comes; nothing leads back.
class Ratchet {
 public:
  explicit Ratchet(const core::Secret& root);
  std::uint32_t step() const noexcept { return step_; }
  core::crypto::Aes256Gcm& cipher() noexcept { return cipher_; }
  void advance();

 private:
  core::crypto::Aes256Gcm cipher_;
  core::Secret next_;
  std::uint32_t step_ = 0;
};

}  // namespace sallyport::logging
