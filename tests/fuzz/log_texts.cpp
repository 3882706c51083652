// The log's small forms, of which each value has one spelling: key blocks, tenants, notes, what they say, signers.
#include <stdexcept>

#include "core/base64.hpp"
#include "logging/checkpoint.hpp"
#include "logging/key_block.hpp"
#include "logging/signed_note.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace sallyport;
using namespace sallyport::fuzz;
using namespace sallyport::logging;

namespace {

void check_key_block(core::ConstBytes input) {
  const auto block = parse_key_block(input);
  if (!block) return;
  claim(encode_key_block(*block) == core::Bytes(input.begin(), input.end()), "a key block has one form");
  for (const KeyEntry& entry : block->entries) {
    claim(state_of(*block, entry.key) != TenantKeyState::missing, "a key that has an entry is not missing");
    (void)erased_at(*block, entry.key);
  }
}

void check_tenants(core::ConstBytes input) {
  const auto tenants = parse_tenants(input);
  if (tenants) claim(encode_tenants(*tenants) == core::Bytes(input.begin(), input.end()), "tenants have one form");
}

void check_note(std::string_view text) {
  const auto notes = parse_notes(text);
  const auto note = parse_note(text);
  if (!note) return;
  std::string again = note->text + "\n";
  for (const SignedNote::Signature& signature : note->signatures) {
    core::Bytes tagged(signature.id.begin(), signature.id.end());
    tagged.insert(tagged.end(), signature.bytes.begin(), signature.bytes.end());
    again += "\xe2\x80\x94 " + signature.name + " " + core::to_base64(tagged) + "\n";
  }
  claim(again == text, "a note has one form");
  claim(notes.size() == 1 && notes.front().text == note->text, "a note is a file of one note");
}

void check_statements(std::string_view text) {
  const auto checkpoint = parse_checkpoint(text);
  if (checkpoint) claim(text_of(*checkpoint) == text, "a checkpoint has one form");
  const auto tombstone = parse_tombstone(text);
  if (tombstone) claim(text_of(*tombstone) == text, "a tombstone has one form");
  claim(!checkpoint || !tombstone, "no text is both");
}

void check_signer(std::string_view text) try {
  const NoteVerifier verifier = NoteVerifier::parse(text);
  claim(text.find(verifier.text()) != text.npos, "a signer has one form");
} catch (const std::invalid_argument&) {
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ConstBytes input = input_of(data, size);
  const std::string_view text = core::text_of(input);
  check_key_block(input);
  check_tenants(input);
  check_note(text);
  check_statements(text);
  if (const auto note = parse_note(text)) check_statements(note->text);
  check_signer(text);
  return 0;
}
