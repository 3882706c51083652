#include "logging/signed_note.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/base64.hpp"
#include "core/crypto.hpp"
#include "core/text.hpp"

namespace sallyport::logging {

namespace {

constexpr std::byte ed25519_type{0x01};
constexpr std::size_t max_signatures = 16;

[[noreturn]] void refuse(const char* words) { throw std::invalid_argument(words); }

core::Bytes typed(const core::crypto::PublicKey& key) {
  core::Bytes bytes{ed25519_type};
  const core::Bytes raw = key.raw();
  bytes.insert(bytes.end(), raw.begin(), raw.end());
  return bytes;
}

// SHA-256(name ‖ 0x0a ‖ type ‖ public key), its first four bytes.
NoteKeyId id_of(const std::string& name, const core::crypto::PublicKey& key) {
  core::Bytes bytes(core::bytes_of(name).begin(), core::bytes_of(name).end());
  bytes.push_back(std::byte{'\n'});
  const core::Bytes rest = typed(key);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  NoteKeyId id;
  std::copy_n(core::crypto::sha256(bytes).begin(), id.size(), id.begin());
  return id;
}

const std::string& checked(const std::string& name) {
  if (!is_note_name(name)) refuse("a signer's name is not empty and has no white space and no '+'");
  return name;
}

core::crypto::PublicKey checked(core::crypto::PublicKey key) {
  if (key.type() != core::crypto::KeyType::ed25519) refuse("not a key that signs (Ed25519)");
  return key;
}

// "NAME BASE64"
std::optional<SignedNote::Signature> parse_signature(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == line.npos || !is_note_name(line.substr(0, space))) return std::nullopt;
  SignedNote::Signature signature;
  signature.name = line.substr(0, space);
  const auto bytes = core::from_base64(line.substr(space + 1));
  if (!bytes || bytes->size() <= signature.id.size()) return std::nullopt;
  std::copy_n(bytes->begin(), signature.id.size(), signature.id.begin());
  signature.bytes.assign(bytes->begin() + static_cast<std::ptrdiff_t>(signature.id.size()), bytes->end());
  return signature;
}

// Text, then an empty line, then signatures; line by line.
class NoteLines {
 public:
  explicit NoteLines(std::string_view bytes) : rest_(bytes) {}

  // The next whole note. nullopt: there is none any more.
  std::optional<SignedNote> next() {
    SignedNote note;
    bool signing = false;
    while (const auto line = peek()) {
      const bool signature = line->starts_with(signature_mark);
      if (signing && !signature) break;
      rest_.remove_prefix(line->size() + 1);
      if (signature) {
        const auto parsed = parse_signature(line->substr(signature_mark.size()));
        if (note.text.empty() || !parsed || note.signatures.size() == max_signatures) return SignedNote{};
        note.signatures.push_back(*parsed);
        signing = true;
      } else if (!line->empty()) {
        if (text_ended_) note.text.clear();  // what came before was cut short
        note.text.append(*line) += '\n';
      }
      text_ended_ = line->empty();
    }
    if (!signing) return std::nullopt;
    return note;
  }
  std::string_view rest() const noexcept { return rest_; }

 private:
  // Without its line break. A last line that has none is part of a note that was cut.
  std::optional<std::string_view> peek() const {
    const std::size_t end = rest_.find('\n');
    if (end == rest_.npos) return std::nullopt;
    return rest_.substr(0, end);
  }

  std::string_view rest_;
  bool text_ended_ = false;
};

}  // namespace

bool is_note_name(std::string_view name) noexcept {
  return !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '+';
  });
}

NoteVerifier::NoteVerifier(std::string name, core::crypto::PublicKey key)
    : name_(checked(name)), key_(checked(std::move(key))), id_(id_of(name_, key_)) {}

NoteVerifier NoteVerifier::parse(std::string_view text) {
  text = core::trimmed(text);
  const std::size_t first = text.find('+'), second = text.find('+', first + 1);
  if (first == text.npos || second == text.npos) refuse("a signer's public key is one line like NAME+HEX+BASE64");
  const auto bytes = core::from_base64(text.substr(second + 1));
  if (!bytes || bytes->size() != 1 + core::crypto::ed25519_key_size || bytes->front() != ed25519_type) {
    refuse("not the public key of an Ed25519 signer");
  }
  auto key = core::crypto::PublicKey::from_ed25519(core::ConstBytes(*bytes).subspan(1));
  if (!key) refuse("not the public key of an Ed25519 signer");
  NoteVerifier verifier(std::string(text.substr(0, first)), std::move(*key));
  if (verifier.text() != text) refuse("the signer's name does not fit the rest of its line: it was changed");
  return verifier;
}

std::string NoteVerifier::text() const { return name_ + '+' + core::to_hex(id_) + '+' + core::to_base64(typed(key_)); }

std::optional<SignedNote> parse_note(std::string_view bytes) {
  if (bytes.size() > max_note_size || bytes.starts_with('\n')) return std::nullopt;
  NoteLines lines(bytes);
  auto note = lines.next();
  // Exactly one, in its one spelling: no empty lines in the text, nothing behind.
  if (!note || note->signatures.empty() || !lines.rest().empty()) return std::nullopt;
  const std::size_t end = note->text.size();
  const bool exact = bytes.starts_with(note->text) && bytes.substr(end, 1) == "\n" &&
                     bytes.substr(end + 1).starts_with(signature_mark);
  return exact ? note : std::nullopt;
}

std::vector<SignedNote> parse_notes(std::string_view bytes) {
  std::vector<SignedNote> notes;
  NoteLines lines(bytes);
  while (auto note = lines.next()) {
    std::erase_if(note->signatures, [](const SignedNote::Signature& signature) {
      return signature.bytes.size() < core::crypto::ed25519_signature_size;
    });
    if (!note->signatures.empty()) notes.push_back(std::move(*note));
  }
  return notes;
}

NoteProof prove(const SignedNote& note, const std::vector<NoteVerifier>& verifiers) {
  NoteProof proof = NoteProof::unknown_signer;
  for (const SignedNote::Signature& signature : note.signatures) {
    for (const NoteVerifier& verifier : verifiers) {
      if (signature.name != verifier.name() || signature.id != verifier.id()) continue;
      if (!verifier.key().verify(core::bytes_of(note.text), signature.bytes)) return NoteProof::wrong;
      proof = NoteProof::good;
    }
  }
  return proof;
}

}  // namespace sallyport::logging
