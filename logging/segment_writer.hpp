// One segment in the making: plaintext in, the bytes to append out. No I/O; used by one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "envelope/recipient.hpp"
#include "logging/format.hpp"
#include "logging/segment_keys.hpp"

namespace sallyport::logging {

// Where a segment comes from. The random part is given, so that a test can make the same segment twice.
struct SegmentStart {
  std::string origin;
  std::uint64_t number = 1;
  core::WallTime created;
  SegmentLink previous;
  core::Bytes extensions;  // of the header
  SegmentId id{};
  Salt salt{};
  core::Secret key;

  // Fresh id, salt and key.
  static SegmentStart random();
};

class SegmentWriter {
 public:
  struct Part {
    PartType type;
    core::ConstBytes plain;  // at most max_content_piece; read before append() returns
  };

  // Derives the keys, wraps the segment key to every recipient and forgets it.
  // Throws std::runtime_error when a recipient cannot be wrapped to.
  SegmentWriter(SegmentStart start, std::span<const envelope::Recipient> recipients);

  const core::Bytes& key_block() const noexcept { return key_block_; }
  const core::Bytes& header() const noexcept { return header_; }

  // Seals one frame behind what is pending.
  void append(FrameKind kind, std::uint64_t number, std::span<const Part> parts, std::uint8_t flags = 0);

  // Bytes to append to the file. taken() says that they were.
  core::ConstBytes pending() const noexcept { return pending_; }
  void taken();

  // The keys used since the last ratchet() are gone from memory when it returns.
  void ratchet();

  // How the segment stands with all that was appended, as its successor would declare it.
  const SegmentLink& end() const noexcept { return end_; }
  std::uint64_t records() const noexcept { return records_; }

 private:
  struct Rung {
    explicit Rung(const core::Secret& root) : ladder(root) {}
    Ladder ladder;
    bool used = false;
  };
  void seal_part(std::size_t frame, std::uint16_t index, const Part& part, std::byte* to);

  core::Bytes header_, key_block_, pending_;
  SegmentLink end_;
  std::uint64_t records_ = 0;
  std::vector<Rung> rungs_;  // by KeyNumber
};

}  // namespace sallyport::logging
