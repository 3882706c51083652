#include "logging/format.hpp"

#include <algorithm>
#include <cstring>

#include "logging/byte_codec.hpp"

namespace sallyport::logging {

core::Bytes encode_uncommitted(const SegmentHeader& header) {
  core::Bytes out;
  ByteWriter put(out);
  put.bytes(core::bytes_of(segment_magic));
  put.integer(header.version);
  put.integer(header.suite);
  const std::size_t size = header_fixed_size + header.origin.size() + header.extensions.size() + 2 * digest_size;
  put.integer(static_cast<std::uint32_t>(size));
  put.bytes(header.id);
  put.integer(header.number);
  put.integer(header.created_ns);
  put.bytes(header.salt);
  put.bytes(header.previous.id);
  put.bytes(header.previous.chain);
  put.integer(header.previous.frames);
  put.integer(header.previous.bytes);
  put.integer(static_cast<std::uint8_t>(header.previous.end));
  put.integer(static_cast<std::uint8_t>(header.origin.size()));
  put.integer(static_cast<std::uint32_t>(header.extensions.size()));
  put.bytes(core::bytes_of(header.origin));
  put.bytes(header.extensions);
  return out;
}

core::Bytes encode_header(const SegmentHeader& header) {
  core::Bytes out = encode_uncommitted(header);
  ByteWriter put(out);
  put.bytes(header.commitment);
  put.bytes(chain_of_header(out));
  return out;
}

Digest chain_of_header(core::ConstBytes header_without_chain) { return core::crypto::sha256(header_without_chain); }

Digest chain_of_frame(const Digest& before, core::ConstBytes frame_without_chain) {
  thread_local core::crypto::Sha256 hash;
  hash.update(before);
  hash.update(frame_without_chain);
  return hash.finish();
}

std::string_view words(HeaderProblem problem) noexcept {
  switch (problem) {
    case HeaderProblem::none:
      return "good";
    case HeaderProblem::cut_short:
      return "the header is cut short";
    case HeaderProblem::not_a_segment:
      return "this is not a segment of a sealed log";
    case HeaderProblem::version_unknown:
      return "written in a format version or cipher suite that this program does not know";
    case HeaderProblem::malformed:
      return "the header is malformed";
    case HeaderProblem::altered:
      return "the header was altered";
  }
  return "";
}

core::Bytes encode_extension(std::uint16_t type, core::ConstBytes value) {
  core::Bytes out;
  ByteWriter put(out);
  put.integer(type);
  put.integer(static_cast<std::uint16_t>(value.size()));
  put.bytes(value);
  return out;
}

core::ConstBytes extension_of(const SegmentHeader& header, std::uint16_t type) {
  ByteReader get(header.extensions);
  while (get.ok() && get.left() > 0) {
    const auto found = get.integer<std::uint16_t>();
    const auto size = get.integer<std::uint16_t>();
    const core::ConstBytes value = get.bytes(size);
    if (get.ok() && found == type) return value;
  }
  return {};
}

core::Bytes encode_tenants(const std::vector<TenantKey>& tenants) {
  core::Bytes out;
  ByteWriter put(out);
  for (const TenantKey& tenant : tenants) {
    put.integer(tenant.number);
    put.integer(static_cast<std::uint8_t>(tenant.name.size()));
    put.bytes(core::bytes_of(tenant.name));
    put.bytes(tenant.commitment);
  }
  return out;
}

std::optional<std::vector<TenantKey>> parse_tenants(core::ConstBytes value) {
  ByteReader get(value);
  std::vector<TenantKey> tenants;
  while (get.ok() && get.left() > 0) {
    TenantKey tenant;
    tenant.number = get.integer<KeyNumber>();
    tenant.name = core::text_of(get.bytes(get.integer<std::uint8_t>()));
    get.into(tenant.commitment);
    const auto same = [&](const TenantKey& other) {
      return other.number == tenant.number || other.name == tenant.name;
    };
    if (!is_tenant_key(tenant.number) || tenant.name.empty()) return std::nullopt;
    if (std::any_of(tenants.begin(), tenants.end(), same)) return std::nullopt;
    tenants.push_back(std::move(tenant));
  }
  return get.ok() ? std::optional(std::move(tenants)) : std::nullopt;
}

namespace {

// After magic, version, suite and size.
bool parse_fields(ByteReader& get, SegmentHeader& header) {
  get.into(header.id);
  header.number = get.integer<std::uint64_t>();
  header.created_ns = get.integer<std::uint64_t>();
  get.into(header.salt);
  get.into(header.previous.id);
  get.into(header.previous.chain);
  header.previous.frames = get.integer<std::uint64_t>();
  header.previous.bytes = get.integer<std::uint64_t>();
  const auto end = get.integer<std::uint8_t>();
  const auto origin_size = get.integer<std::uint8_t>();
  const auto extensions_size = get.integer<std::uint32_t>();
  header.previous.end = static_cast<PreviousEnd>(end);
  header.origin = core::text_of(get.bytes(origin_size));
  const core::ConstBytes extensions = get.bytes(extensions_size);
  header.extensions.assign(extensions.begin(), extensions.end());
  return get.ok() && end <= static_cast<std::uint8_t>(PreviousEnd::unreadable) && origin_size > 0 && header.number > 0;
}

}  // namespace

HeaderProblem parse_header(core::ConstBytes start, ParsedHeader& out) {
  ByteReader get(start);
  const core::ConstBytes magic = get.bytes(segment_magic.size());
  SegmentHeader& header = out.header;
  header.version = get.integer<std::uint16_t>();
  header.suite = get.integer<std::uint16_t>();
  out.size = get.integer<std::uint32_t>();
  if (!get.ok()) {
    const std::size_t seen = std::min(start.size(), segment_magic.size());
    const bool prefix = std::memcmp(start.data(), segment_magic.data(), seen) == 0;
    return start.empty() || prefix ? HeaderProblem::cut_short : HeaderProblem::not_a_segment;
  }
  if (core::text_of(magic) != segment_magic) return HeaderProblem::not_a_segment;
  if (header.version != format_version || header.suite != suite_aes256gcm_sha256) return HeaderProblem::version_unknown;
  if (out.size < header_fixed_size + 2 * digest_size || out.size > max_header_size) return HeaderProblem::malformed;
  if (start.size() < out.size) return HeaderProblem::cut_short;

  const core::ConstBytes chained = start.first(out.size - digest_size);
  out.chain = chain_of_header(chained);
  if (std::memcmp(out.chain.data(), start.data() + chained.size(), digest_size) != 0) return HeaderProblem::altered;
  const core::ConstBytes uncommitted = chained.first(chained.size() - digest_size);
  std::memcpy(header.commitment.data(), uncommitted.data() + uncommitted.size(), digest_size);
  out.uncommitted.assign(uncommitted.begin(), uncommitted.end());
  ByteReader fields(uncommitted.subspan(16));
  if (!parse_fields(fields, header) || fields.left() != 0) return HeaderProblem::malformed;
  auto tenants = parse_tenants(extension_of(header, tenants_extension));
  if (!tenants) return HeaderProblem::malformed;
  out.tenants = std::move(*tenants);
  return HeaderProblem::none;
}

void encode(const FrameHead& head, std::byte* to) noexcept {
  store(to, head.length);
  store(to + 4, static_cast<std::uint8_t>(head.kind));
  store(to + 5, head.flags);
  store(to + 6, head.parts);
  store(to + 8, head.sequence);
  store(to + 16, head.number);
}

FrameHead decode_frame_head(const std::byte* from) noexcept {
  return {load<std::uint32_t>(from),     static_cast<FrameKind>(from[4]), load<std::uint8_t>(from + 5),
          load<std::uint16_t>(from + 6), load<std::uint64_t>(from + 8),   load<std::uint64_t>(from + 16)};
}

void encode(const PartHead& head, std::byte* to) noexcept {
  store(to, head.length);
  store(to + 4, static_cast<std::uint8_t>(head.type));
  store(to + 5, head.flags);
  store(to + 6, head.key);
  store(to + 8, head.step);
}

PartHead decode_part_head(const std::byte* from) noexcept {
  return {load<std::uint32_t>(from), static_cast<PartType>(from[4]), load<std::uint8_t>(from + 5),
          load<std::uint16_t>(from + 6), load<std::uint32_t>(from + 8)};
}

std::optional<std::vector<PartView>> parts_of(core::ConstBytes frame) {
  if (frame.size() < min_frame_size) return std::nullopt;
  const FrameHead head = decode_frame_head(frame.data());
  if (head.parts > max_parts) return std::nullopt;
  ByteReader get(frame.subspan(frame_head_size, frame.size() - min_frame_size));
  std::vector<PartView> parts;
  for (std::uint16_t index = 0; index < head.parts; ++index) {
    const core::ConstBytes encoded = get.bytes(part_head_size);
    if (!get.ok()) return std::nullopt;
    const PartHead part = decode_part_head(encoded.data());
    if (part.key != no_key && part.length < tag_size) return std::nullopt;
    parts.push_back({part, index, get.bytes(part.length)});
  }
  if (!get.ok() || get.left() != 0) return std::nullopt;
  return parts;
}

core::crypto::Aes256Gcm::Nonce part_nonce(std::uint64_t sequence, std::uint16_t part) noexcept {
  core::crypto::Aes256Gcm::Nonce nonce{};
  store(nonce.data(), static_cast<std::uint32_t>(part));
  store(nonce.data() + 4, sequence);
  return nonce;
}

Associated part_associated(const SegmentId& segment, const Digest& chain_before, const std::byte* frame_head,
                           std::uint16_t part, const std::byte* part_head) noexcept {
  Associated out;
  std::byte* to = out.data();
  std::memcpy(to, segment.data(), segment.size());
  std::memcpy(to + 16, chain_before.data(), digest_size);
  std::memcpy(to + 48, frame_head, frame_head_size);
  store(to + 48 + frame_head_size, part);
  std::memcpy(to + 50 + frame_head_size, part_head, part_head_size);
  return out;
}

}  // namespace sallyport::logging
