// Signed notes (c2sp.org/signed-note): a text and Ed25519 signatures over it, each by a key that has a name. Whoever
// knows the signer's public half verifies them with this, or with any other program for C2SP notes.
//
//   text, one or more lines
//                                        an empty line
//   — NAME BASE64(key id, signature)     one or more of these
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/public_key.hpp"

namespace sallyport::logging {

inline constexpr std::string_view signature_mark = "\u2014 ";  // an em dash
inline constexpr std::size_t max_note_size = 16 * 1024;        // of one note; ours have about 350 bytes

using NoteKeyId = std::array<std::byte, 4>;

// A signer's name and public half; as text, "NAME+KEY_ID+BASE64", the form that C2SP calls a verifier key.
class NoteVerifier {
 public:
  // Throws std::invalid_argument unless is_note_name(name) and the key is an Ed25519 key.
  NoteVerifier(std::string name, core::crypto::PublicKey key);
  // White space around it is ignored. Throws std::invalid_argument saying what is wrong.
  static NoteVerifier parse(std::string_view text);

  const std::string& name() const noexcept { return name_; }
  const NoteKeyId& id() const noexcept { return id_; }
  const core::crypto::PublicKey& key() const noexcept { return key_; }
  std::string text() const;

 private:
  std::string name_;
  core::crypto::PublicKey key_;
  NoteKeyId id_;
};

// Not empty, without white space, control characters and '+'.
bool is_note_name(std::string_view name) noexcept;

struct SignedNote {
  struct Signature {
    std::string name;
    NoteKeyId id{};
    core::Bytes bytes;
  };
  std::string text;
  std::vector<Signature> signatures;
};

// nullopt unless `bytes` are exactly one note.
std::optional<SignedNote> parse_note(std::string_view bytes);

// The notes of a file to which they were appended, with empty lines between them. A signature with fewer bytes than an
// Ed25519 one was cut by a crash or is of another kind: it is passed over, as is a note that has no other.
std::vector<SignedNote> parse_notes(std::string_view bytes);

enum class NoteProof : std::uint8_t {
  good,            // one of the verifiers' signatures is there and right
  unknown_signer,  // none of them signed it
  wrong,           // a signature in the name of one of them is not right
};
NoteProof prove(const SignedNote& note, const std::vector<NoteVerifier>& verifiers);

}  // namespace sallyport::logging
