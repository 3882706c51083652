#include "core/rsa_token.hpp"

#include <fstream>

#include "core/crypto.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/vectors.hpp"

using namespace sallyport::core;
using namespace sallyport::core::crypto;
using namespace sallyport::tests;

namespace {

// MGF1 with SHA-256 (RFC 8017 appendix B.2.1), XORed onto `target`.
void mask(ConstBytes seed, MutableBytes target) {
  for (std::size_t block = 0; block * 32 < target.size(); ++block) {
    Bytes input(seed.begin(), seed.end());
    for (int shift = 24; shift >= 0; shift -= 8) input.push_back(static_cast<std::byte>(block >> shift));
    const Digest digest = sha256(input);
    for (std::size_t i = 0; i < 32 && block * 32 + i < target.size(); ++i) target[block * 32 + i] ^= digest[i];
  }
}

// What a token's bare operation gives for an OAEP ciphertext (RFC 8017 section 7.1.1), with what a test wants wrong.
struct Block {
  std::size_t size = 384;
  std::string message = "0123456789abcdef0123456789abcdef";
  std::string label;
  std::byte first{0};
  std::byte separator{1};

  Bytes bytes() const {
    Bytes em(size);
    const MutableBytes seed = MutableBytes(em).subspan(1, 32), data = MutableBytes(em).subspan(33);
    for (std::byte& byte : seed) byte = std::byte{0x5a};
    std::ranges::copy(sha256(bytes_of(label)), data.begin());
    data[data.size() - message.size() - 1] = separator;
    std::ranges::copy(bytes_of(message), data.last(message.size()).begin());
    mask(seed, data);
    mask(data, seed);
    em[0] = first;
    return em;
  }
};

bool refused(const Block& block) {
  const auto opened = unpad_oaep_sha256(block.bytes());
  return opened.has_error() && opened.error() == Error{Reason::not_authentic};
}

}  // namespace

TEST_CASE("OAEP padding comes off a block of any RSA size, for any length that fits") {
  for (const std::size_t size : {256u, 384u, 512u, 1024u}) {
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{64}, size - 66}) {
      const Block block{size, std::string(length, 'k'), "", {}, std::byte{1}};
      const auto opened = unpad_oaep_sha256(block.bytes());
      REQUIRE(opened.has_value());
      CHECK(opened->reveal_text() == block.message);
    }
  }
}

TEST_CASE("a block with its first byte, label or separator wrong, or cut short, is not authentic") {
  Block other_first, other_label, other_separator;
  other_first.first = std::byte{1};
  other_label.label = "x";
  other_separator.separator = std::byte{2};
  CHECK_FALSE(refused({}));
  CHECK(refused(other_first));
  CHECK(refused(other_label));
  CHECK(refused(other_separator));
  Bytes block = Block{}.bytes();
  for (const std::size_t at : {std::size_t{1}, std::size_t{32}, std::size_t{33}, block.size() - 40}) {
    block[at] ^= std::byte{1};
    CHECK(unpad_oaep_sha256(block).has_error());
    block[at] ^= std::byte{1};
  }
  for (std::size_t size = 0; size < block.size(); ++size) {
    REQUIRE(unpad_oaep_sha256(ConstBytes(block).first(size)).has_error());
  }
}

TEST_CASE("an RSA public key is made of its numbers, and only of sound ones") {
  // DER: SEQUENCE { AlgorithmIdentifier, BIT STRING { SEQUENCE { INTEGER modulus, INTEGER 65537 } } }.
  const PublicKey key = PrivateKey::generate_rsa(2048).public_key();
  const Bytes der = key.der();
  const Bytes exponent = hex(std::string("010001"));
  const Bytes modulus(der.end() - 5 - 256, der.end() - 5);
  const auto made = rsa_public_key(modulus, exponent);
  REQUIRE(made.has_value());
  CHECK(made->der() == der);
  Bytes padded = {std::byte{0}};
  padded.insert(padded.end(), modulus.begin(), modulus.end());
  CHECK(rsa_public_key(padded, exponent)->der() == der);

  CHECK_FALSE(rsa_public_key({}, {}).has_value());
  CHECK_FALSE(rsa_public_key(modulus, {}).has_value());
  CHECK_FALSE(rsa_public_key(modulus, hex(std::string("02"))).has_value());
  CHECK_FALSE(rsa_public_key(ConstBytes(modulus).first(255), exponent).has_value());
  CHECK_FALSE(rsa_public_key(Bytes(1025, std::byte{0xff}), exponent).has_value());
  CHECK_FALSE(rsa_public_key(Bytes(1026, std::byte{0xff}), exponent).has_value());
}

TEST_CASE("an RSA key is taken only with an exponent that OpenSSL encrypts with, whatever the key's size") {
  for (const unsigned bits : {2048u, 4096u}) {
    const Bytes der = PrivateKey::generate_rsa(bits).public_key().der();
    const Bytes modulus(der.end() - 5 - bits / 8, der.end() - 5);
    const Bytes longest(8, std::byte{1}), too_long(9, std::byte{1});
    const auto key = rsa_public_key(modulus, longest);
    REQUIRE(key.has_value());
    CHECK(key->encrypt_oaep(bytes_of("0123456789abcdef")).size() == bits / 8);
    CHECK_FALSE(rsa_public_key(modulus, too_long).has_value());
  }
}
