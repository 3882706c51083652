// One segment: what it seals opens, with its own key alone, and the keys of what was sealed are gone.
#include "logging/segment_writer.hpp"

#include <fstream>

#include "tests/logging/segment_fixture.hpp"
#include "tests/support/catch.hpp"

namespace sallyport::tests {

using namespace logging;

namespace {

// Every part of a segment in order, opened; "?" where one does not open.
std::vector<std::string> opened(core::ConstBytes segment, PartOpener& opener) {
  MemorySource source(segment);
  FrameWalker walker(source);
  REQUIRE(walker.open() == HeaderProblem::none);
  std::vector<std::string> texts;
  while (walker.next() == FrameWalker::Step::frame) {
    const auto parts = parts_of(walker.frame());
    REQUIRE(parts.has_value());
    for (const PartView& part : *parts) {
      const auto plain = opener.open(walker.frame(), walker.chain_before(), part);
      texts.push_back(plain ? std::string(core::text_of(*plain)) : "?");
    }
  }
  return texts;
}

ParsedHeader header_of(core::ConstBytes segment) {
  ParsedHeader parsed;
  REQUIRE(parse_header(segment, parsed) == HeaderProblem::none);
  return parsed;
}

PartOpener opener_for(core::ConstBytes segment) {
  const ParsedHeader header = header_of(segment);
  return PartOpener(header.header.id, fixed_keys(header));
}

// The bytes with every bit turned, so that the test's own copy is not what it finds.
std::array<std::byte, 32> masked(core::ConstBytes bytes) {
  std::array<std::byte, 32> out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = ~bytes[i];
  return out;
}

// How often the 32 bytes stand anywhere in this process's writable memory. It looks where the sanitizers forbid to
// look.
__attribute__((no_sanitize("address", "thread", "undefined"))) int copies_in_memory(
    const std::array<std::byte, 32>& mask) {
  std::ifstream maps("/proc/self/maps");
  int found = 0;
  std::string line;
  std::vector<std::array<unsigned long, 2>> regions;
  while (std::getline(maps, line)) {
    unsigned long begin = 0, end = 0;
    char access[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, access) != 3) continue;
    if (access[1] == 'w' && line.find("[stack]") == std::string::npos && end - begin < (256ul << 20)) {
      regions.push_back({begin, end});
    }
  }
  for (const auto& [begin, end] : regions) {
    const auto* at = reinterpret_cast<const std::byte*>(begin);
    for (std::size_t size = end - begin; size >= 32; ++at, --size) {
      if (*at != ~mask[0]) continue;
      std::size_t same = 1;
      while (same < 32 && at[same] == ~mask[same]) ++same;
      found += same == 32;
    }
  }
  return found;
}

// The sealing key of a step, masked, computed as the specification says and leaving no trace.
std::array<std::byte, 32> masked_step_key(const core::Secret& root, unsigned step) {
  core::Secret key = root.copy(), both(64);
  for (unsigned i = 0; i <= step; ++i) {
    core::crypto::hkdf_expand(key.reveal(), core::bytes_of("sallyport log 1 step"), both.reveal_for_writing());
    key = core::Secret(both.reveal().first(32));
  }
  return masked(both.reveal().last(32));
}

}  // namespace

TEST_CASE("every part opens, in order and out of order") {
  const core::Bytes segment = fixed_segment({});
  PartOpener opener = opener_for(segment);
  const auto texts = opened(segment, opener);
  REQUIRE(texts.size() == 9);
  CHECK(texts[0] == R"({"request_id":"r-1","status":200})");
  CHECK(texts[1] == R"({"model":"llama"})");
  CHECK(texts[2] == R"({"choices":[]})");
  CHECK(texts[4] == "a long ");
  CHECK(texts[6] == "prompt");
  CHECK(opened(segment, opener) == texts);  // back to step 0
}

TEST_CASE("metadata opens without the content's key, and content without the metadata's") {
  const core::Bytes segment = fixed_segment({});
  const ParsedHeader header = header_of(segment);
  SegmentKeys keys = fixed_keys(header);
  keys.content = core::Secret(core::ConstBytes(counting_from<32>(1)));
  PartOpener metadata_only(header.header.id, keys);
  CHECK(opened(segment, metadata_only)[0] == R"({"request_id":"r-1","status":200})");
  CHECK(opened(segment, metadata_only)[1] == "?");

  keys = fixed_keys(header);
  keys.metadata = core::Secret(core::ConstBytes(counting_from<32>(1)));
  PartOpener content_only(header.header.id, keys);
  CHECK(opened(segment, content_only)[0] == "?");
  CHECK(opened(segment, content_only)[1] == R"({"model":"llama"})");
}

TEST_CASE("a frame is bound to its place: its head, its part heads and all that stands before it") {
  const core::Bytes segment = fixed_segment({});
  PartOpener opener = opener_for(segment);
  MemorySource source(segment);
  FrameWalker walker(source);
  REQUIRE(walker.open() == HeaderProblem::none);
  REQUIRE(walker.next() == FrameWalker::Step::frame);
  const core::Bytes frame(walker.frame().begin(), walker.frame().end());
  const auto opens = [&](core::ConstBytes bytes, const Digest& before) {
    const auto parts = parts_of(bytes);
    return parts && !parts->empty() && opener.open(bytes, before, parts->front()).has_value();
  };
  REQUIRE(opens(frame, walker.chain_before()));
  for (std::size_t at = 0; at < frame_head_size + part_head_size; ++at) {
    core::Bytes changed = frame;
    changed[at] ^= std::byte{1};
    INFO("byte " << at);
    CHECK(!opens(changed, walker.chain_before()));
  }
  Digest other = walker.chain_before();
  other[31] ^= std::byte{1};
  CHECK(!opens(frame, other));
}

TEST_CASE("the header's commitment holds every header field and the key") {
  const core::Bytes segment = fixed_segment({});
  const ParsedHeader header = header_of(segment);
  CHECK(fixed_keys(header).commitment == header.header.commitment);
  ParsedHeader other = header;
  other.uncommitted[40] ^= std::byte{1};
  CHECK(fixed_keys(other).commitment != header.header.commitment);
  const auto wrong = derive_keys(core::Secret(32), header.header.salt, header.uncommitted);
  CHECK(wrong.commitment != header.header.commitment);
}

TEST_CASE("after the ratchet the key of an earlier frame is nowhere in memory") {
  SegmentWriter writer(fixed_start(), {});
  const ParsedHeader header = header_of(writer.header());
  std::array<std::byte, 32> metadata[3], content[3];
  {
    const SegmentKeys keys = fixed_keys(header);
    for (unsigned step = 0; step < 3; ++step) {
      metadata[step] = masked_step_key(keys.metadata, step);
      content[step] = masked_step_key(keys.content, step);
    }
  }
  const Part parts[] = {{PartType::record, core::bytes_of("{}")}, {PartType::request_body, core::bytes_of("content")}};
  writer.append(FrameKind::exchange, 1, parts);
  CHECK(copies_in_memory(metadata[0]) > 0);  // the search finds a key that is there
  CHECK(copies_in_memory(content[0]) > 0);
  writer.ratchet();
  CHECK(copies_in_memory(metadata[0]) == 0);
  CHECK(copies_in_memory(content[0]) == 0);
  CHECK(copies_in_memory(metadata[1]) > 0);

  writer.append(FrameKind::exchange, 2, std::span(parts).first(1));
  writer.ratchet();
  CHECK(copies_in_memory(metadata[1]) == 0);
  CHECK(copies_in_memory(content[1]) > 0);  // it has sealed nothing yet
  CHECK(copies_in_memory(metadata[2]) > 0);
}

TEST_CASE("the segment's own key is nowhere in memory once its writer exists") {
  SegmentStart start = SegmentStart::random();
  start.origin = "test";
  const auto mask = masked(start.key.reveal());
  CHECK(copies_in_memory(mask) > 0);
  const std::vector<envelope::Recipient> recipients{reader_key().recipient()};
  SegmentWriter writer(std::move(start), recipients);
  CHECK(copies_in_memory(mask) == 0);
}

TEST_CASE("a frame at its limit is sealed and one over is refused") {
  SegmentWriter writer(fixed_start(), {});
  const core::Bytes plain(max_frame_size - min_frame_size - part_head_size - tag_size);
  const Part most[] = {{PartType::request_body, plain}};
  writer.append(FrameKind::data, 1, most);
  CHECK(writer.pending().size() == max_frame_size);
  const core::Bytes longer(plain.size() + 1);
  const Part over[] = {{PartType::request_body, longer}};
  CHECK_THROWS_AS(writer.append(FrameKind::data, 1, over), std::length_error);
}

}  // namespace sallyport::tests
