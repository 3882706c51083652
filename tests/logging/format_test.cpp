#include "logging/format.hpp"

#include "tests/logging/segment_fixture.hpp"
#include "tests/support/catch.hpp"

namespace sallyport::tests {

using namespace logging;

namespace {

SegmentHeader some_header() {
  SegmentHeader header;
  header.id = counting_from<16>(1);
  header.number = 7;
  header.created_ns = 123456789;
  header.salt = counting_from<32>(2);
  header.previous = {PreviousEnd::torn, counting_from<16>(3), counting_from<32>(4), 5, 600};
  header.origin = "gateway-1";
  header.extensions = {std::byte{1}, std::byte{2}};
  header.commitment = counting_from<32>(5);
  return header;
}

KeyBlock some_key_block() {
  KeyBlock block;
  block.segment = counting_from<16>(1);
  block.generation = 3;
  block.entries.push_back({metadata_key, 1, "0123456789abcdef", core::Bytes(97, std::byte{9})});
  block.entries.push_back({7, 2, "x", {}});
  block.mac = counting_from<32>(8);
  return block;
}

}  // namespace

TEST_CASE("a header comes back as it was written") {
  const SegmentHeader header = some_header();
  const core::Bytes bytes = encode_header(header);
  ParsedHeader parsed;
  REQUIRE(parse_header(bytes, parsed) == HeaderProblem::none);
  CHECK(parsed.size == bytes.size());
  CHECK(parsed.header.id == header.id);
  CHECK(parsed.header.number == 7);
  CHECK(parsed.header.created_ns == 123456789);
  CHECK(parsed.header.salt == header.salt);
  CHECK(parsed.header.previous == header.previous);
  CHECK(parsed.header.origin == "gateway-1");
  CHECK(parsed.header.extensions == header.extensions);
  CHECK(parsed.header.commitment == header.commitment);
  CHECK(parsed.uncommitted == encode_uncommitted(header));
}

TEST_CASE("a header cut anywhere is cut short, and one changed anywhere is refused") {
  const core::Bytes bytes = encode_header(some_header());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ParsedHeader parsed;
    INFO("cut to " << size);
    CHECK(parse_header(core::ConstBytes(bytes).first(size), parsed) == HeaderProblem::cut_short);
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    core::Bytes changed = bytes;
    changed[at] ^= std::byte{0x01};
    ParsedHeader parsed;
    INFO("changed at " << at);
    CHECK(parse_header(changed, parsed) != HeaderProblem::none);
  }
}

TEST_CASE("another version or suite is named as such") {
  SegmentHeader header = some_header();
  header.version = 2;
  ParsedHeader parsed;
  CHECK(parse_header(encode_header(header), parsed) == HeaderProblem::version_unknown);
  header = some_header();
  header.suite = 2;
  CHECK(parse_header(encode_header(header), parsed) == HeaderProblem::version_unknown);
  CHECK(parse_header(core::bytes_of("a text file of somebody else's"), parsed) == HeaderProblem::not_a_segment);
}

TEST_CASE("a key block comes back, and none that is cut or longer does") {
  const KeyBlock block = some_key_block();
  const core::Bytes bytes = encode_key_block(block);
  const auto parsed = parse_key_block(bytes);
  REQUIRE(parsed.has_value());
  CHECK(parsed->segment == block.segment);
  CHECK(parsed->generation == 3);
  REQUIRE(parsed->entries.size() == 2);
  CHECK(parsed->entries[0].recipient_id == "0123456789abcdef");
  CHECK(parsed->entries[0].wrapped.size() == 97);
  CHECK(parsed->entries[1].key == 7);
  CHECK(parsed->mac == block.mac);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK(!parse_key_block(core::ConstBytes(bytes).first(size)));
  }
  core::Bytes longer = bytes;
  longer.push_back(std::byte{0});
  CHECK(!parse_key_block(longer));
}

TEST_CASE("a frame's parts must add up to its length") {
  const core::Bytes segment = fixed_segment({});
  MemorySource source(segment);
  FrameWalker walker(source);
  REQUIRE(walker.open() == HeaderProblem::none);
  REQUIRE(walker.next() == FrameWalker::Step::frame);
  core::Bytes frame(walker.frame().begin(), walker.frame().end());
  const auto parts = parts_of(frame);
  REQUIRE(parts.has_value());
  CHECK(parts->size() == 3);
  CHECK((*parts)[1].head.key == content_key);
  CHECK(!parts_of(core::ConstBytes(frame).first(frame.size() - 1)));
  frame[frame_head_size + 3] ^= std::byte{1};  // the first part's length
  CHECK(!parts_of(frame));
}

TEST_CASE("no two parts of a segment share a nonce") {
  CHECK(part_nonce(0, 1) != part_nonce(1, 0));
  CHECK(core::to_hex(part_nonce(0x0102030405060708, 0x0a0b)) == "00000a0b0102030405060708");
}

}  // namespace sallyport::tests
