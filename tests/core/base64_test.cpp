#include "core/base64.hpp"

#include <utility>

#include "tests/support/catch.hpp"

using namespace sallyport::core;

namespace {

std::string text(const std::optional<Bytes>& bytes) { return bytes ? std::string(text_of(*bytes)) : "(refused)"; }

}  // namespace

TEST_CASE("base64 gives the values of RFC 4648 section 10, and takes them back") {
  const std::pair<const char*, const char*> values[] = {{"", ""},
                                                        {"f", "Zg=="},
                                                        {"fo", "Zm8="},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg=="},
                                                        {"fooba", "Zm9vYmE="},
                                                        {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : values) {
    CHECK(to_base64(bytes_of(plain)) == encoded);
    CHECK(text(from_base64(encoded)) == plain);
    const std::string unpadded = std::string(encoded).substr(0, std::string_view(encoded).find('='));
    CHECK(to_base64url(bytes_of(plain)) == unpadded);
    CHECK(text(from_base64url(unpadded)) == plain);
  }
}

TEST_CASE("the two alphabets differ in their last two digits and neither takes the other's") {
  const Bytes bytes = {std::byte{0xfb}, std::byte{0xff}, std::byte{0xbf}};
  CHECK(to_base64(bytes) == "+/+/");
  CHECK(to_base64url(bytes) == "-_-_");
  CHECK_FALSE(from_base64("-_-_").has_value());
  CHECK_FALSE(from_base64url("+/+/").has_value());
}

TEST_CASE("base64 with more than one spelling is refused") {
  // Missing, surplus, misplaced padding; white space; unused bits that are not zero; a digit that carries no byte.
  for (const char* bad : {"Zg", "Zg=", "Zg===", "Zm9v====", "=", "==", "====", "Z===", "Zg==Zg==", "Z=g=", "Zm9v\n",
                          " Zm9v", "Zm 9", "Zh==", "Zm9=", "Zm9\x80", "Zm9*"}) {
    INFO(bad);
    CHECK_FALSE(from_base64(bad).has_value());
  }
  for (const char* bad : {"Zg==", "Z", "Zm9vY", "Zh", "Zm9", "Zm9v\n"}) {
    INFO(bad);
    CHECK_FALSE(from_base64url(bad).has_value());
  }
  CHECK_FALSE(from_base64(std::string_view("Zm9\0", 4)).has_value());
}

TEST_CASE("hex is lower-case and whole") {
  const Bytes bytes = {std::byte{0x00}, std::byte{0x7f}, std::byte{0xff}};
  CHECK(to_hex(bytes) == "007fff");
  CHECK(from_hex("007fff") == bytes);
  CHECK(from_hex("") == Bytes{});
  for (const char* bad : {"0", "007", "0g", "FF", " 00", "0x00"}) {
    INFO(bad);
    CHECK_FALSE(from_hex(bad).has_value());
  }
}

TEST_CASE("every byte at every length comes back, and no cut-off text decodes to the whole") {
  Bytes bytes;
  for (unsigned size = 0; size < 260; ++size) {
    CHECK(from_base64(to_base64(bytes)) == bytes);
    CHECK(from_base64url(to_base64url(bytes)) == bytes);
    CHECK(from_hex(to_hex(bytes)) == bytes);
    bytes.push_back(static_cast<std::byte>(size * 7));
  }
  const std::string whole = to_base64(bytes);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const auto part = from_base64(std::string_view(whole).substr(0, cut));
    CHECK(part.has_value() == (cut % 4 == 0));
    CHECK(part != bytes);
  }
}
