// Against SoftHSM2, which does P-256 ECDH, and of RSA-OAEP only the SHA-1 kind: so RSA here takes the bare operation.
#include "envelope/pkcs11.hpp"

#include <set>

#include "core/private_file.hpp"
#include "envelope/identity.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/softhsm.hpp"

using namespace sallyport::core;
using namespace sallyport::envelope;
using namespace sallyport::tests;
using sallyport::core::crypto::PrivateKey;

namespace {

const ConstBytes data_key = bytes_of("0123456789abcdef0123456789abcdef");
const ConstBytes context = bytes_of("segment 7");

AskPin answer(std::string_view pin) {
  return [pin](bool) { return Secret(pin); };
}
const AskPin right_pin = answer(SoftHsm::pin);

Stanza wrapped_for(const Recipient& recipient) {
  return {recipient.suite(), recipient.id(), recipient.wrap(data_key, context).value()};
}

std::string refusal(const Pkcs11Reference& reference, const AskPin& ask = right_pin) {
  try {
    const Pkcs11Holder holder(reference, ask);
  } catch (const HolderFailed& failed) {
    return failed.what();
  }
  return "(opened)";
}

std::string failure_to_unwrap(Pkcs11Holder& holder, const Stanza& stanza) {
  try {
    const auto opened = holder.unwrap(stanza, context);
    return opened ? "(opened)" : std::string(name(opened.error().reason));
  } catch (const HolderFailed& failed) {
    return failed.what();
  }
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("keys made in a token show their recipient lines, and open what was wrapped to them") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  hsm.generate_p256("audit", "curve");
  hsm.generate_rsa("audit", "rsa", 3072);
  for (const char* name : {"curve", "rsa"}) {
    INFO(name);
    Pkcs11Holder holder({hsm.module(), "audit", name}, right_pin);
    REQUIRE(holder.recipients().size() == 1);
    // As an operator would: the line is shown, pasted into the configuration, and read there.
    const Recipient recipient = Recipient::parse(holder.recipients()[0].text());
    CHECK(recipient.suite() == (name == std::string("rsa") ? Suite::rsa_oaep_sha256 : Suite::hpke_p256));
    CHECK(recipient.type() == (name == std::string("rsa") ? "rsa3072" : "p256"));
    for (int i = 0; i < 20; ++i) {  // RSA blocks begin with a zero byte, and some with more
      const auto opened = holder.unwrap(wrapped_for(recipient), context);
      REQUIRE(opened.has_value());
      CHECK(opened->equals(data_key));
    }
  }
}

TEST_CASE("without a key's name the token's keys are all tried, and the stanza's id chooses") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  hsm.generate_p256("audit", "one");
  hsm.generate_p256("audit", "two");
  hsm.generate_rsa("audit", "three", 2048);
  hsm.generate_p384("audit", "of no use");
  Pkcs11Holder holder({hsm.module(), "audit", ""}, right_pin);
  const auto recipients = holder.recipients();
  REQUIRE(recipients.size() == 3);
  for (const Recipient& recipient : recipients) {
    CHECK(holder.unwrap(wrapped_for(recipient), context)->equals(data_key));
  }
  const Recipient stranger = Recipient::of(PrivateKey::generate_p256().public_key());
  CHECK(holder.unwrap(wrapped_for(stranger), context).error() == Error{Reason::key_mismatch});
}

TEST_CASE("of several public keys with one id, each private key has its own") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  hsm.generate_rsa("audit", "log-key", 2048);
  for (int i = 0; i < 3; ++i) hsm.generate_p256("audit", "log-key");
  Pkcs11Holder holder({hsm.module(), "audit", ""}, right_pin);
  const auto recipients = holder.recipients();
  REQUIRE(recipients.size() == 4);
  std::set<std::string> ids;
  for (const Recipient& recipient : recipients) {
    ids.insert(recipient.id());
    const auto opened = holder.unwrap(wrapped_for(recipient), context);
    CHECK((opened && opened->equals(data_key)));
  }
  CHECK(ids.size() == 4);
}

TEST_CASE("a private key whose public key is gone does not take another's that has its id") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  for (int i = 0; i < 2; ++i) hsm.generate_p256("audit", "log-key");
  hsm.remove_public_key("audit", "log-key");
  Pkcs11Holder holder({hsm.module(), "audit", ""}, right_pin);
  REQUIRE(holder.recipients().size() == 1);
  const auto opened = holder.unwrap(wrapped_for(holder.recipients()[0]), context);
  CHECK((opened && opened->equals(data_key)));
}

TEST_CASE("a key file and the token it was imported into open the same stanza") {
  const SoftHsm hsm;
  const TemporaryDirectory directory;
  hsm.add_token("audit");
  const PrivateKey key = PrivateKey::generate_rsa(2048);
  Identity identity(key);
  write_private_file(directory / "key", key.pem().reveal());
  hsm.import("audit", "backup", directory / "key");
  Pkcs11Holder holder({hsm.module(), "audit", "backup"}, right_pin);
  CHECK(holder.recipients()[0].text() == identity.recipient().text());
  const Stanza stanza = wrapped_for(identity.recipient());
  CHECK(holder.unwrap(stanza, context)->equals(data_key));
  CHECK(identity.unwrap(stanza, context)->equals(data_key));
}

TEST_CASE("a key that its token forbids to derive is said to be forbidden") {
  const SoftHsm hsm;
  const TemporaryDirectory directory;
  hsm.add_token("audit");
  const PrivateKey key = PrivateKey::generate_p256();
  write_private_file(directory / "key", key.pem().reveal());
  hsm.import("audit", "signs", directory / "key");  // which gives an EC key CKA_SIGN alone
  Pkcs11Holder holder({hsm.module(), "audit", "signs"}, right_pin);
  CHECK(failure_to_unwrap(holder, wrapped_for(Recipient::of(key.public_key()))) ==
        "the token \"audit\" did not agree on a key by ECDH: the key is not allowed to do that (P-256 needs "
        "CKA_DERIVE, RSA CKA_DECRYPT)");
}

TEST_CASE("a stanza that was changed does not open, and the token goes on opening others") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  hsm.generate_p256("audit", "curve");
  hsm.generate_rsa("audit", "rsa", 2048);
  for (const char* name : {"curve", "rsa"}) {
    INFO(name);
    Pkcs11Holder holder({hsm.module(), "audit", name}, right_pin);
    const Stanza good = wrapped_for(holder.recipients()[0]);
    for (const std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{70}, good.wrapped.size() - 1}) {
      Stanza changed = good;
      changed.wrapped[at] ^= std::byte{0x80};
      const auto opened = holder.unwrap(changed, context);
      REQUIRE(opened.has_error());
      CHECK((opened.error().reason == Reason::not_authentic || opened.error().reason == Reason::envelope_malformed));
    }
    Stanza all_ones = good;
    for (std::byte& byte : all_ones.wrapped) byte = std::byte{0xff};  // more than any modulus
    CHECK(holder.unwrap(all_ones, context).has_error());
    Stanza cut = good;
    cut.wrapped.resize(name == std::string("rsa") ? cut.wrapped.size() - 1 : 80);
    CHECK(holder.unwrap(cut, context).error() == Error{Reason::envelope_malformed});
    CHECK(holder.unwrap(good, context)->equals(data_key));
  }
  Pkcs11Holder holder({hsm.module(), "audit", "curve"}, right_pin);
  CHECK(holder.unwrap(wrapped_for(holder.recipients()[0]), bytes_of("segment 8")).error() ==
        Error{Reason::not_authentic});
}

TEST_CASE("a wrong or missing PIN, module, token or key is named") {
  const SoftHsm hsm;
  const TemporaryDirectory directory;
  hsm.add_token("audit");
  hsm.add_token("spare");
  hsm.generate_p256("audit", "curve");
  hsm.generate_p384("audit", "wide");
  CHECK(refusal({hsm.module(), "audit", "curve"}) == "(opened)");

  const std::string wrong_pin = refusal({hsm.module(), "audit", "curve"}, answer("canary"));
  CHECK(wrong_pin == "the PIN is wrong for the token \"audit\"");
  CHECK(has(refusal({hsm.module(), "audit", "curve"}, {}), "\"audit\" wants its PIN"));
  CHECK(has(refusal({hsm.module(), "audit", "curve"}, answer("")), "\"audit\" wants its PIN"));

  CHECK(has(refusal({directory / "none.so", "audit", "curve"}), "none.so: cannot open shared object file"));
  write_file(directory / "text.so", "not a library");
  CHECK(has(refusal({directory / "text.so", "audit", "curve"}), "the PKCS#11 module cannot be loaded"));
  CHECK(has(refusal({"libm.so.6", "audit", "curve"}), "libm.so.6 is no PKCS#11 module"));

  const std::string no_token = refusal({hsm.module(), "other", "curve"});
  CHECK(has(no_token, "there is no token \"other\""));
  CHECK(has(no_token, "\"audit\""));
  CHECK(has(no_token, "\"spare\""));
  CHECK(has(refusal({hsm.module(), "audit", "none"}), "\"audit\" has no private key \"none\""));
  CHECK(has(refusal({hsm.module(), "audit", "wide"}), "no private key \"wide\" for P-256 or RSA"));
  CHECK(has(refusal({hsm.module(), "spare", ""}), "\"spare\" has no private key"));
}

TEST_CASE("a token that is lost while in use is said to be lost, not the log to be altered") {
  for (const char* name : {"curve", "rsa"}) {
    INFO(name);
    const SoftHsm hsm;
    hsm.add_token("audit");
    hsm.generate_p256("audit", "curve");
    hsm.generate_rsa("audit", "rsa", 2048);
    Pkcs11Holder holder({hsm.module(), "audit", name}, right_pin);
    const Stanza stanza = wrapped_for(holder.recipients()[0]);
    CHECK(failure_to_unwrap(holder, stanza) == "(opened)");
    hsm.lose_tokens();
    const std::string words = failure_to_unwrap(holder, stanza);
    INFO(words);
    CHECK(has(words, "the token \"audit\" did not"));
    CHECK(has(words, "gone"));
    CHECK(has(refusal({hsm.module(), "audit", name}), "there is no token \"audit\"; the module has none"));
  }
}

namespace {

// SoftHSM2 behind a module that is odd in one way (odd_token.cpp).
class OddToken {
 public:
  OddToken(const SoftHsm& hsm, const char* way) {
    ::setenv("ODD_TOKEN_MODULE", hsm.module().c_str(), 1);
    ::setenv("ODD_TOKEN", way, 1);
  }
  ~OddToken() { ::unsetenv("ODD_TOKEN"); }
  static path module() { return ODD_TOKEN; }
};

}  // namespace

TEST_CASE("tokens that do OAEP themselves, leave zeros out or show a bare point open too") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  hsm.generate_p256("audit", "curve");
  hsm.generate_rsa("audit", "rsa", 2048);
  for (const char* way : {"as it is", "oaep in the token", "short block", "bare point", "one at a time"}) {
    INFO(way);
    const OddToken odd(hsm, way);
    Pkcs11Holder holder({OddToken::module(), "audit", ""}, right_pin);
    REQUIRE(holder.recipients().size() == 2);
    for (const Recipient& recipient : holder.recipients()) {
      Stanza stanza = wrapped_for(recipient);
      CHECK(holder.unwrap(stanza, context)->equals(data_key));
      stanza.wrapped.back() ^= std::byte{1};
      CHECK(holder.unwrap(stanza, context).error() == Error{Reason::not_authentic});
    }
  }
}

TEST_CASE("a token's vague refusal is the ciphertext's fault only while token and session are there") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  hsm.generate_rsa("audit", "rsa", 2048);
  const std::pair<const char*, const char*> cases[] = {
      {"general error", "not_authentic"},
      {"removed", "the token \"audit\" did not decrypt: the token is gone"},
      {"session ended", "the token \"audit\" did not decrypt: the token has ended the session"},
      {"no rsa", "the token can do neither RSA-OAEP with SHA-256 nor the bare RSA operation"}};
  for (const auto& [way, words] : cases) {
    const OddToken odd(hsm, way);
    Pkcs11Holder holder({OddToken::module(), "audit", "rsa"}, right_pin);
    CHECK(failure_to_unwrap(holder, wrapped_for(holder.recipients()[0])) == words);
  }
}

TEST_CASE("a token with more keys than are looked at is refused") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  const OddToken odd(hsm, "endless");
  CHECK(refusal({OddToken::module(), "audit", ""}) == "the token \"audit\" has too many keys; name one by object=");
}

TEST_CASE("a wrong PIN says when the next one locks the token, and when it is locked") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  hsm.generate_p256("audit", "curve");
  {
    const OddToken odd(hsm, "final try");
    CHECK(has(refusal({OddToken::module(), "audit", ""}, answer("wrong")), "; one more wrong PIN locks it"));
  }
  const OddToken odd(hsm, "locked");
  CHECK(has(refusal({OddToken::module(), "audit", ""}, answer("wrong")), "\"audit\" is locked after too many"));
}

TEST_CASE("a key that wants the PIN at each use gets it") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  hsm.generate_rsa("audit", "rsa", 2048, SoftHsm::WantsPin::at_each_use);
  hsm.generate_rsa("audit", "rsa", 2048);
  int asked = 0;
  const auto count = [&](bool has_pad) {
    CHECK_FALSE(has_pad);
    ++asked;
    return Secret(std::string_view(SoftHsm::pin));
  };
  Pkcs11Holder holder({hsm.module(), "audit", "rsa"}, count);
  REQUIRE(holder.recipients().size() == 2);
  for (int i = 0; i < 3; ++i) {
    for (const Recipient& recipient : holder.recipients()) {
      CHECK(failure_to_unwrap(holder, wrapped_for(recipient)) == "(opened)");
    }
  }
  CHECK(asked == 1);
}

TEST_CASE("a token that wants the PIN for ECDH too, where PKCS#11 has no place for it, is not said to be away") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  hsm.generate_p256("audit", "curve", SoftHsm::WantsPin::at_each_use);
  {
    Pkcs11Holder holder({hsm.module(), "audit", "curve"}, right_pin);
    CHECK(failure_to_unwrap(holder, wrapped_for(holder.recipients()[0])) == "(opened)");
  }
  const OddToken odd(hsm, "pin for ecdh");
  Pkcs11Holder holder({OddToken::module(), "audit", "curve"}, right_pin);
  CHECK(has(failure_to_unwrap(holder, wrapped_for(holder.recipients()[0])), "without CKA_ALWAYS_AUTHENTICATE"));
}

TEST_CASE("a token with a pad of its own asks there, unless it is given a PIN") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  hsm.generate_rsa("audit", "rsa", 2048, SoftHsm::WantsPin::at_each_use);
  const AskPin none = [](bool has_pad) {
    CHECK(has_pad);
    return Secret();
  };
  {
    const OddToken odd(hsm, "pad");
    for (const AskPin& ask : {none, right_pin, AskPin()}) {
      Pkcs11Holder holder({OddToken::module(), "audit", "rsa"}, ask);
      CHECK(failure_to_unwrap(holder, wrapped_for(holder.recipients()[0])) == "(opened)");
    }
    CHECK(has(refusal({OddToken::module(), "audit", "rsa"}, answer("wrong")), "the PIN is wrong"));
  }
  const OddToken odd(hsm, "cancelled pad");
  CHECK(refusal({OddToken::module(), "audit", "rsa"}, none) ==
        "the token \"audit\" did not log in: it was cancelled there");
}
