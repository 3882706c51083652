#include "logging/key_block.hpp"

#include "logging/byte_codec.hpp"

namespace sallyport::logging {

core::Bytes encode_unauthenticated(const KeyBlock& block) {
  core::Bytes entries;
  ByteWriter put_entry(entries);
  for (const KeyEntry& entry : block.entries) {
    put_entry.integer(entry.key);
    put_entry.integer(entry.suite);
    put_entry.integer(static_cast<std::uint8_t>(entry.recipient_id.size()));
    put_entry.bytes(core::bytes_of(entry.recipient_id));
    put_entry.integer(static_cast<std::uint16_t>(entry.wrapped.size()));
    put_entry.bytes(entry.wrapped);
  }
  core::Bytes out;
  ByteWriter put(out);
  put.bytes(core::bytes_of(key_block_magic));
  put.integer(format_version);
  put.integer(static_cast<std::uint16_t>(block.entries.size()));
  put.integer(static_cast<std::uint32_t>(36 + entries.size() + digest_size));
  put.bytes(block.segment);
  put.integer(block.generation);
  put.bytes(entries);
  return out;
}

core::Bytes encode_key_block(const KeyBlock& block) {
  core::Bytes out = encode_unauthenticated(block);
  ByteWriter(out).bytes(block.mac);
  return out;
}

std::optional<KeyBlock> parse_key_block(core::ConstBytes bytes) {
  ByteReader get(bytes);
  KeyBlock block;
  const bool magic = core::text_of(get.bytes(key_block_magic.size())) == key_block_magic;
  const auto version = get.integer<std::uint16_t>();
  const auto count = get.integer<std::uint16_t>();
  const auto size = get.integer<std::uint32_t>();
  get.into(block.segment);
  block.generation = get.integer<std::uint32_t>();
  if (!get.ok() || !magic || version != format_version || size != bytes.size()) return std::nullopt;
  for (unsigned i = 0; i < count && get.ok(); ++i) {
    KeyEntry entry;
    entry.key = get.integer<std::uint16_t>();
    entry.suite = get.integer<std::uint8_t>();
    entry.recipient_id = core::text_of(get.bytes(get.integer<std::uint8_t>()));
    const core::ConstBytes wrapped = get.bytes(get.integer<std::uint16_t>());
    entry.wrapped.assign(wrapped.begin(), wrapped.end());
    block.entries.push_back(std::move(entry));
  }
  get.into(block.mac);
  if (!get.ok() || get.left() != 0) return std::nullopt;
  return block;
}

TenantKeyState state_of(const KeyBlock& block, KeyNumber tenant) {
  TenantKeyState state = TenantKeyState::missing;
  for (const KeyEntry& entry : block.entries) {
    if (entry.key != tenant) continue;
    if (entry.suite != erased_suite) return TenantKeyState::wrapped;
    state = TenantKeyState::erased;
  }
  return state;
}

std::uint64_t erased_at(const KeyBlock& block, KeyNumber tenant) {
  for (const KeyEntry& entry : block.entries) {
    if (entry.key != tenant || entry.suite != erased_suite) continue;
    return ByteReader(entry.wrapped).integer<std::uint64_t>();
  }
  return 0;
}

core::Bytes wrap_context(const SegmentId& segment, KeyNumber key) {
  core::Bytes out;
  ByteWriter put(out);
  put.bytes(core::bytes_of("sallyport log 1 wrapped key"));
  put.bytes(segment);
  put.integer(key);
  return out;
}

}  // namespace sallyport::logging
