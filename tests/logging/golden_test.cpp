// The golden log of format version 1, committed under tests/vectors: it must open for ever, and the writer must still
// make the same bytes from the same inputs.
#include <fstream>

#include "core/base64.hpp"
#include "core/hybrid_key.hpp"
#include "logging/checkpoint.hpp"
#include "logging/rewrap.hpp"
#include "tests/logging/segment_fixture.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skipped.hpp"

namespace sallyport::tests {

using namespace logging;

namespace {

const path golden = path(SOURCE_DIR) / "tests" / "vectors" / "log_v1";
const path golden_pq = path(SOURCE_DIR) / "tests" / "vectors" / "log_v1_pq";
const path golden_signed = path(SOURCE_DIR) / "tests" / "vectors" / "log_v1_signed";
const path golden_tenants = path(SOURCE_DIR) / "tests" / "vectors" / "log_v1_tenants";

envelope::Identity golden_key(const char* name, const path& directory = golden) {
  const core::Bytes pem = read_whole(directory / name, 1 << 16);
  return envelope::Identity(core::crypto::PrivateKey::from_pem(pem, nullptr));
}

core::crypto::HybridPrivateKey golden_pq_key() {
  return *core::crypto::HybridPrivateKey::from_pem(read_whole(golden_pq / "mlkem768-x25519.pem", 1 << 16), nullptr);
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

// acme, whose key nobody else has; globex, whose content the operator reads too; initech, whose key gets erased.
SegmentStart fixed_tenants_start(std::vector<envelope::Recipient> acme, std::vector<envelope::Recipient> globex,
                                 std::vector<envelope::Recipient> initech) {
  SegmentStart start = fixed_start();
  const auto add = [&](KeyNumber number, const char* name, std::vector<envelope::Recipient> recipients) {
    core::Secret key{core::ConstBytes(counting_from<32>(0xa0 + number))};
    start.tenants.push_back({number, name, std::move(recipients), std::move(key)});
  };
  add(2, "acme", std::move(acme));
  add(3, "globex", std::move(globex));
  add(7, "initech", std::move(initech));
  return start;
}

// An exchange of the operator's, one of acme's, a long one of globex's and one of initech's.
core::Bytes fixed_tenants_segment() {
  SegmentWriter writer(fixed_tenants_start({}, {}, {}), {});
  core::Bytes bytes = writer.header();
  const auto text = [](std::string_view words) { return core::bytes_of(words); };
  const auto append = [&](FrameKind kind, std::uint64_t number, std::vector<Part> parts) {
    writer.append(kind, (1ull << 32) + number, parts);
    writer.ratchet();
  };
  const auto short_one = [&](std::uint64_t number, std::string_view record, KeyNumber key, std::string_view body) {
    append(FrameKind::exchange, number,
           {{PartType::record, text(record)},
            {PartType::record, text(record), key},
            {PartType::request_body, text(body), key}});
  };
  append(FrameKind::exchange, 0,
         {{PartType::record, text(R"({"request_id":"r-1","status":200})")},
          {PartType::request_body, text("for the operator")}});
  short_one(1, R"({"request_id":"r-2","tenant":"acme","status":200})", 2, "for acme alone");
  const std::string_view opened = R"({"opened":"2026-01-02T03:00:00.000000Z"})",
                         record = R"({"request_id":"r-3","tenant":"globex","status":200})";
  append(FrameKind::begin, 2, {{PartType::note, text(opened)}, {PartType::note, text(opened), 3}});
  append(FrameKind::data, 2, {{PartType::note, text("{}")}, {PartType::request_body, text("for globex "), 3}});
  append(FrameKind::end, 2,
         {{PartType::record, text(record)},
          {PartType::record, text(record), 3},
          {PartType::request_body, text("and the operator"), 3}});
  short_one(3, R"({"request_id":"r-4","tenant":"initech","status":200})", 7, "for nobody");
  const Part end[] = {{PartType::note, text(R"({"ended":"2026-01-02T03:00:02.000000Z","records":4})")}};
  writer.append(FrameKind::segment_end, 4, end);
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

// One key block was made by OpenSSL's ML-KEM, the other by npm's hpke with @panva/hpke-noble.
TEST_CASE("the golden post-quantum log of version 1 opens, whoever wrapped its key") {
  if (!core::crypto::hybrid_available()) {
    CHECK_THROWS_WITH(golden_pq_key(), core::crypto::hybrid_needs);
    return skipped(no_ml_kem);
  }
  envelope::Identity key(golden_pq_key());
  const TemporaryDirectory log;
  std::filesystem::copy_file(golden_pq / segment_name(1), log / segment_name(1));
  std::filesystem::copy_file(golden_pq / GENERATE(keys_name(1), std::string("by_hpke.keys")), log / keys_name(1));
  const ReadLog read = read_log(log.where(), key);
  REQUIRE(read.exchanges.size() == 2);
  CHECK(read.exchanges[0].exchange.metadata == R"({"request_id":"r-1","status":200})");
  CHECK(read.exchanges[1].request == "a long prompt");
  CHECK(findings_of(log.where(), &key) == std::vector<std::string>{"gap-declared@1"});
}

// Hidden, as the next two. The key is the example of draft-connolly-cfrg-xwing-kem.
TEST_CASE("make a golden post-quantum log", "[.make]") {
  const std::vector recipients{envelope::Recipient::of(golden_pq_key().public_key())};
  write_to(segment_name(1), fixed_segment(recipients));
  write_to(keys_name(1), SegmentWriter(fixed_start(), recipients).key_block());
}

TEST_CASE("the golden log of tenants opens with each tenant's key, and says what was erased") {
  auto acme = golden_key("acme.pem", golden_tenants), globex = golden_key("rsa3072.pem"),
       operators = golden_key("p256.pem");
  ReadLog read = read_log(golden_tenants, acme);
  REQUIRE(read.exchanges.size() == 1);
  CHECK(read.find("r-2")->request == "for acme alone");
  CHECK(read.passed_over == 3);
  read = read_log(golden_tenants, globex);
  REQUIRE(read.exchanges.size() == 1);
  CHECK(read.find("r-3")->request == "for globex and the operator");
  read = read_log(golden_tenants, operators);
  REQUIRE(read.exchanges.size() == 4);
  CHECK(read.find("r-1")->request == "for the operator");
  CHECK(read.find("r-2")->sealed_for == "acme");
  CHECK(read.find("r-3")->request == "for globex and the operator");
  CHECK(read.find("r-4")->sealed_for == "initech");
  for (envelope::KeyHolder* key : std::initializer_list<envelope::KeyHolder*>{nullptr, &acme, &globex, &operators}) {
    CHECK(findings_of(golden_tenants, key) == std::vector<std::string>{"erased@1"});
  }
}

TEST_CASE("the same inputs still make the golden segment of tenants, byte for byte") {
  CHECK(fixed_tenants_segment() == read_whole(golden_tenants / segment_name(1), 1 << 20));
}

// Hidden, as the next two.
TEST_CASE("make a golden log of tenants", "[.make]") {
  const auto acme = core::crypto::PrivateKey::generate_p256();
  write_to("acme.pem", acme.pem().reveal());
  const auto operators = golden_key("p256.pem").recipient(), globex = golden_key("rsa3072.pem").recipient();
  write_to(segment_name(1), fixed_tenants_segment());
  auto start = fixed_tenants_start({envelope::Recipient::of(acme.public_key())}, {globex, operators}, {globex});
  write_to(keys_name(1), SegmentWriter(std::move(start), std::vector{operators}).key_block());
  auto key = golden_key("p256.pem");
  REQUIRE(erase_tenant(segment_name(1), key, "initech", FakeClock::start).outcome == Rewrapped::done);
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
