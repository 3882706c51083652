#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "auth/token_text.hpp"
#include "core/base64.hpp"
#include "core/crypto.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::auth;

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// The body is 0x00 0x01 … 0x1f; the checksum was computed with another implementation of SHA-256:
// printf %s sp-AAEC…Hh8 | openssl dgst -sha256 -binary | base64 | tr +/ -_ | cut -c1-6
constexpr std::string_view known_token = "sp-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh87vbfIi";

std::string new_text() { return std::string(make_token_text().reveal_text()); }

}  // namespace

TEST_CASE("a token is sp-, 43 characters of randomness and 6 of checksum") {
  const std::string text = new_text();
  CHECK(text.size() == 52);
  CHECK(text.starts_with("sp-"));
  CHECK(text.find_first_not_of(alphabet, 3) == std::string::npos);
  CHECK(core::from_base64url(text.substr(3, 43)).value().size() == 32);
  CHECK(is_well_formed_token(text));
}

TEST_CASE("the checksum is the first 36 bits of SHA-256 over all that stands before it") {
  CHECK(is_well_formed_token(known_token));
  const auto digest = core::crypto::sha256(core::bytes_of(known_token.substr(0, 46)));
  CHECK(core::to_base64url(digest).substr(0, 6) == known_token.substr(46));
}

TEST_CASE("no two tokens are equal") {
  std::set<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.insert(new_text());
  CHECK(texts.size() == 1000);
}

TEST_CASE("the checksum finds every single wrong character") {
  const std::string text(known_token);
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      std::string typo = text;
      typo[i] = static_cast<char>(c);
      if (typo != text && is_well_formed_token(typo)) ++accepted;
    }
  }
  CHECK(accepted == 0);
}

TEST_CASE("the checksum finds every swap of two neighbours") {
  std::size_t accepted = 0;
  for (int round = 0; round < 20; ++round) {
    const std::string text = new_text();
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
      std::string swapped = text;
      std::swap(swapped[i], swapped[i + 1]);
      if (swapped != text && is_well_formed_token(swapped)) ++accepted;
    }
  }
  CHECK(accepted == 0);
}

TEST_CASE("a token that is cut short, grown, spaced or wrapped is not well-formed") {
  const std::string text(known_token);
  for (std::size_t size = 0; size < text.size(); ++size) CHECK_FALSE(is_well_formed_token(text.substr(0, size)));
  CHECK_FALSE(is_well_formed_token(text + "A"));
  CHECK_FALSE(is_well_formed_token(text + "\n"));
  CHECK_FALSE(is_well_formed_token(" " + text));
  CHECK_FALSE(is_well_formed_token("Sp-" + text.substr(3)));
  CHECK_FALSE(is_well_formed_token("sk-" + text.substr(3)));
  CHECK_FALSE(is_well_formed_token(std::string(52, 'A')));
  CHECK_FALSE(is_well_formed_token(std::string(1 << 20, 'A')));
}

TEST_CASE("characters of the other base64 and whatever else are refused even under a checksum that fits") {
  for (const char c : {'+', '/', '=', ' ', '.', '\0', '\x7f', '\x80', '@', '[', '`', '{'}) {
    std::string covered = "sp-" + std::string(42, 'A') + c;
    const auto digest = core::crypto::sha256(core::bytes_of(covered));
    CHECK_FALSE(is_well_formed_token(covered + core::to_base64url(digest).substr(0, 6)));
  }
  for (const char c : alphabet) {
    std::string covered = "sp-" + std::string(42, 'A') + c;
    const auto digest = core::crypto::sha256(core::bytes_of(covered));
    CHECK(is_well_formed_token(covered + core::to_base64url(digest).substr(0, 6)));
  }
}

TEST_CASE("the hash of a token is SHA-256 of the whole text") {
  // printf %s TOKEN | sha256sum, so that an operator can tell which token leaked
  CHECK(core::to_hex(hash_token(known_token)) == "caf52e0fdc028971f325cf4968c1df132f68965196aa0cb11c26793b270b87a3");
}

TEST_CASE("an id is public, has one form and is never the same") {
  const std::string id = make_token_id();
  CHECK(id.size() == 19);
  CHECK(id.starts_with("tk-"));
  CHECK(core::from_hex(id.substr(3)));
  CHECK(make_token_id() != id);
}

TEST_CASE("what is secret is compared in constant time and nowhere else") {
  std::ostringstream source;
  source << std::ifstream(SOURCE_DIR "/auth/token_text.cpp").rdbuf();
  source << std::ifstream(SOURCE_DIR "/auth/authenticator.cpp").rdbuf();
  const std::string text = source.str();
  std::size_t constant_time = 0;
  for (auto at = text.find("crypto::equal("); at != text.npos; at = text.find("crypto::equal(", at + 1))
    ++constant_time;
  CHECK(constant_time == 3);  // the checksum, two shown credentials, the hash
  CHECK(text.find("memcmp") == text.npos);
  CHECK(text.find("hash ==") == text.npos);
}
