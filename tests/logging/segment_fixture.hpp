// Segments made in memory from fixed inputs, so that every byte but the wrapped key is the same each time.
#pragma once

#include "core/base64.hpp"
#include "logging/frame_walker.hpp"
#include "logging/segment_opener.hpp"
#include "logging/segment_writer.hpp"
#include "tests/logging/log_fixture.hpp"

namespace sallyport::tests {

class MemorySource final : public logging::ByteSource {
 public:
  explicit MemorySource(core::ConstBytes bytes) : bytes_(bytes) {}
  std::size_t read(std::uint64_t offset, core::MutableBytes into) override {
    if (offset >= bytes_.size()) return 0;
    const std::size_t count = std::min(into.size(), bytes_.size() - offset);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  }

 private:
  core::ConstBytes bytes_;
};

// Bytes 00 01 02 … of which each kind of secret takes its own range.
template <std::size_t N>
std::array<std::byte, N> counting_from(unsigned first) {
  std::array<std::byte, N> bytes;
  for (std::size_t i = 0; i < N; ++i) bytes[i] = static_cast<std::byte>(first + i);
  return bytes;
}

inline logging::SegmentStart fixed_start() {
  logging::SegmentStart start;
  start.origin = "golden";
  start.number = 1;
  start.created = FakeClock::start;
  start.id = counting_from<16>(0x10);
  start.salt = counting_from<32>(0x40);
  start.key = core::Secret(core::ConstBytes(counting_from<32>(0x80)));
  return start;
}

inline logging::SegmentKeys fixed_keys(const logging::ParsedHeader& header) {
  return logging::derive_keys(core::Secret(core::ConstBytes(counting_from<32>(0x80))), header.header.salt,
                              header.uncommitted);
}

using Part = logging::SegmentWriter::Part;

// One exchange in one frame, one long one in three, a gap, the end; the keys ratchet between some of them.
inline core::Bytes fixed_segment(const std::vector<envelope::Recipient>& recipients) {
  using logging::FrameKind;
  using logging::PartType;
  logging::SegmentWriter writer(fixed_start(), recipients);
  core::Bytes bytes = writer.header();
  const auto append = [&](FrameKind kind, std::uint64_t number, std::initializer_list<Part> parts) {
    writer.append(kind, number, std::vector<Part>(parts));
  };
  const auto text = [](std::string_view words) { return core::bytes_of(words); };
  append(FrameKind::exchange, 1ull << 32,
         {{PartType::record, text(R"({"request_id":"r-1","status":200})")},
          {PartType::request_body, text(R"({"model":"llama"})")},
          {PartType::response_body, text(R"({"choices":[]})")}});
  writer.ratchet();
  append(FrameKind::begin, (1ull << 32) + 1, {{PartType::note, text(R"({"opened":"2026-01-02T03:00:00.000000Z"})")}});
  append(FrameKind::data, (1ull << 32) + 1, {{PartType::request_body, text("a long ")}});
  writer.ratchet();
  append(FrameKind::end, (1ull << 32) + 1,
         {{PartType::record, text(R"({"request_id":"r-2","status":200})")}, {PartType::request_body, text("prompt")}});
  append(FrameKind::declared_gap, 3, {{PartType::note, text(R"({"declared":"2026-01-02T03:00:01.000000Z"})")}});
  append(FrameKind::segment_end, 2, {{PartType::note, text(R"({"ended":"2026-01-02T03:00:02.000000Z","records":2})")}});
  bytes.insert(bytes.end(), writer.pending().begin(), writer.pending().end());
  return bytes;
}

}  // namespace sallyport::tests
