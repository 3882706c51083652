#include "envelope/recipient.hpp"

#include "core/crypto.hpp"
#include "envelope/identity.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skipped.hpp"
#include "tests/support/vectors.hpp"

using namespace sallyport::core;
using namespace sallyport::envelope;
using namespace sallyport::tests;
using sallyport::core::crypto::PrivateKey;

namespace {

std::string refusal(const std::string& line) {
  try {
    Recipient::parse(line);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "(taken)";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a recipient is its line and comes back from it") {
  for (const PrivateKey& key : {PrivateKey::generate_p256(), PrivateKey::generate_rsa(2048)}) {
    const Recipient recipient = Recipient::of(key.public_key());
    const Recipient again = Recipient::parse(recipient.text());
    CHECK(again.text() == recipient.text());
    CHECK(again.id() == recipient.id());
    CHECK(again.suite() == recipient.suite());
    CHECK(Recipient::parse(" \t" + recipient.text() + "\r\n").id() == recipient.id());
  }
}

TEST_CASE("a recipient's line and id are fixed by its key") {
  const auto vector = read_vectors("hpke_p256_aes_256_gcm.json");
  const Recipient recipient = Recipient::of(p256_key(vector["recipient"]).public_key());
  CHECK(recipient.suite() == Suite::hpke_p256);
  CHECK(recipient.type() == "p256");
  CHECK(recipient.text() ==
        "sallyport-p256:"
        "BKvH5JpMazVm130DBK3cbtDphRL_zPUF5qjj6yXGhRNvhTFIVEh23nbA8u-ZzcOgXM9d7Xhgx8AhI4-eIHPSNWw");
  CHECK(recipient.id() == to_hex(crypto::sha256(hex(vector, "recipient_public"))).substr(0, 16));
}

TEST_CASE("an RSA recipient's line holds the SubjectPublicKeyInfo that openssl prints") {
  const PrivateKey key = PrivateKey::generate_rsa(3072);
  const Recipient recipient = Recipient::of(key.public_key());
  CHECK(recipient.suite() == Suite::rsa_oaep_sha256);
  CHECK(recipient.type() == "rsa3072");
  CHECK(recipient.text() == "sallyport-rsa:" + to_base64url(key.public_key().der()));
}

TEST_CASE("a line that is no recipient is refused with what is wrong, and not repeated") {
  const std::string good = Recipient::of(PrivateKey::generate_p256().public_key()).text();
  CHECK(has(refusal(""), "begins with sallyport-p256:, sallyport-rsa: or sallyport-pq:"));
  CHECK(has(refusal("age1canary"), "begins with"));
  CHECK(has(refusal("sallyport-p256:"), "not an uncompressed point"));
  CHECK(has(refusal("sallyport-p256:canary canary"), "not base64url"));
  CHECK(has(refusal(good + "=="), "not base64url"));
  CHECK(has(refusal("SALLYPORT-P256:" + good.substr(15)), "begins with"));
  CHECK(has(refusal("sallyport-rsa:" + good.substr(15)), "not an RSA public key"));
  const auto ec_der = PrivateKey::generate_p256().public_key().der();
  CHECK(has(refusal("sallyport-rsa:" + to_base64url(ec_der)), "not an RSA public key"));
  CHECK(has(refusal("-----BEGIN PRIVATE KEY-----\ncanary"), "PRIVATE key"));
  for (const char* line : {"age1canary", "sallyport-p256:canary", "-----BEGIN PRIVATE KEY-----\ncanary"}) {
    CHECK_FALSE(has(refusal(line), "canary"));
  }
  for (std::size_t size = 0; size < good.size(); ++size) CHECK(refusal(good.substr(0, size)) != "(taken)");
}

TEST_CASE("a recipient's line has at most 2048 characters") {
  CHECK(has(refusal("sallyport-p256:" + std::string(maximum_recipient_size - 15, 'A')), "not"));
  CHECK(has(refusal("sallyport-p256:" + std::string(maximum_recipient_size - 14, 'A')), "too long"));
  CHECK(Recipient::of(PrivateKey::generate_rsa(4096).public_key()).text().size() < maximum_recipient_size);
}

TEST_CASE("a signing key is no recipient") {
  CHECK_THROWS_AS(Recipient::of(PrivateKey::generate_ed25519().public_key()), std::invalid_argument);
}

TEST_CASE("a data key has at most 64 bytes") {
  for (const PrivateKey& key : {PrivateKey::generate_p256(), PrivateKey::generate_rsa(2048)}) {
    const Recipient recipient = Recipient::of(key.public_key());
    CHECK(recipient.wrap(Bytes(maximum_data_key_size), {}).has_value());
    CHECK(recipient.wrap(Bytes(maximum_data_key_size + 1), {}).error() == Error{Reason::internal});
    CHECK(recipient.wrap(Bytes(32), {})->size() <= maximum_wrapped_size);
  }
}

TEST_CASE("a post-quantum recipient is its line, or says which OpenSSL it needs") {
  const auto vector = read_vectors("mlkem768_x25519.json")["tests"][0];
  const std::string line = "sallyport-pq:" + to_base64url(hex(vector, "public"));
  CHECK(line.size() < maximum_recipient_size);
  if (!crypto::hybrid_available()) {
    CHECK(refusal(line) == crypto::hybrid_needs);
    return skipped(no_ml_kem);
  }
  const Recipient recipient = Recipient::parse(line);
  CHECK(recipient.text() == line);
  CHECK(recipient.suite() == Suite::hpke_mlkem768_x25519);
  CHECK(recipient.type() == "mlkem768-x25519");
  CHECK(recipient.id() == to_hex(crypto::sha256(hex(vector, "public"))).substr(0, 16));
  CHECK(recipient.wrap(Bytes(maximum_data_key_size), {})->size() <= maximum_wrapped_size);
  CHECK(recipient.wrap(Bytes(maximum_data_key_size + 1), {}).error() == Error{Reason::internal});
  CHECK(has(refusal("sallyport-pq:" + to_base64url(Bytes(1215))), "not a public key of MLKEM768-X25519"));
  CHECK(is_post_quantum(recipient.suite()));
  CHECK_FALSE(is_post_quantum(Suite::hpke_p256));
  CHECK_FALSE(is_post_quantum(Suite::rsa_oaep_sha256));
}

TEST_CASE("each suite has a name of its own") {
  CHECK(name(Suite::hpke_p256) == "hpke-p256");
  CHECK(name(Suite::rsa_oaep_sha256) == "rsa-oaep-sha256");
  CHECK(name(Suite::hpke_mlkem768_x25519) == "hpke-mlkem768-x25519");
  CHECK(name(static_cast<Suite>(77)) == "unknown");
}
