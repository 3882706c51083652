// Signed notes against the example of Go's golang.org/x/mod/sumdb/note, from which C2SP's format comes.
#include "logging/signed_note.hpp"

#include "core/base64.hpp"
#include "logging/note_signer.hpp"
#include "tests/support/catch.hpp"

namespace sallyport::tests {

using namespace logging;

namespace {

// golang.org/x/mod/sumdb/note, its documentation's example.
const std::string known_key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const std::string known_text =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const std::string known_note =
    known_text +
    "\n\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

NoteSigner signer(const std::string& name = "gateway-1") {
  return NoteSigner(name, core::crypto::PrivateKey::generate_ed25519());
}

}  // namespace

TEST_CASE("a note of another program is understood, and its signature proven") {
  const auto verifier = NoteVerifier::parse(" " + known_key + "\n");
  CHECK(verifier.name() == "PeterNeumann");
  CHECK(verifier.text() == known_key);
  const auto note = parse_note(known_note);
  REQUIRE(note.has_value());
  CHECK(note->text == known_text);
  CHECK(prove(*note, {verifier}) == NoteProof::good);
  CHECK(prove(*note, {signer().verifier()}) == NoteProof::unknown_signer);
  CHECK(prove(*note, {}) == NoteProof::unknown_signer);
  auto changed = *note;
  changed.text[0] = 'i';
  CHECK(prove(changed, {verifier}) == NoteProof::wrong);
}

TEST_CASE("what is signed here is proven by the public half alone, and no byte of it may change") {
  const NoteSigner one = signer();
  const std::string note = one.sign("first line\nsecond\n");
  const std::vector verifiers{NoteVerifier::parse(one.verifier().text())};
  REQUIRE(parse_note(note).has_value());
  CHECK(prove(*parse_note(note), verifiers) == NoteProof::good);
  for (std::size_t at = 0; at < note.size(); ++at) {
    std::string changed = note;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto parsed = parse_note(changed);
    INFO("byte " << at);
    CHECK((!parsed || prove(*parsed, verifiers) != NoteProof::good));
  }
}

TEST_CASE("a note has one spelling") {
  const std::string note = signer().sign("text\n");
  CHECK(parse_note(note).has_value());
  CHECK_FALSE(parse_note("\n" + note).has_value());
  CHECK_FALSE(parse_note(note + "\n").has_value());
  CHECK_FALSE(parse_note(note + note).has_value());
  CHECK_FALSE(parse_note(note.substr(0, note.size() - 1)).has_value());
  CHECK_FALSE(parse_note("text\n").has_value());
  CHECK_FALSE(parse_note("").has_value());
  CHECK_FALSE(parse_note(note.substr(note.find("\n\n") + 2)).has_value());
}

TEST_CASE("a file of notes is read past one that was cut") {
  const NoteSigner one = signer();
  const std::string first = one.sign("one\n"), second = one.sign("two\n");
  CHECK(parse_notes(first + "\n" + second + "\n").size() == 2);
  for (std::size_t cut = 0; cut < first.size(); ++cut) {
    const auto notes = parse_notes(first.substr(0, cut) + "\n\n" + second);
    INFO("cut at " << cut);
    REQUIRE(notes.size() == (cut + 1 == first.size() ? 2 : 1));  // all of it but its line's end is whole
    CHECK(notes.back().text == "two\n");
    CHECK(prove(notes.back(), {one.verifier()}) == NoteProof::good);
    CHECK(parse_notes(second + "\n" + first.substr(0, cut)).size() == 1);
  }
}

TEST_CASE("a signature of a kind that is not known, however short, leaves a note to those who do know one of it") {
  const NoteSigner one = signer();
  const std::string other = "\u2014 witness.example " + core::to_base64(core::Bytes(4 + 5)) + "\n";
  const std::string note = one.sign("text\n");
  const std::size_t own = note.find("\u2014");
  for (const std::string& both : {note + other, note.substr(0, own) + other + note.substr(own)}) {
    REQUIRE(parse_note(both).has_value());
    CHECK(prove(*parse_note(both), {one.verifier()}) == NoteProof::good);
    const auto notes = parse_notes(both + "\n" + one.sign("next\n"));
    REQUIRE(notes.size() == 2);
    CHECK(prove(notes.front(), {one.verifier()}) == NoteProof::good);
  }
}

TEST_CASE("a signer's public key is refused when it is not whole, or its name was changed") {
  const std::string text = signer().verifier().text();
  for (const std::string& wrong :
       {std::string(), std::string("gateway-1"), std::string("gateway-1+00"), "gateway-2" + text.substr(9),
        text.substr(0, text.size() - 4), text.substr(0, 10) + "0" + text.substr(11)}) {
    if (wrong == text) continue;  // one in 16 keys has that digit
    INFO(wrong);
    CHECK_THROWS_AS(NoteVerifier::parse(wrong), std::invalid_argument);
  }
  CHECK_THROWS_AS(signer("two words"), std::invalid_argument);
  CHECK_THROWS_AS(signer("a+b"), std::invalid_argument);
  CHECK_THROWS_AS(NoteSigner("p256", core::crypto::PrivateKey::generate_p256()), std::invalid_argument);
}

}  // namespace sallyport::tests
