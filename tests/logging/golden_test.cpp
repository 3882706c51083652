// The golden log of format version 1, committed under tests/vectors: it must open for ever, and the writer must still
// make the same bytes from the same inputs.
#include <fstream>

#include "tests/logging/segment_fixture.hpp"
#include "tests/support/catch.hpp"

namespace sallyport::tests {

using namespace logging;

namespace {

const path golden = path(SOURCE_DIR) / "tests" / "vectors" / "log_v1";

envelope::Identity golden_key(const char* name) {
  const core::Bytes pem = read_whole(golden / name, 1 << 16);
  return envelope::Identity(core::crypto::PrivateKey::from_pem(pem, nullptr));
}

void write_to(const path& file, core::ConstBytes bytes) {
  std::ofstream(file, std::ios::binary) << core::text_of(bytes);
}

}  // namespace

TEST_CASE("the golden log of version 1 opens with each of its keys") {
  auto key = golden_key(GENERATE("p256.pem", "rsa3072.pem"));
  const ReadLog read = read_log(golden, key);
  REQUIRE(read.exchanges.size() == 2);
  CHECK(read.exchanges[0].exchange.metadata == R"({"request_id":"r-1","status":200})");
  CHECK(read.exchanges[0].request == R"({"model":"llama"})");
  CHECK(read.exchanges[0].response == R"({"choices":[]})");
  CHECK(read.exchanges[1].exchange.metadata == R"({"request_id":"r-2","status":200})");
  CHECK(read.exchanges[1].request == "a long prompt");
  CHECK(read.troubles == std::vector<std::string>{"1: the writer lost 3 records here, and says so"});
  CHECK(findings_of(golden, &key) == std::vector<std::string>{"gap-declared@1"});
}

TEST_CASE("the same inputs still make the golden segment, byte for byte") {
  CHECK(fixed_segment({}) == read_whole(golden / segment_name(1), 1 << 20));
}

// Hidden: run once for each format version, by name, with the working directory where the files shall stand.
TEST_CASE("make a golden log", "[.make]") {
  const auto p256 = core::crypto::PrivateKey::generate_p256(), rsa = core::crypto::PrivateKey::generate_rsa(3072);
  write_to("p256.pem", p256.pem().reveal());
  write_to("rsa3072.pem", rsa.pem().reveal());
  const std::vector recipients{envelope::Recipient::of(p256.public_key()), envelope::Recipient::of(rsa.public_key())};
  write_to(segment_name(1), fixed_segment(recipients));
  write_to(keys_name(1), SegmentWriter(fixed_start(), recipients).key_block());
}

}  // namespace sallyport::tests
