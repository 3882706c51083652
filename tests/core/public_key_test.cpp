#include "core/public_key.hpp"
#include "core/private_key.hpp"

#include <algorithm>

#include "core/base64.hpp"
#include "core/crypto.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/vectors.hpp"

using namespace sallyport::core;
using namespace sallyport::core::crypto;
using namespace sallyport::tests;

namespace {

Secret secret(std::string_view text) { return Secret(text); }

PrivateKey reread(const PrivateKey& key) { return PrivateKey::from_pem(key.pem().reveal(), {}); }

std::string refusal(std::string_view pem, const AskPassphrase& ask = {}) {
  try {
    PrivateKey::from_pem(bytes_of(pem), ask);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "(read)";
}

std::string pem_of(const Bytes& pkcs8) {
  return "-----BEGIN PRIVATE KEY-----\n" + to_base64(pkcs8) + "\n-----END PRIVATE KEY-----\n";
}

// What stands between the first line of a PEM text and its last.
std::string base64_in(std::string_view pem) {
  const std::size_t begin = pem.find('\n'), end = pem.rfind("\n-----END");
  std::string text(pem.substr(begin, end - begin));
  std::erase(text, '\n');
  return text;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("P-256 agreement passes Wycheproof, and no key in any but the one encoding is taken") {
  const auto vectors = read_vectors("ecdh_p256.json");
  int agreed = 0;
  for (const auto& test : vectors["tests"]) {
    INFO("tcId " << test["tcId"] << ": " << test["comment"]);
    const auto peer = PublicKey::from_der(hex(test, "public"));
    const bool taken = peer.has_value() && peer->type() == KeyType::p256;
    CHECK(taken == (test["result"] == "valid"));
    if (!taken) continue;
    std::string scalar = test["private"];
    if (scalar.size() > 64) scalar.erase(0, scalar.size() - 64);  // written with a sign byte
    CHECK(to_hex(p256_key(scalar).agree(*peer).reveal()) == test["shared"].get<std::string>());
    ++agreed;
  }
  CHECK(agreed > 40);
}

TEST_CASE("Ed25519 passes Wycheproof") {
  const auto vectors = read_vectors("ed25519.json");
  for (const auto& test : vectors["tests"]) {
    INFO("tcId " << test["tcId"]);
    const auto key = PublicKey::from_ed25519(hex(test, "public"));
    REQUIRE(key.has_value());
    CHECK(key->verify(hex(test, "msg"), hex(test, "sig")) == (test["result"] == "valid"));
  }
  CHECK(vectors["tests"].size() > 50);
}

TEST_CASE("RSA-OAEP with SHA-256 passes Wycheproof; a label is not ours") {
  const auto vectors = read_vectors("rsa_oaep_3072_sha256.json");
  const PrivateKey key = PrivateKey::from_pem(bytes_of(vectors["key"].get_ref<const std::string&>()), {});
  for (const auto& test : vectors["tests"]) {
    INFO("tcId " << test["tcId"]);
    const bool expected = test["result"] == "valid" && test["label"] == "";
    const auto opened = key.decrypt_oaep(hex(test, "ct"));
    CHECK(opened.has_value() == expected);
    if (opened.has_value()) CHECK(to_hex(opened->reveal()) == test["msg"].get<std::string>());
    if (opened.has_error()) CHECK(opened.error() == Error{Reason::not_authentic});
  }
  CHECK(vectors["tests"].size() > 30);
}

TEST_CASE("what RSA-OAEP encrypts only its own key decrypts") {
  const PrivateKey key = PrivateKey::generate_rsa(2048), other = PrivateKey::generate_rsa(2048);
  const Bytes sealed = key.public_key().encrypt_oaep(bytes_of("data key"));
  CHECK(sealed.size() == 256);
  CHECK(sealed != key.public_key().encrypt_oaep(bytes_of("data key")));
  CHECK(key.decrypt_oaep(sealed)->reveal_text() == "data key");
  CHECK(other.decrypt_oaep(sealed).error() == Error{Reason::not_authentic});
  CHECK(key.decrypt_oaep({}).has_error());
}

TEST_CASE("two P-256 keys agree on one secret") {
  const PrivateKey here = PrivateKey::generate_p256(), there = PrivateKey::generate_p256();
  const Secret shared = here.agree(there.public_key());
  CHECK(shared.size() == 32);
  CHECK(shared.equals(there.agree(here.public_key()).reveal()));
  CHECK_FALSE(shared.equals(here.agree(here.public_key()).reveal()));
}

TEST_CASE("an Ed25519 signature holds for its message and key alone") {
  const PrivateKey key = PrivateKey::generate_ed25519();
  Bytes signature = key.sign(bytes_of("checkpoint"));
  CHECK(signature.size() == ed25519_signature_size);
  CHECK(key.public_key().verify(bytes_of("checkpoint"), signature));
  CHECK_FALSE(key.public_key().verify(bytes_of("checkpoinT"), signature));
  CHECK_FALSE(PrivateKey::generate_ed25519().public_key().verify(bytes_of("checkpoint"), signature));
  signature.pop_back();
  CHECK_FALSE(key.public_key().verify(bytes_of("checkpoint"), signature));
}

TEST_CASE("a P-256 point is taken only whole, uncompressed and on the curve") {
  Bytes point = PrivateKey::generate_p256().public_key().raw();
  REQUIRE(point.size() == p256_point_size);
  CHECK(PublicKey::from_p256_point(point)->raw() == point);
  for (std::size_t size = 0; size < point.size(); ++size) {
    CHECK_FALSE(PublicKey::from_p256_point(ConstBytes(point).first(size)).has_value());
  }
  point[64] ^= std::byte{1};
  CHECK_FALSE(PublicKey::from_p256_point(point).has_value());
  point[64] ^= std::byte{1};
  for (const unsigned form : {0, 2, 3, 5, 6, 7}) {  // infinity, compressed, unknown, hybrid
    point[0] = static_cast<std::byte>(form);
    CHECK_FALSE(PublicKey::from_p256_point(point).has_value());
  }
  CHECK_FALSE(PublicKey::from_p256_point(Bytes(p256_point_size)).has_value());
}

TEST_CASE("a raw Ed25519 key has 32 bytes") {
  const Bytes raw = PrivateKey::generate_ed25519().public_key().raw();
  CHECK(PublicKey::from_ed25519(raw)->raw() == raw);
  CHECK_FALSE(PublicKey::from_ed25519(ConstBytes(raw).first(31)).has_value());
  CHECK_FALSE(PublicKey::from_ed25519(Bytes(33)).has_value());
}

TEST_CASE("public and private keys of each type survive their files") {
  const PrivateKey keys[] = {PrivateKey::generate_p256(), PrivateKey::generate_rsa(2048),
                             PrivateKey::generate_ed25519()};
  for (const PrivateKey& key : keys) {
    const PublicKey& half = key.public_key();
    CHECK(half.type() == key.type());
    CHECK(PublicKey::from_der(half.der())->der() == half.der());
    CHECK(PublicKey::from_pem(half.pem())->der() == half.der());
    CHECK(reread(key).public_key().der() == half.der());
    const std::string sealed = key.encrypted_pem(secret("correct horse"));
    CHECK(has(sealed, "-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    const auto ask = [] { return secret("correct horse"); };
    CHECK(PrivateKey::from_pem(bytes_of(sealed), ask).public_key().der() == half.der());
  }
}

TEST_CASE("a public key cut short, followed by more or of another kind is refused") {
  Bytes der = PrivateKey::generate_rsa(2048).public_key().der();
  for (std::size_t size = 0; size < der.size(); ++size) {
    CHECK_FALSE(PublicKey::from_der(ConstBytes(der).first(size)).has_value());
  }
  der.push_back(std::byte{0});
  CHECK_FALSE(PublicKey::from_der(der).has_value());
  const std::string pem = PrivateKey::generate_p256().public_key().pem();
  CHECK_FALSE(PublicKey::from_pem(pem.substr(0, pem.size() / 2)).has_value());
  CHECK_FALSE(PublicKey::from_pem("").has_value());
  const Secret private_pem = PrivateKey::generate_p256().pem();
  CHECK_FALSE(PublicKey::from_pem(private_pem.reveal_text()).has_value());
}

TEST_CASE("RSA keys have between 2048 and 8192 bits") {
  CHECK_THROWS_AS(PrivateKey::generate_rsa(2047), std::invalid_argument);
  CHECK_THROWS_AS(PrivateKey::generate_rsa(8193), std::invalid_argument);
  // A 1024-bit key made with `openssl genrsa`, public half.
  const char* small =
      "-----BEGIN PUBLIC KEY-----\n"
      "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC4u/hjil7wPSL1w2tJ5KyX33Af\n"
      "aAk5QhGsxeo65Q5al/4ZDwvd64EH7diVASar1xFT6BFWwTqQ0lCN5xHLhViQPrpB\n"
      "FI8h737zNaMPMyaNYaUVRvV20B290fEiu51X3CGzLw0pkGPrF8QQm37pM4mF/eYR\n"
      "j/H/fNraS5iWuzcVPwIDAQAB\n"
      "-----END PUBLIC KEY-----\n";
  CHECK_FALSE(PublicKey::from_pem(small).has_value());
}

TEST_CASE("an encrypted private key asks for its passphrase and says when that is missing or wrong") {
  const std::string sealed = PrivateKey::generate_p256().encrypted_pem(secret("right"));
  const std::string words = "passphrase is missing or does not open";
  int asked = 0;
  const auto answer = [&](std::string_view text) {
    return [&asked, text] {
      ++asked;
      return Secret(text);
    };
  };
  CHECK(refusal(sealed, answer("right")) == "(read)");
  CHECK(asked == 1);
  CHECK(has(refusal(sealed, answer("wrong")), words));
  CHECK(has(refusal(sealed, answer("")), words));
  CHECK(has(refusal(sealed, {}), words));
  CHECK_THROWS_AS(PrivateKey::from_pem(bytes_of(sealed), []() -> Secret { throw std::length_error("mine"); }),
                  std::length_error);
}

TEST_CASE("a passphrase has between 1 and 1024 bytes") {
  const PrivateKey key = PrivateKey::generate_p256();
  const std::string longest(maximum_passphrase_size, 'p');
  CHECK(refusal(key.encrypted_pem(secret(longest)), [&] { return secret(longest); }) == "(read)");
  CHECK_THROWS_AS(key.encrypted_pem(secret(longest + "p")), std::invalid_argument);
  CHECK_THROWS_AS(key.encrypted_pem(Secret()), std::invalid_argument);
}

TEST_CASE("a plain private key asks for nothing") {
  const Secret pem = PrivateKey::generate_p256().pem();
  CHECK_NOTHROW(PrivateKey::from_pem(pem.reveal(), []() -> Secret { throw std::logic_error("asked"); }));
}

TEST_CASE("a private P-256 key whose public half is written compressed or is missing is taken all the same") {
  // The number 1 as a private key: its public half is the generator (SEC 2, secp256r1).
  const PrivateKey whole = p256_key("1");
  const PrivateKey compressed = private_key_from_der(
      hex("3067020100301306072a8648ce3d020106082a8648ce3d030107044d304b0201010420" + std::string(63, '0') + "1" +
          "a12403220003"
          "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"));
  CHECK(compressed.public_key().raw() == whole.public_key().raw());
}

TEST_CASE("a private P-256 or RSA key with another key's public half is refused in words") {
  const std::string words = "belongs to another key";
  const Bytes generator = p256_key("1").public_key().raw();
  const auto with_generator = [&](char scalar) {  // as p256_key(), with a public half: 1 times the generator
    return pem_of(hex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420" +
                      std::string(63, '0') + scalar + "a144034200" + to_hex(generator)));
  };
  CHECK(refusal(with_generator('1')) == "(read)");
  CHECK(has(refusal(with_generator('2')), words));

  const PrivateKey rsa = PrivateKey::generate_rsa(2048);
  const auto modulus = [](const PrivateKey& key) {  // followed by the exponent alone: 65537, 5 bytes
    const Bytes der = key.public_key().der();
    return Bytes(der.end() - 261, der.end() - 5);
  };
  const Secret pem = rsa.pem();
  Bytes der = from_base64(base64_in(pem.reveal_text())).value();
  const Bytes old_modulus = modulus(rsa), new_modulus = modulus(PrivateKey::generate_rsa(2048));
  const auto place = std::search(der.begin(), der.end(), old_modulus.begin(), old_modulus.end());
  REQUIRE(place != der.end());
  CHECK(refusal(pem_of(der)) == "(read)");
  std::copy(new_modulus.begin(), new_modulus.end(), place);
  CHECK(has(refusal(pem_of(der)), words));
}

TEST_CASE("a private key of another curve is refused in words") {
  // A P-384 key made with `openssl genpkey`, kept nowhere else.
  const char* p384 =
      "-----BEGIN PRIVATE KEY-----\n"
      "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDLQ9cTimnIcQI0J3Tk\n"
      "njRyKz29CTBwQ3HVrGC7NU/KOlf81RoU48wHMEjdHSWPpfShZANiAARoaTyGnE42\n"
      "KCilHiVjsQ/2op6OWxcTRXr66TQahrOYdRgN3ViCOGIMWK6sHOdr9cCTkdsd7Xz8\n"
      "mTnpGQpG8vPAI3JcPjEcXbMzsd+8do8t3KwaXHDYmCnKEwJnXaO9fiU=\n"
      "-----END PRIVATE KEY-----\n";
  CHECK(has(refusal(p384), "not a sound P-256, Ed25519 or RSA key"));
}

TEST_CASE("what is no private key is refused in words that do not repeat it") {
  CHECK(has(refusal("canary"), "not a private key in PEM form"));
  CHECK_FALSE(has(refusal("canary"), "canary"));
  CHECK(has(refusal(PrivateKey::generate_p256().public_key().pem()), "not a private key"));
  const Secret pem = PrivateKey::generate_p256().pem();
  for (std::size_t size = 0; size + 1 < pem.size(); ++size) {
    CHECK(refusal(pem.reveal_text().substr(0, size)) != "(read)");
  }
}

TEST_CASE("asking a key for what its type cannot do is a bug") {
  const PrivateKey p256 = PrivateKey::generate_p256(), ed25519 = PrivateKey::generate_ed25519();
  CHECK_THROWS_AS(p256.sign({}), std::logic_error);
  CHECK_THROWS_AS(p256.decrypt_oaep({}), std::logic_error);
  CHECK_THROWS_AS(p256.agree(ed25519.public_key()), std::logic_error);
  CHECK_THROWS_AS(ed25519.agree(p256.public_key()), std::logic_error);
  CHECK_THROWS_AS(ed25519.public_key().encrypt_oaep({}), std::logic_error);
  CHECK_THROWS_AS(PrivateKey::generate_rsa(2048).public_key().raw(), std::logic_error);
}
