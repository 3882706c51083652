// One segment in the making: plaintext in, the bytes to append out. No I/O; used by one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "envelope/recipient.hpp"
#include "logging/key_block.hpp"
#include "logging/segment_keys.hpp"

namespace sallyport::logging {

// A tenant's content key in the making.
struct TenantStart {
  KeyNumber number = 0;
  std::string name;
  std::vector<envelope::Recipient> recipients;
  core::Secret key;
};

// Where a segment comes from. The random part is given, so that a test can make the same segment twice.
struct SegmentStart {
  std::string origin;
  std::uint64_t number = 1;
  core::WallTime created;
  SegmentLink previous;
  core::Bytes extensions;  // of the header; that of the tenants is made from what follows
  SegmentId id{};
  Salt salt{};
  core::Secret key;
  std::vector<TenantStart> tenants;  // in the order of their numbers

  // Fresh id, salt and key; no tenants.
  static SegmentStart random();
};

class SegmentWriter {
 public:
  struct Part {
    PartType type;
    core::ConstBytes plain;  // at most max_content_piece; read before append() returns
    // Seals bodies; of a tenant, records and notes too. One that the segment does not have must not be given.
    KeyNumber content = content_key;
  };

  // Derives the keys, wraps the segment key to every recipient, each tenant's to its own, and forgets them.
  // Throws std::runtime_error when a recipient cannot be wrapped to.
  SegmentWriter(SegmentStart start, std::span<const envelope::Recipient> recipients);

  const core::Bytes& key_block() const noexcept { return key_block_; }
  const core::Bytes& header() const noexcept { return header_; }

  // Seals one frame behind what is pending.
  void append(FrameKind kind, std::uint64_t number, std::span<const Part> parts, std::uint8_t flags = 0);

  // Bytes to append to the file. taken() says that they were.
  core::ConstBytes pending() const noexcept { return core::ConstBytes(buffer_).first(pending_); }
  void taken();

  // The keys used since the last ratchet() are gone from memory when it returns.
  void ratchet();

  bool has_key(KeyNumber number) noexcept { return find(number) != nullptr; }

  // How the segment stands with all that was appended, as its successor would declare it.
  const SegmentLink& end() const noexcept { return end_; }
  std::uint64_t records() const noexcept { return records_; }

 private:
  struct SealingKey {
    SealingKey(KeyNumber its_number, const core::Secret& root) : number(its_number), ratchet(root) {}
    KeyNumber number;
    Ratchet ratchet;
    bool used = false;
  };
  SealingKey* find(KeyNumber number) noexcept;
  void seal_part(std::size_t frame, std::uint16_t index, const Part& part, std::byte* to);

  core::Bytes header_, key_block_;
  core::Bytes buffer_;       // is kept: room for a frame need not be filled with zeros each time
  std::size_t pending_ = 0;  // bytes at its front
  SegmentLink end_;
  std::uint64_t records_ = 0;
  std::vector<SealingKey> keys_;   // in the order of their numbers; metadata and content come first
  std::vector<SealingKey*> used_;  // since the last ratchet()
};

}  // namespace sallyport::logging
