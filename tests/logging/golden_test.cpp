// The golden log of format version 1, committed under tests/vectors: it must open for ever, and the writer must still
// make the same bytes from the same inputs.
#include <fstream>

#include "core/base64.hpp"
#include "logging/checkpoint.hpp"
#include "tests/logging/segment_fixture.hpp"
#include "tests/support/catch.hpp"

namespace sallyport::tests {

using namespace logging;

namespace {

const path golden = path(SOURCE_DIR) / "tests" / "vectors" / "log_v1";
const path golden_signed = path(SOURCE_DIR) / "tests" / "vectors" / "log_v1_signed";

envelope::Identity golden_key(const char* name) {
  const core::Bytes pem = read_whole(golden / name, 1 << 16);
  return envelope::Identity(core::crypto::PrivateKey::from_pem(pem, nullptr));
}

void write_to(const path& file, core::ConstBytes bytes) {
  std::ofstream(file, std::ios::binary) << core::text_of(bytes);
}

// The seed is 00 01 … 1f; before it the one PKCS#8 form of such a key (RFC 8410, section 7).
NoteSigner fixed_signer() {
  core::Bytes der = *core::from_hex("302e020100300506032b657004220420");
  const auto seed = counting_from<32>(0);
  der.insert(der.end(), seed.begin(), seed.end());
  const std::string pem = "-----BEGIN PRIVATE KEY-----\n" + core::to_base64(der) + "\n-----END PRIVATE KEY-----\n";
  return NoteSigner("golden", core::crypto::PrivateKey::from_pem(core::bytes_of(pem), nullptr));
}

SegmentStart fixed_signed_start() {
  SegmentStart start = fixed_start();
  start.number = 2;
  start.previous = {PreviousEnd::sealed, counting_from<16>(0xa0), counting_from<32>(0xc0), 3, 999};
  start.extensions = encode_extension(signer_extension, fixed_signer().verifier().key().raw());
  return start;
}

// A checkpoint, an exchange, the tombstone of segment 1, a checkpoint, the end. Ed25519 signs the same way each time.
core::Bytes fixed_signed_segment() {
  const NoteSigner signer = fixed_signer();
  SegmentWriter writer(fixed_signed_start(), {});
  core::Bytes bytes = writer.header();
  const auto append = [&](FrameKind kind, std::uint64_t number, PartType type, std::string_view text) {
    const Part part[] = {{type, core::bytes_of(text)}};
    writer.append(kind, number, part, type == PartType::signed_note ? flag_ignorable : 0);
  };
  const auto sign = [&](const char* time) {
    const SegmentLink& at = writer.end();
    const Checkpoint checkpoint{"golden", 2, at.id, at.chain, at.frames, at.bytes, time};
    append(FrameKind::checkpoint, writer.records(), PartType::signed_note, signer.sign(text_of(checkpoint)));
  };
  sign("2026-01-02T03:00:00.000000Z");
  append(FrameKind::exchange, 2ull << 32, PartType::record, R"({"request_id":"r-3","status":200})");
  const Tombstone tombstone{"golden", 1, counting_from<16>(0xa0), "age", "2026-01-02T03:00:01.000000Z"};
  append(FrameKind::tombstone, 1, PartType::signed_note, signer.sign(text_of(tombstone)));
  sign("2026-01-02T03:00:02.000000Z");
  append(FrameKind::segment_end, 1, PartType::note, R"({"ended":"2026-01-02T03:00:02.000000Z","records":1})");
  bytes.insert(bytes.end(), writer.pending().begin(), writer.pending().end());
  return bytes;
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

TEST_CASE("the golden signed log of version 1 opens, and its signer is believed by his public key") {
  auto key = golden_key("p256.pem");
  const ReadLog read = read_log(golden_signed, key);
  REQUIRE(read.exchanges.size() == 1);
  CHECK(read.exchanges[0].exchange.metadata == R"({"request_id":"r-3","status":200})");
  VerifyOptions options;
  options.holder = &key;
  options.signers = {NoteVerifier::parse(read_file(golden_signed / "signer.vkey"))};
  const LogReport report = verify_log(golden_signed, options);
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].kind == FindingKind::removed);
  CHECK(report.signed_state->frames == 3);
}

TEST_CASE("the same inputs still make the golden signed segment, byte for byte") {
  CHECK(fixed_signed_segment() == read_whole(golden_signed / segment_name(2), 1 << 20));
}

// Hidden, as the next.
TEST_CASE("make a golden signed log", "[.make]") {
  const auto key = golden_key("p256.pem");
  write_to("signer.vkey", core::bytes_of(fixed_signer().verifier().text() + "\n"));
  write_to(segment_name(2), fixed_signed_segment());
  write_to(keys_name(2), SegmentWriter(fixed_signed_start(), std::vector{key.recipient()}).key_block());
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
