#include "envelope/pkcs11.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/rsa_token.hpp"
#include "envelope/hpke.hpp"
#include "envelope/pkcs11_token.hpp"

namespace sallyport::envelope {

namespace {

using core::Bytes;
using core::ConstBytes;
using core::Secret;
using core::crypto::PublicKey;

// CKA_EC_PARAMS of P-256: its object identifier 1.2.840.10045.3.1.7 in DER (RFC 5480 section 2.1.1.1).
constexpr std::string_view p256_params = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
// CKA_EC_POINT is a DER OCTET STRING around the point; some tokens leave the point bare.
constexpr std::string_view octet_string_of_a_point = "\x04\x41";

std::optional<PublicKey> p256_public_key(const Pkcs11Token& token, CK_OBJECT_HANDLE object) {
  if (core::text_of(token.attribute(object, CKA_EC_PARAMS)) != p256_params) return std::nullopt;
  const Bytes attribute = token.attribute(object, CKA_EC_POINT);
  ConstBytes point = attribute;
  const bool wrapped = point.size() == core::crypto::p256_point_size + octet_string_of_a_point.size();
  if (wrapped && core::text_of(point).starts_with(octet_string_of_a_point)) point = point.subspan(2);
  return PublicKey::from_p256_point(point);
}

std::optional<PublicKey> public_key_in(const Pkcs11Token& token, CK_OBJECT_HANDLE object) {
  const Bytes type = token.attribute(object, CKA_KEY_TYPE);
  CK_KEY_TYPE key_type{};
  if (type.size() != sizeof key_type) return std::nullopt;
  std::memcpy(&key_type, type.data(), sizeof key_type);
  if (key_type == CKK_EC) return p256_public_key(token, object);
  if (key_type != CKK_RSA) return std::nullopt;
  return core::crypto::rsa_public_key(token.attribute(object, CKA_MODULUS),
                                      token.attribute(object, CKA_PUBLIC_EXPONENT));
}

// Finds the candidate that is the public half of the token's key: ECDH between that key and one of ours gives the same
// on both sides.
std::optional<PublicKey> public_half_among(const std::vector<PublicKey>& candidates, const Pkcs11Token& token,
                                           CK_OBJECT_HANDLE private_key) try {
  const auto ours = core::crypto::PrivateKey::generate_p256();
  const Secret agreed = token.derive(private_key, ours.public_key().raw());
  const auto fits = [&](const PublicKey& candidate) { return ours.agree(candidate).equals(agreed.reveal()); };
  const auto found = std::ranges::find_if(candidates, fits);
  return found == candidates.end() ? std::nullopt : std::optional(*found);
} catch (const HolderFailed&) {  // a key for signing only, for example, cannot do ECDH, and so opens nothing either
  return std::nullopt;
}

// The private or the public EC keys with this CKA_ID. There may be several: tokens let an ID be used twice or left
// empty.
std::vector<CK_OBJECT_HANDLE> elliptic_keys(const Pkcs11Token& token, CK_OBJECT_CLASS key_class, Bytes id) {
  CK_KEY_TYPE key_type = CKK_EC;
  return token.find({{CKA_CLASS, &key_class, sizeof key_class},
                     {CKA_KEY_TYPE, &key_type, sizeof key_type},
                     {CKA_ID, id.data(), id.size()}});
}

// A P-256 private key object need not hold its public half; a public key object with the same CKA_ID does. If several
// objects share the ID, the public half of another key could be taken for it, so the candidates are tried.
std::optional<PublicKey> public_half(const Pkcs11Token& token, CK_OBJECT_HANDLE private_key) {
  if (auto key = public_key_in(token, private_key)) return key;
  const Bytes id = token.attribute(private_key, CKA_ID);
  std::vector<PublicKey> candidates;
  for (const CK_OBJECT_HANDLE object : elliptic_keys(token, CKO_PUBLIC_KEY, id)) {
    if (auto key = p256_public_key(token, object)) candidates.push_back(*std::move(key));
  }
  if (candidates.size() == 1 && elliptic_keys(token, CKO_PRIVATE_KEY, id).size() == 1) return candidates.front();
  return candidates.empty() ? std::nullopt : public_half_among(candidates, token, private_key);
}

std::vector<CK_OBJECT_HANDLE> private_keys(const Pkcs11Token& token, std::string label) {
  CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
  std::vector<CK_ATTRIBUTE> like = {{CKA_CLASS, &private_class, sizeof private_class}};
  if (!label.empty()) like.push_back({CKA_LABEL, label.data(), label.size()});
  return token.find(like);
}

}  // namespace

struct Pkcs11Holder::Keys {
  struct One {
    CK_OBJECT_HANDLE handle;
    PublicKey public_key;
    Recipient recipient;
    std::string id;
  };

  Keys(const Pkcs11Reference& reference, const AskPin& ask_pin) : token(reference.module, reference.token, ask_pin) {
    const std::vector<CK_OBJECT_HANDLE> handles = private_keys(token, reference.object);
    for (const CK_OBJECT_HANDLE handle : handles) {
      const auto key = public_half(token, handle);
      if (!key) continue;
      const Recipient recipient = Recipient::of(*key);
      keys.push_back({handle, *key, recipient, recipient.id()});
    }
    if (!keys.empty()) return;
    const std::string named = reference.object.empty() ? "" : " \"" + reference.object + "\"";
    throw HolderFailed("the token \"" + reference.token + "\" has no private key" + named +
                       (handles.empty() ? "" : " for P-256 or RSA of 2048 to 8192 bits with its public half"));
  }

  core::Result<Secret> open_hpke(const One& key, const Stanza& stanza, ConstBytes context) const {
    const auto agree = [&](const PublicKey& ephemeral) -> core::Result<Secret> {
      return token.derive(key.handle, ephemeral.raw());
    };
    return hpke::open_with(agree, key.public_key, context, {}, stanza.wrapped);
  }

  core::Result<Secret> open_oaep(const One& key, const Stanza& stanza) const {
    const std::size_t size = (key.public_key.bits() + 7) / 8;
    if (stanza.wrapped.size() != size) return core::Error{core::Reason::envelope_malformed};
    CK_RSA_PKCS_OAEP_PARAMS oaep{CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, nullptr, 0};
    if (token.start_decryption(key.handle, {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep})) {
      return token.finish_decryption(key.handle, stanza.wrapped, size);
    }
    if (!token.start_decryption(key.handle, {CKM_RSA_X_509, nullptr, 0})) {
      throw HolderFailed("the token can do neither RSA-OAEP with SHA-256 nor the bare RSA operation");
    }
    const auto block = token.finish_decryption(key.handle, stanza.wrapped, size);
    if (!block) return block.error();
    Secret whole(size);  // a token may omit leading zeros
    std::ranges::copy(block->reveal(), whole.reveal_for_writing().last(block->size()).begin());
    return core::crypto::unpad_oaep_sha256(whole.reveal());
  }

  Pkcs11Token token;
  std::vector<One> keys;
};

Pkcs11Holder::Pkcs11Holder(const Pkcs11Reference& reference, const AskPin& ask_pin)
    : keys_(std::make_unique<Keys>(reference, ask_pin)) {}

Pkcs11Holder::~Pkcs11Holder() = default;

std::vector<Recipient> Pkcs11Holder::recipients() const {
  std::vector<Recipient> all;
  for (const Keys::One& key : keys_->keys) all.push_back(key.recipient);
  return all;
}

core::Result<Secret> Pkcs11Holder::unwrap(const Stanza& stanza, ConstBytes context) {
  const auto key = std::ranges::find(keys_->keys, stanza.recipient_id, &Keys::One::id);
  if (key == keys_->keys.end() || key->recipient.suite() != stanza.suite) {
    return core::Error{core::Reason::key_mismatch};
  }
  if (stanza.suite == Suite::hpke_p256) return keys_->open_hpke(*key, stanza, context);
  return keys_->open_oaep(*key, stanza);
}

}  // namespace sallyport::envelope
