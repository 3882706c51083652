// With an OpenSSL that has no ML-KEM, what is tested is that it says so; the rest runs with 3.5 and newer.
#include "core/hybrid_key.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/skipped.hpp"
#include "tests/support/vectors.hpp"

using namespace sallyport::core;
using namespace sallyport::core::crypto;
using namespace sallyport::tests;

namespace {

AskPassphrase answer(std::string_view words) {
  return [words] { return Secret(words); };
}

// The draft's own example of a private key (x509/xwing.priv): the seed 00 01 02 … 1f.
constexpr std::string_view published_pem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MDQCAQAwDQYLKwYBBAGD5i2ByHoEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZ\n"
    "GhscHR4f\n"
    "-----END PRIVATE KEY-----\n";

std::string words_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "(done)";
}

}  // namespace

TEST_CASE("without ML-KEM no post-quantum key is made, and the reason is told") {
  if (hybrid_available()) return skipped("this OpenSSL has ML-KEM");
  CHECK(words_of([] { HybridPrivateKey::generate(); }) == hybrid_needs);
  CHECK(words_of([] { HybridPublicKey::from_raw(Bytes(hybrid_public_size)); }) == hybrid_needs);
  CHECK(words_of([] { HybridPrivateKey::from_pem(bytes_of(published_pem), {}); }) == hybrid_needs);
}

TEST_CASE("other keys and texts are no post-quantum private key, with or without ML-KEM") {
  const PrivateKey other = PrivateKey::generate_p256();
  CHECK_FALSE(HybridPrivateKey::from_pem(other.pem().reveal(), {}).has_value());
  const std::string sealed = other.encrypted_pem(Secret(std::string_view("words")));
  CHECK_FALSE(HybridPrivateKey::from_pem(bytes_of(sealed), answer("words")).has_value());
  CHECK_FALSE(HybridPrivateKey::from_pem(bytes_of(sealed), {}).has_value());
  CHECK_FALSE(HybridPrivateKey::from_pem(bytes_of("canary"), {}).has_value());
  CHECK_FALSE(HybridPublicKey::from_raw(Bytes(hybrid_public_size - 1)).has_value());
  CHECK_FALSE(HybridPublicKey::from_raw(Bytes(hybrid_public_size + 1)).has_value());
}

TEST_CASE("MLKEM768-X25519 gives the published public keys and secrets") {
  if (!hybrid_available()) return skipped(no_ml_kem);
  const auto vectors = read_vectors("mlkem768_x25519.json")["tests"];
  CHECK(vectors.size() == 3);
  for (const auto& vector : vectors) {
    const HybridPrivateKey key = HybridPrivateKey::from_seed(hex(vector, "seed"));
    CHECK(to_hex(key.public_key().raw()) == vector["public"].get<std::string>());
    const auto shared = key.decapsulate(hex(vector, "encapsulated"));
    REQUIRE(shared.has_value());
    CHECK(to_hex(shared->reveal()) == vector["shared"].get<std::string>());
  }
}

TEST_CASE("what is encapsulated to a key, its private half decapsulates, each time another secret") {
  if (!hybrid_available()) return skipped(no_ml_kem);
  const HybridPrivateKey key = HybridPrivateKey::generate();
  const auto public_key = HybridPublicKey::from_raw(key.public_key().raw());
  REQUIRE(public_key.has_value());
  const auto first = public_key->encapsulate(), second = public_key->encapsulate();
  CHECK(first.encapsulated.size() == hybrid_encapsulated_size);
  CHECK(key.decapsulate(first.encapsulated)->equals(first.shared.reveal()));
  CHECK(key.decapsulate(second.encapsulated)->equals(second.shared.reveal()));
  CHECK_FALSE(first.shared.equals(second.shared.reveal()));
  CHECK_FALSE(HybridPrivateKey::generate().decapsulate(first.encapsulated)->equals(first.shared.reveal()));
}

TEST_CASE("both halves count: a change in either gives another secret or none") {
  if (!hybrid_available()) return skipped(no_ml_kem);
  const HybridPrivateKey key = HybridPrivateKey::generate();
  const auto made = key.public_key().encapsulate();
  for (const std::size_t at : {std::size_t{0}, std::size_t{1087}, std::size_t{1088}, std::size_t{1118}}) {
    Bytes changed = made.encapsulated;
    changed[at] ^= std::byte{1};
    const auto shared = key.decapsulate(changed);
    CHECK((shared.has_error() || !shared->equals(made.shared.reveal())));
  }
  Bytes low_order = made.encapsulated;
  std::fill(low_order.begin() + 1088, low_order.end(), std::byte{0});
  CHECK(key.decapsulate(low_order).error() == Error{Reason::not_authentic});
  for (const std::size_t size : {std::size_t{0}, hybrid_encapsulated_size - 1}) {
    CHECK(key.decapsulate(ConstBytes(made.encapsulated).first(size)).error() == Error{Reason::envelope_malformed});
  }
}

TEST_CASE("a public key with a coefficient beyond the modulus or a point of low order is none") {
  if (!hybrid_available()) return skipped(no_ml_kem);
  Bytes raw = HybridPrivateKey::generate().public_key().raw();
  Bytes beyond = raw;
  beyond[0] = beyond[1] = std::byte{0xff};  // a 12-bit coefficient of 4095; q is 3329 (FIPS 203 section 7.2)
  CHECK_FALSE(HybridPublicKey::from_raw(beyond).has_value());
  std::fill(raw.begin() + 1184, raw.end(), std::byte{0});
  CHECK_FALSE(HybridPublicKey::from_raw(raw).has_value());
}

TEST_CASE("a private key is written as the draft writes it, and comes back plain and encrypted") {
  if (!hybrid_available()) return skipped(no_ml_kem);
  Bytes seed(hybrid_seed_size);
  for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::byte>(i);
  const HybridPrivateKey key = HybridPrivateKey::from_seed(seed);
  CHECK(key.pem().reveal_text() == published_pem);
  CHECK(HybridPrivateKey::from_pem(bytes_of(published_pem), {})->public_key().raw() == key.public_key().raw());
  const std::string sealed = key.encrypted_pem(Secret(std::string_view("words")));
  CHECK(sealed.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
  CHECK(HybridPrivateKey::from_pem(bytes_of(sealed), answer("words"))->public_key().raw() == key.public_key().raw());
  CHECK_FALSE(HybridPrivateKey::from_pem(bytes_of(sealed), answer("other")).has_value());
  CHECK_THROWS_AS(HybridPrivateKey::from_seed(Bytes(31)), std::invalid_argument);
}
