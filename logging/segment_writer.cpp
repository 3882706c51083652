#include "logging/segment_writer.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace sallyport::logging {

namespace {

constexpr std::size_t kept_capacity = 4 * max_frame_size;  // of the buffer, between batches

SegmentHeader header_of(const SegmentStart& start) {
  SegmentHeader header;
  header.id = start.id;
  header.number = start.number;
  header.created_ns = static_cast<std::uint64_t>(start.created.time_since_epoch().count());
  header.salt = start.salt;
  header.previous = start.previous;
  header.origin = start.origin;
  header.extensions = start.extensions;
  return header;
}

std::vector<TenantSecret> derive_tenants(const SegmentStart& start) {
  std::vector<TenantSecret> secrets;
  for (const TenantStart& tenant : start.tenants) {
    secrets.push_back(derive_tenant(tenant.key, start.salt, start.id, tenant.number, tenant.name));
  }
  return secrets;
}

void name_tenants(const SegmentStart& start, const std::vector<TenantSecret>& secrets, core::Bytes& extensions) {
  std::vector<TenantKey> named;
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    named.push_back({start.tenants[i].number, start.tenants[i].name, secrets[i].commitment});
  }
  const core::Bytes extension = encode_extension(tenants_extension, encode_tenants(named));
  extensions.insert(extensions.end(), extension.begin(), extension.end());
}

KeyNumber key_of(const SegmentWriter::Part& part) noexcept {
  if (part.type == PartType::signed_note) return no_key;  // for whoever verifies without a key
  const bool body = part.type == PartType::request_body || part.type == PartType::response_body;
  return body || part.content != content_key ? part.content : metadata_key;
}

std::size_t size_in_frame(const SegmentWriter::Part& part) noexcept {
  return part_head_size + part.plain.size() + (part.type == PartType::signed_note ? 0 : tag_size);
}

}  // namespace

SegmentStart SegmentStart::random() {
  SegmentStart start;
  start.key = core::Secret(segment_key_size);
  core::crypto::random(start.id);
  core::crypto::random(start.salt);
  core::crypto::random(start.key.reveal_for_writing());
  return start;
}

SegmentWriter::SegmentWriter(SegmentStart start, std::span<const envelope::Recipient> recipients) {
  SegmentHeader header = header_of(start);
  const std::vector<TenantSecret> tenants = derive_tenants(start);
  if (!tenants.empty()) name_tenants(start, tenants, header.extensions);
  const SegmentKeys keys = derive_keys(start.key, start.salt, encode_uncommitted(header));
  header.commitment = keys.commitment;
  header_ = encode_header(header);

  KeyBlock block;
  block.segment = start.id;
  for (const envelope::Recipient& recipient : recipients) {
    block.entries.push_back(wrap_key(recipient, start.id, metadata_key, start.key));
  }
  for (const TenantStart& tenant : start.tenants) {
    for (const envelope::Recipient& recipient : tenant.recipients) {
      block.entries.push_back(wrap_key(recipient, start.id, tenant.number, tenant.key));
    }
  }
  block.mac = key_block_mac(keys, block);
  key_block_ = encode_key_block(block);
  const bool fits = block.entries.size() <= max_recipients && key_block_.size() <= max_key_block_size;
  if (!fits) throw std::runtime_error("the log has more recipients than fit");

  keys_.reserve(2 + tenants.size());  // used_ points into it
  keys_.emplace_back(metadata_key, keys.metadata);
  keys_.emplace_back(content_key, keys.content);
  for (std::size_t i = 0; i < tenants.size(); ++i) keys_.emplace_back(start.tenants[i].number, tenants[i].root);
  end_ = {PreviousEnd::torn, start.id, {}, 0, header_.size()};
  std::copy_n(header_.end() - digest_size, digest_size, end_.chain.begin());
}

void SegmentWriter::append(FrameKind kind, std::uint64_t number, std::span<const Part> parts, std::uint8_t flags) {
  std::size_t size = min_frame_size;
  for (const Part& part : parts) size += size_in_frame(part);
  if (size > max_frame_size || parts.size() > max_parts) throw std::length_error("a log frame over its limit");

  const std::size_t frame = pending_, end = frame + size;
  if (buffer_.size() < end) buffer_.resize(std::max(end, buffer_.capacity()));
  pending_ = end;
  encode({static_cast<std::uint32_t>(size), kind, flags, static_cast<std::uint16_t>(parts.size()), end_.frames, number},
         buffer_.data() + frame);
  std::byte* to = buffer_.data() + frame + frame_head_size;
  for (std::uint16_t index = 0; index < parts.size(); ++index) {
    seal_part(frame, index, parts[index], to);
    to += size_in_frame(parts[index]);
  }
  end_.chain = chain_of_frame(end_.chain, core::ConstBytes(buffer_).subspan(frame, size - digest_size));
  std::copy(end_.chain.begin(), end_.chain.end(), to);
  end_.frames += 1;
  end_.bytes += size;
  if (has_record(kind)) ++records_;
  if (kind == FrameKind::segment_end) end_.end = PreviousEnd::sealed;
}

void SegmentWriter::seal_part(std::size_t frame, std::uint16_t index, const Part& part, std::byte* to) {
  const KeyNumber key = key_of(part);
  const std::size_t sealed = size_in_frame(part) - part_head_size;
  if (key == no_key) {
    encode({static_cast<std::uint32_t>(sealed), part.type, 0, key, 0}, to);
    std::copy(part.plain.begin(), part.plain.end(), to + part_head_size);
    return;
  }
  SealingKey& sealing = *find(key);
  encode({static_cast<std::uint32_t>(sealed), part.type, 0, key, sealing.ratchet.step()}, to);
  const Associated associated = part_associated(end_.id, end_.chain, buffer_.data() + frame, index, to);
  sealing.ratchet.cipher().seal(part_nonce(end_.frames, index), associated, part.plain, {to + part_head_size, sealed});
  if (!std::exchange(sealing.used, true)) used_.push_back(&sealing);
}

SegmentWriter::SealingKey* SegmentWriter::find(KeyNumber number) noexcept {
  if (number <= content_key) return &keys_[number];
  const auto found = std::lower_bound(keys_.begin(), keys_.end(), number,
                                      [](const SealingKey& key, KeyNumber wanted) { return key.number < wanted; });
  return found != keys_.end() && found->number == number ? &*found : nullptr;
}

void SegmentWriter::taken() {
  pending_ = 0;
  if (buffer_.capacity() > kept_capacity) core::Bytes().swap(buffer_);
}

void SegmentWriter::ratchet() {
  for (SealingKey* key : used_) {
    key->ratchet.advance();
    key->used = false;
  }
  used_.clear();
}

}  // namespace sallyport::logging
