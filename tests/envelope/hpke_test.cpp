#include "envelope/hpke.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/skipped.hpp"
#include "tests/support/vectors.hpp"

using namespace sallyport::core;
using namespace sallyport::envelope;
using namespace sallyport::tests;
using sallyport::core::crypto::PrivateKey;

TEST_CASE("HPKE gives the published ciphertext and opens it") {
  const auto vector = read_vectors("hpke_p256_aes_256_gcm.json");
  const PrivateKey recipient = p256_key(vector["recipient"]), ephemeral = p256_key(vector["ephemeral"]);
  CHECK(to_hex(recipient.public_key().raw()) == vector["recipient_public"].get<std::string>());
  const Bytes info = hex(vector, "info"), associated = hex(vector, "aad"), plaintext = hex(vector, "plaintext");
  const Bytes sealed = hpke::seal_with_ephemeral(ephemeral, recipient.public_key(), info, associated, plaintext);
  CHECK(to_hex(sealed) == vector["encapsulated"].get<std::string>() + vector["ciphertext"].get<std::string>());
  const auto opened = hpke::open(recipient, info, associated, sealed);
  REQUIRE(opened.has_value());
  CHECK(opened->equals(plaintext));
}

TEST_CASE("HPKE uses a new ephemeral key for every message") {
  const PrivateKey recipient = PrivateKey::generate_p256();
  const Bytes first = hpke::seal(recipient.public_key(), {}, {}, bytes_of("same"));
  const Bytes second = hpke::seal(recipient.public_key(), {}, {}, bytes_of("same"));
  CHECK(first.size() == 4 + hpke::overhead);
  CHECK(to_hex(ConstBytes(first).first(65)) != to_hex(ConstBytes(second).first(65)));
  CHECK(hpke::open(recipient, {}, {}, first)->reveal_text() == "same");
  CHECK(hpke::open(recipient, {}, {}, second)->reveal_text() == "same");
}

TEST_CASE("HPKE opens for its recipient, info and associated data alone") {
  const PrivateKey recipient = PrivateKey::generate_p256();
  const Bytes sealed = hpke::seal(recipient.public_key(), bytes_of("info"), bytes_of("place"), bytes_of("key"));
  const Error refused = Reason::not_authentic;
  CHECK(hpke::open(recipient, bytes_of("info"), bytes_of("place"), sealed).has_value());
  CHECK(hpke::open(recipient, bytes_of("inf"), bytes_of("oplace"), sealed).error() == refused);
  CHECK(hpke::open(recipient, bytes_of("info"), {}, sealed).error() == refused);
  CHECK(hpke::open(PrivateKey::generate_p256(), bytes_of("info"), bytes_of("place"), sealed).error() == refused);
}

TEST_CASE("HPKE refuses every changed byte and every cut") {
  const PrivateKey recipient = PrivateKey::generate_p256();
  Bytes sealed = hpke::seal(recipient.public_key(), {}, {}, bytes_of("key"));
  for (std::byte& byte : sealed) {
    byte ^= std::byte{0x40};
    const auto opened = hpke::open(recipient, {}, {}, sealed);
    REQUIRE(opened.has_error());
    // A point changed in one coordinate is off the curve; a changed ciphertext is not authentic.
    const bool in_point = &byte < sealed.data() + hpke::encapsulated_size;
    CHECK(opened.error() == Error{in_point ? Reason::envelope_malformed : Reason::not_authentic});
    byte ^= std::byte{0x40};
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    const auto opened = hpke::open(recipient, {}, {}, ConstBytes(sealed).first(size));
    REQUIRE(opened.has_error());
    CHECK(opened.error() == Error{size < hpke::overhead ? Reason::envelope_malformed : Reason::not_authentic});
  }
}

TEST_CASE("hybrid HPKE opens what another implementation sealed") {
  if (!crypto::hybrid_available()) return skipped(no_ml_kem);
  const auto file = read_vectors("mlkem768_x25519.json");
  const auto key = crypto::HybridPrivateKey::from_seed(hex(file["tests"][0], "seed"));
  const auto& vector = file["hpke"];
  Bytes sealed = hex(vector, "encapsulated");
  const Bytes ciphertext = hex(vector, "ciphertext");
  sealed.insert(sealed.end(), ciphertext.begin(), ciphertext.end());
  const auto opened = hpke::open(key, hex(vector, "info"), hex(vector, "aad"), sealed);
  REQUIRE(opened.has_value());
  CHECK(opened->equals(hex(vector, "plaintext")));
  CHECK(hpke::open(key, {}, hex(vector, "aad"), sealed).error() == Error{Reason::not_authentic});
}

TEST_CASE("hybrid HPKE opens for its recipient alone, and refuses every changed byte and every cut") {
  if (!crypto::hybrid_available()) return skipped(no_ml_kem);
  const auto key = crypto::HybridPrivateKey::generate();
  Bytes sealed = hpke::seal(key.public_key(), bytes_of("info"), bytes_of("place"), bytes_of("key"));
  CHECK(sealed.size() == 3 + hpke::hybrid_overhead);
  CHECK(hpke::open(key, bytes_of("info"), bytes_of("place"), sealed)->reveal_text() == "key");
  CHECK(hpke::open(key, bytes_of("info"), {}, sealed).error() == Error{Reason::not_authentic});
  const auto other = crypto::HybridPrivateKey::generate();
  CHECK(hpke::open(other, bytes_of("info"), bytes_of("place"), sealed).error() == Error{Reason::not_authentic});
  for (std::byte& byte : sealed) {
    byte ^= std::byte{0x40};
    REQUIRE(hpke::open(key, bytes_of("info"), bytes_of("place"), sealed).has_error());
    byte ^= std::byte{0x40};
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    REQUIRE(hpke::open(key, bytes_of("info"), bytes_of("place"), ConstBytes(sealed).first(size)).has_error());
  }
}
