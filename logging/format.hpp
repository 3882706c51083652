// The sealed log's bytes, version 1: what stands where in a segment. No keys and no I/O here.
// docs/log-format.md is the specification; every number below is explained there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/crypto.hpp"

namespace sallyport::logging {

using core::crypto::Digest;
using SegmentId = std::array<std::byte, 16>;
using Salt = std::array<std::byte, 32>;

inline constexpr std::string_view segment_magic = "SALLYLOG";
inline constexpr std::uint16_t format_version = 1;
inline constexpr std::uint16_t suite_aes256gcm_sha256 = 1;  // AES-256-GCM, HKDF-SHA256, SHA-256

inline constexpr std::size_t digest_size = 32;
inline constexpr std::size_t tag_size = core::crypto::Aes256Gcm::tag_size;
inline constexpr std::size_t header_fixed_size = 150;  // before origin and extensions
inline constexpr std::size_t max_header_size = 64 * 1024;
inline constexpr std::size_t max_origin_size = 255;
inline constexpr std::size_t frame_head_size = 24;
inline constexpr std::size_t part_head_size = 12;
inline constexpr std::size_t min_frame_size = frame_head_size + digest_size;
inline constexpr std::size_t max_frame_size = 1024 * 1024;
inline constexpr std::size_t max_parts = 16;
inline constexpr std::size_t max_content_piece = 64 * 1024;  // of a body in one part

// Which key a part is sealed under. Those between content_key and no_key are content keys of tenants.
using KeyNumber = std::uint16_t;
inline constexpr KeyNumber metadata_key = 0;
inline constexpr KeyNumber content_key = 1;
inline constexpr KeyNumber no_key = 0xffff;  // plain bytes without a tag; only the chain protects them
constexpr bool is_tenant_key(KeyNumber key) noexcept { return key > content_key && key != no_key; }

// How the segment before this one ended, as its successor's header declares it.
enum class PreviousEnd : std::uint8_t {
  none = 0,        // there is none: this is the log's first
  sealed = 1,      // with its segment_end frame
  torn = 2,        // without: a crash or a failed write; bytes past the declared end are not vouched for
  unreadable = 3,  // its header could not be read; nothing is known of it
};

struct SegmentLink {
  PreviousEnd end = PreviousEnd::none;
  SegmentId id{};
  Digest chain{};            // chain hash after its last whole frame (after its header when it has none)
  std::uint64_t frames = 0;  // whole frames
  std::uint64_t bytes = 0;   // offset at which the last whole frame ends
  friend bool operator==(const SegmentLink&, const SegmentLink&) = default;
};

struct SegmentHeader {
  std::uint16_t version = format_version;
  std::uint16_t suite = suite_aes256gcm_sha256;
  SegmentId id{};
  std::uint64_t number = 0;      // 1, 2, 3 ... within the log
  std::uint64_t created_ns = 0;  // since the Unix epoch
  Salt salt{};
  SegmentLink previous;
  std::string origin;
  core::Bytes extensions;  // type, length, value; unknown ones are passed over
  Digest commitment{};     // to the segment key and all of the above
};

// Everything before the commitment; what the commitment is made over.
core::Bytes encode_uncommitted(const SegmentHeader& header);
// The whole header as it stands in the file: the above, the commitment, the chain hash over both.
core::Bytes encode_header(const SegmentHeader& header);

// The chain: unkeyed SHA-256, so that anyone can follow it.
Digest chain_of_header(core::ConstBytes header_without_chain);
Digest chain_of_frame(const Digest& before, core::ConstBytes frame_without_chain);

// Header extensions: u16 type, u16 size, value.
inline constexpr std::uint16_t tenants_extension = 1;  // each tenant's content key: number, name, commitment
inline constexpr std::uint16_t signer_extension = 2;   // the checkpoint signer's Ed25519 public key, 32 bytes
core::Bytes encode_extension(std::uint16_t type, core::ConstBytes value);
// The value of the first of that type; empty when there is none.
core::ConstBytes extension_of(const SegmentHeader& header, std::uint16_t type);

// A tenant's content key, as the header names it.
struct TenantKey {
  KeyNumber number = 0;  // is_tenant_key()
  std::string name;      // of the tenant
  Digest commitment{};   // to the key, its number and its name
};
inline constexpr std::size_t max_tenants = 256;      // of one segment
inline constexpr std::size_t max_tenant_name = 64;   // bytes
inline constexpr std::size_t max_recipients = 2048;  // of a segment and of its tenants together: a key block's entries
core::Bytes encode_tenants(const std::vector<TenantKey>& tenants);
// nullopt: not of this form, or a number or a name comes twice.
std::optional<std::vector<TenantKey>> parse_tenants(core::ConstBytes value);

struct ParsedHeader {
  SegmentHeader header;
  std::vector<TenantKey> tenants;  // from its extensions
  std::size_t size = 0;            // bytes in the file, chain hash included
  Digest chain{};
  core::Bytes uncommitted;
};
enum class HeaderProblem : std::uint8_t { none, cut_short, not_a_segment, version_unknown, malformed, altered };
std::string_view words(HeaderProblem problem) noexcept;

// `start`: the file's first bytes, max_header_size of them or all there are.
HeaderProblem parse_header(core::ConstBytes start, ParsedHeader& out);

enum class FrameKind : std::uint8_t {
  exchange = 1,      // a whole short exchange: record and both bodies
  begin = 2,         // a long exchange starts to hand on content
  data = 3,          // a piece of a long exchange's content
  end = 4,           // a long exchange's record, with the rest of its content
  declared_gap = 5,  // records were lost; the frame's number says how many
  segment_end = 6,   // the segment's clean end; the frame's number says how many records it holds
  checkpoint = 7,    // signed: what stands before it; its number counts the segment's records so far
  tombstone = 8,     // signed: segments that the writer removed; the frame's number is the last of them
};
// Whether a frame of that kind has an exchange's record, with which the exchange ends.
constexpr bool has_record(FrameKind kind) noexcept { return kind == FrameKind::exchange || kind == FrameKind::end; }

inline constexpr std::uint8_t flag_ignorable = 1;  // a reader that does not know the kind may pass over the frame

struct FrameHead {
  std::uint32_t length = 0;  // the whole frame, from this field to the end of its chain hash
  FrameKind kind{};
  std::uint8_t flags = 0;
  std::uint16_t parts = 0;
  std::uint64_t sequence = 0;  // 0, 1, 2 ... within the segment
  std::uint64_t number = 0;    // the exchange's; see FrameKind for the others
};
void encode(const FrameHead& head, std::byte* to) noexcept;
FrameHead decode_frame_head(const std::byte* from) noexcept;

enum class PartType : std::uint8_t { record = 1, request_body = 2, response_body = 3, note = 4, signed_note = 5 };

struct PartHead {
  std::uint32_t length = 0;  // of what follows: ciphertext and tag
  PartType type{};
  std::uint8_t flags = 0;
  KeyNumber key = metadata_key;
  std::uint32_t step = 0;  // of that key's ratchet
};
void encode(const PartHead& head, std::byte* to) noexcept;
PartHead decode_part_head(const std::byte* from) noexcept;

struct PartView {
  PartHead head;
  std::uint16_t index = 0;
  core::ConstBytes sealed;
};
// The parts of a whole frame (with its chain hash). nullopt when the lengths inside do not add up to the frame's.
std::optional<std::vector<PartView>> parts_of(core::ConstBytes frame);

// Unique within a segment for each part, whatever the key: a (key, nonce) pair cannot come twice.
core::crypto::Aes256Gcm::Nonce part_nonce(std::uint64_t sequence, std::uint16_t part) noexcept;

// What a part's tag also covers: its segment, all that stands before its frame (through the chain), its frame's head
// and its own head.
inline constexpr std::size_t associated_size = 16 + digest_size + frame_head_size + 2 + part_head_size;
using Associated = std::array<std::byte, associated_size>;
Associated part_associated(const SegmentId& segment, const Digest& chain_before, const std::byte* frame_head,
                           std::uint16_t part, const std::byte* part_head) noexcept;

}  // namespace sallyport::logging
