#include "envelope/identity.hpp"

#include <sys/stat.h>

#include "core/private_file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skipped.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/vectors.hpp"

using namespace sallyport::core;
using namespace sallyport::envelope;
using namespace sallyport::tests;
using sallyport::core::crypto::PrivateKey;

namespace {

const ConstBytes data_key = bytes_of("0123456789abcdef0123456789abcdef");
const ConstBytes context = bytes_of("segment 7");

Stanza wrapped_for(const Recipient& recipient) {
  return {recipient.suite(), recipient.id(), recipient.wrap(data_key, context).value()};
}

std::string refusal(const path& file, const crypto::AskPassphrase& ask = {}) {
  try {
    Identity::load(file, ask);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "(loaded)";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("an identity unwraps what was wrapped to its recipient, and nobody else's does") {
  Identity p256(PrivateKey::generate_p256()), rsa(PrivateKey::generate_rsa(3072));
  Identity other_p256(PrivateKey::generate_p256()), other_rsa(PrivateKey::generate_rsa(2048));
  for (Identity* holder : {&p256, &rsa}) {
    Stanza stanza = wrapped_for(holder->recipient());
    CHECK(holder->unwrap(stanza, context)->equals(data_key));
    for (Identity* other : {&p256, &rsa, &other_p256, &other_rsa}) {
      if (other == holder) continue;
      CHECK(other->unwrap(stanza, context).error() == Error{Reason::key_mismatch});
      // A stanza that lies about whom it is for.
      Stanza lying{other->recipient().suite(), other->recipient().id(), stanza.wrapped};
      const Error error = other->unwrap(lying, context).error();
      CHECK((error == Error{Reason::not_authentic} || error == Error{Reason::envelope_malformed}));
    }
  }
}

TEST_CASE("HPKE proves the context; RSA-OAEP does not, as key_holder.hpp says") {
  Identity p256(PrivateKey::generate_p256()), rsa(PrivateKey::generate_rsa(2048));
  CHECK(p256.unwrap(wrapped_for(p256.recipient()), bytes_of("segment 8")).error() == Error{Reason::not_authentic});
  CHECK(rsa.unwrap(wrapped_for(rsa.recipient()), bytes_of("segment 8")).has_value());
}

TEST_CASE("a stanza that was changed or is of a suite to come does not open") {
  Identity identity(PrivateKey::generate_p256());
  Stanza stanza = wrapped_for(identity.recipient());
  stanza.wrapped.back() ^= std::byte{1};
  CHECK(identity.unwrap(stanza, context).error() == Error{Reason::not_authentic});
  stanza.wrapped.clear();
  CHECK(identity.unwrap(stanza, context).error() == Error{Reason::envelope_malformed});
  stanza.suite = static_cast<Suite>(77);
  CHECK(identity.unwrap(stanza, context).error() == Error{Reason::key_mismatch});
}

TEST_CASE("an identity is loaded from a private file, plain or behind its passphrase") {
  const TemporaryDirectory directory;
  const PrivateKey key = PrivateKey::generate_p256();
  const std::string id = Recipient::of(key.public_key()).id();
  write_private_file(directory / "plain.key", key.pem().reveal());
  write_private_file(directory / "sealed.key", bytes_of(key.encrypted_pem(Secret(std::string_view("words")))));
  CHECK(Identity::load(directory / "plain.key", {}).recipient().id() == id);
  const auto ask = [](std::string_view text) { return [text] { return Secret(text); }; };
  CHECK(Identity::load(directory / "sealed.key", ask("words")).recipient().id() == id);
  CHECK(has(refusal(directory / "sealed.key", ask("other")), "sealed.key: the passphrase"));
  CHECK(has(refusal(directory / "sealed.key"), "sealed.key: the passphrase"));
}

TEST_CASE("a key file that others can read, that signs or that is none is refused with its name") {
  const TemporaryDirectory directory;
  write_private_file(directory / "open.key", PrivateKey::generate_p256().pem().reveal());
  REQUIRE(::chmod((directory / "open.key").c_str(), 0644) == 0);
  CHECK(has(refusal(directory / "open.key"), "group or others have access"));
  write_private_file(directory / "sign.key", PrivateKey::generate_ed25519().pem().reveal());
  CHECK(has(refusal(directory / "sign.key"), "sign.key: an Ed25519 key signs"));
  write_private_file(directory / "text.key", bytes_of("canary"));
  CHECK(has(refusal(directory / "text.key"), "text.key: this is not a private key"));
  CHECK_FALSE(has(refusal(directory / "text.key"), "canary"));
  CHECK(has(refusal(directory / "none.key"), "none.key"));
}

TEST_CASE("a post-quantum identity opens its own stanzas, from a plain and from an encrypted file") {
  if (!crypto::hybrid_available()) return skipped(no_ml_kem);
  const TemporaryDirectory directory;
  const auto key = crypto::HybridPrivateKey::generate();
  write_private_file(directory / "plain.key", key.pem().reveal());
  write_private_file(directory / "sealed.key", bytes_of(key.encrypted_pem(Secret(std::string_view("words")))));
  int asked = 0;
  const auto ask = [&asked] {
    ++asked;
    return Secret(std::string_view("words"));
  };
  Identity plain = Identity::load(directory / "plain.key", {}), sealed = Identity::load(directory / "sealed.key", ask);
  CHECK(asked == 1);
  const Stanza stanza = wrapped_for(Recipient::parse(plain.recipient().text()));
  CHECK(plain.unwrap(stanza, context)->equals(data_key));
  CHECK(sealed.unwrap(stanza, context)->equals(data_key));
  CHECK(plain.unwrap(stanza, bytes_of("segment 8")).error() == Error{Reason::not_authentic});
  Identity other(PrivateKey::generate_p256());
  CHECK(other.unwrap(stanza, context).error() == Error{Reason::key_mismatch});
  CHECK(has(refusal(directory / "sealed.key", [] { return Secret(std::string_view("no")); }), "the passphrase"));
}

TEST_CASE("an encrypted key file asks for its passphrase once") {
  const TemporaryDirectory directory;
  write_private_file(directory / "sealed.key",
                     bytes_of(PrivateKey::generate_p256().encrypted_pem(Secret(std::string_view("words")))));
  int asked = 0;
  Identity::load(directory / "sealed.key", [&asked] {
    ++asked;
    return Secret(std::string_view("words"));
  });
  CHECK(asked == 1);
}
