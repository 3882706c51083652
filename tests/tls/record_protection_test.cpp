#include "tls/record_protection.hpp"

#include <algorithm>
#include <string>

#include "core/base64.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::tls;

namespace {

core::Bytes bytes(std::string_view hex) { return *core::from_hex(hex); }

core::Secret secret(std::string_view hex) { return core::Secret{core::ConstBytes(bytes(hex))}; }

// client_application_traffic_secret_0 of RFC 8448 §3.
constexpr std::string_view traced = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
const CipherSuite traced_suite = *cipher_suite_of(0x1301);

core::Bytes sealed(RecordProtection& protection, ContentType type, core::ConstBytes content) {
  core::Bytes record(record_header_size);
  record.insert(record.end(), content.begin(), content.end());
  protection.seal(type, record, 0);
  return record;
}

// "TYPE SIZE", or "refused".
std::string opened(RecordProtection& protection, core::ConstBytes record) {
  core::Bytes room(RecordProtection::room_to_open(record));
  const auto content = protection.open(record, room);
  if (!content) return "refused";
  return std::to_string(static_cast<int>(content->type)) + " " + std::to_string(content->size);
}

}  // namespace

TEST_CASE("records are sealed and opened as in RFC 8448 section 3") {
  core::Bytes content(50);
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::byte>(i);
  const core::Bytes data = bytes(
      "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292a2"
      "977014bd1e3deae63aeebb21694915e4");
  const core::Bytes goodbye = bytes("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3");

  RecordProtection sealing(traced_suite, secret(traced));
  CHECK(core::to_hex(sealed(sealing, ContentType::application_data, content)) == core::to_hex(data));
  CHECK(core::to_hex(sealed(sealing, ContentType::alert, bytes("0100"))) == core::to_hex(goodbye));

  RecordProtection opening(traced_suite, secret(traced));
  CHECK(opened(opening, data) == "23 50");
  CHECK(opened(opening, goodbye) == "21 2");
}

TEST_CASE("a direction may begin behind records that another sealed under its secret") {
  RecordProtection first(traced_suite, secret(traced)), later(traced_suite, secret(traced), 1);
  sealed(first, ContentType::application_data, {});
  CHECK(sealed(first, ContentType::alert, bytes("0100")) == sealed(later, ContentType::alert, bytes("0100")));
}

TEST_CASE("every suite seals and opens records, before and after a key update", "[records]") {
  const auto number = GENERATE(0x1301, 0x1302, 0x1303);
  const CipherSuite suite = *cipher_suite_of(static_cast<std::uint16_t>(number));
  const std::string_view key = suite.hash == core::crypto::Hash::sha384
                                   ? "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                                     "202122232425262728292a2b2c2d2e2f"
                                   : traced;
  RecordProtection sealing(suite, secret(key)), opening(suite, secret(key));
  for (int generation = 0; generation < 3; ++generation) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, record_content_limit}) {
      const core::Bytes record = sealed(sealing, ContentType::application_data, core::Bytes(size, std::byte{'x'}));
      CHECK(record.size() == size + record_overhead);
      CHECK(record_size_of(record) == record.size());
      CHECK(opened(opening, record) == "23 " + std::to_string(size));
    }
    sealing = sealing.next();
    CHECK(opened(opening, sealed(sealing, ContentType::application_data, bytes("00"))) == "refused");
    sealing = sealing.next();
    opening = opening.next();
    opening = opening.next();
  }
}

TEST_CASE("a record that was changed, cut, repeated, skipped or moved is refused", "[records]") {
  RecordProtection sealing(traced_suite, secret(traced));
  const core::Bytes first = sealed(sealing, ContentType::application_data, bytes("0102030405"));
  const core::Bytes second = sealed(sealing, ContentType::application_data, bytes("0102030405"));
  const auto fresh = [] { return RecordProtection(traced_suite, secret(traced)); };
  for (std::size_t bit = 0; bit < 8 * first.size(); ++bit) {
    auto opening = fresh();
    core::Bytes changed = first;
    changed[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    CHECK(opened(opening, changed) == "refused");
  }
  for (std::size_t size = record_header_size; size < first.size(); ++size) {
    auto opening = fresh();
    CHECK(opened(opening, core::ConstBytes(first).first(size)) == "refused");
  }
  auto skipping = fresh(), repeating = fresh();
  CHECK(opened(skipping, second) == "refused");
  CHECK(opened(repeating, first) == "23 5");
  CHECK(opened(repeating, first) == "refused");
}

TEST_CASE("what a record is stands behind its content, before any padding", "[records]") {
  RecordProtection sealing(traced_suite, secret(traced)), opening(traced_suite, secret(traced));
  // Sealed as an alert of content, type and padding: its own type goes behind, as zero.
  const auto padded = [&](std::string_view hex) { return sealed(sealing, ContentType::none, bytes(hex)); };
  CHECK(opened(opening, padded("6869170000")) == "23 2");
  CHECK(opened(opening, padded("020000160000")) == "22 3");
  CHECK(opened(opening, padded("0000")) == "0 0");
  CHECK(opened(opening, padded("")) == "0 0");
}
