#include "logging/segment_keys.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>

#include "logging/byte_codec.hpp"

namespace sallyport::logging {

namespace {

using core::crypto::Aes256Gcm;

core::Secret expand(const core::Secret& key, std::string_view label, core::ConstBytes rest = {}) {
  core::Bytes info(core::bytes_of(label).begin(), core::bytes_of(label).end());
  info.insert(info.end(), rest.begin(), rest.end());
  core::Secret out(Aes256Gcm::key_size);
  core::crypto::hkdf_expand(key.reveal(), info, out.reveal_for_writing());
  return out;
}

// One step of a ratchet: 64 bytes, of which the first half leads on and the second half seals.
void take_step(core::ConstBytes from, core::Secret& next, Aes256Gcm& cipher) {
  std::array<std::byte, 64> derived;
  core::crypto::hkdf_expand(from, core::bytes_of("sallyport log 1 step"), derived);
  const auto both = std::span(derived);
  cipher.rekey(both.last(32));
  std::copy_n(both.begin(), 32, next.reveal_for_writing().begin());
  core::wipe(derived);
}

core::Secret extract(const core::Secret& key, const Salt& salt) {
  Digest extracted = core::crypto::hkdf_extract(salt, key.reveal());
  core::Secret pseudo_random_key{core::ConstBytes(extracted)};
  core::wipe(extracted);
  return pseudo_random_key;
}

Digest commit(const core::Secret& pseudo_random_key, std::string_view label, core::ConstBytes to) {
  const core::Secret commitment = expand(pseudo_random_key, label, to);
  Digest out;
  std::copy_n(commitment.reveal().begin(), digest_size, out.begin());
  return out;
}

}  // namespace

SegmentKeys derive_keys(const core::Secret& segment_key, const Salt& salt, core::ConstBytes uncommitted) {
  const core::Secret pseudo_random_key = extract(segment_key, salt);
  SegmentKeys keys;
  keys.metadata = expand(pseudo_random_key, "sallyport log 1 metadata");
  keys.content = expand(pseudo_random_key, "sallyport log 1 content");
  keys.key_block = expand(pseudo_random_key, "sallyport log 1 key block");
  keys.commitment = commit(pseudo_random_key, "sallyport log 1 commitment", core::crypto::sha256(uncommitted));
  return keys;
}

TenantSecret derive_tenant(const core::Secret& key, const Salt& salt, const SegmentId& segment, KeyNumber number,
                           std::string_view name) {
  const core::Secret pseudo_random_key = extract(key, salt);
  core::Bytes bound;
  ByteWriter put(bound);
  put.bytes(segment);
  put.integer(number);
  put.bytes(core::bytes_of(name));
  return {expand(pseudo_random_key, "sallyport log 1 content"),
          commit(pseudo_random_key, "sallyport log 1 tenant commitment", bound)};
}

KeyEntry wrap_key(const envelope::Recipient& recipient, const SegmentId& segment, KeyNumber number,
                  const core::Secret& key) {
  auto wrapped = recipient.wrap(key.reveal(), wrap_context(segment, number));
  if (!wrapped) throw std::runtime_error("the log's key cannot be wrapped to recipient " + recipient.id());
  return {number, static_cast<std::uint8_t>(recipient.suite()), recipient.id(), std::move(*wrapped)};
}

Digest key_block_mac(const SegmentKeys& keys, const KeyBlock& block) {
  return core::crypto::hmac_sha256(keys.key_block.reveal(), encode_unauthenticated(block));
}

Ratchet::Ratchet(const core::Secret& root)
    : cipher_(std::array<std::byte, Aes256Gcm::key_size>{}), next_(Aes256Gcm::key_size) {
  take_step(root.reveal(), next_, cipher_);
}

void Ratchet::advance() {
  take_step(next_.reveal(), next_, cipher_);
  ++step_;
}

}  // namespace sallyport::logging
