#include "envelope/recipient.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>

#include "core/base64.hpp"
#include "core/crypto.hpp"
#include "core/hybrid_key.hpp"
#include "core/public_key.hpp"
#include "core/text.hpp"
#include "envelope/hpke.hpp"

namespace sallyport::envelope {

using core::crypto::HybridPublicKey;
using core::crypto::KeyType;
using core::crypto::PublicKey;

namespace {

constexpr std::string_view p256_prefix = "sallyport-p256:", rsa_prefix = "sallyport-rsa:",
                           hybrid_prefix = "sallyport-pq:";
constexpr std::size_t id_digits = 16;

// The bytes that are encoded after `prefix`; nullopt when the line has another prefix.
std::optional<core::Bytes> encoded_after(std::string_view prefix, std::string_view line) {
  if (!line.starts_with(prefix)) return std::nullopt;
  auto bytes = core::from_base64url(line.substr(prefix.size()));
  if (!bytes) throw std::invalid_argument("what follows the colon is not base64url (was it cut short?)");
  return bytes;
}

template <class Key>
Recipient recipient_of(const std::optional<Key>& key, const char* otherwise) {
  if (!key) throw std::invalid_argument(otherwise);
  return Recipient::of(*key);
}

}  // namespace

std::string_view name(Suite suite) noexcept {
  switch (suite) {
    case Suite::hpke_p256:
      return "hpke-p256";
    case Suite::rsa_oaep_sha256:
      return "rsa-oaep-sha256";
    case Suite::hpke_mlkem768_x25519:
      return "hpke-mlkem768-x25519";
  }
  return "unknown";
}

bool mixes_kinds(std::span<const Suite> suites) noexcept {
  return std::ranges::any_of(suites, is_post_quantum) && !std::ranges::all_of(suites, is_post_quantum);
}

bool is_recipient_id(std::string_view text) { return text.size() == id_digits && core::from_hex(text).has_value(); }

struct Recipient::Key {
  std::variant<PublicKey, HybridPublicKey> key;
  Suite suite;
  std::string_view prefix;
  core::Bytes encoded;  // the public key as in the line, before base64url
};

Recipient::Recipient(std::shared_ptr<const Key> key) : key_(std::move(key)) {}

Recipient Recipient::parse(std::string_view text) {
  const std::string_view line = core::trimmed(text);
  if (line.size() > maximum_recipient_size) throw std::invalid_argument("the line is too long");
  if (line.find("PRIVATE KEY") != std::string_view::npos) {
    throw std::invalid_argument("this is a PRIVATE key; it must not be here. Give the .pub line instead");
  }
  if (const auto point = encoded_after(p256_prefix, line)) {
    return recipient_of(PublicKey::from_p256_point(*point), "not an uncompressed point of P-256");
  }
  if (const auto der = encoded_after(rsa_prefix, line)) {
    auto key = PublicKey::from_der(*der);
    if (key && key->type() != KeyType::rsa) key.reset();
    return recipient_of(key, "not an RSA public key of 2048 to 8192 bits");
  }
  if (const auto raw = encoded_after(hybrid_prefix, line)) {
    return recipient_of(HybridPublicKey::from_raw(*raw), "not a public key of MLKEM768-X25519");
  }
  throw std::invalid_argument("a recipient begins with sallyport-p256:, sallyport-rsa: or sallyport-pq:");
}

Recipient Recipient::of(const PublicKey& key) {
  if (key.type() == KeyType::ed25519) throw std::invalid_argument("an Ed25519 key signs; nothing can be wrapped to it");
  if (key.type() == KeyType::p256) {
    return Recipient(std::make_shared<const Key>(Key{key, Suite::hpke_p256, p256_prefix, key.raw()}));
  }
  return Recipient(std::make_shared<const Key>(Key{key, Suite::rsa_oaep_sha256, rsa_prefix, key.der()}));
}

Recipient Recipient::of(const HybridPublicKey& key) {
  return Recipient(std::make_shared<const Key>(Key{key, Suite::hpke_mlkem768_x25519, hybrid_prefix, key.raw()}));
}

Suite Recipient::suite() const noexcept { return key_->suite; }

std::string Recipient::text() const { return std::string(key_->prefix) + core::to_base64url(key_->encoded); }

std::string Recipient::id() const { return core::to_hex(core::crypto::sha256(key_->encoded)).substr(0, id_digits); }

std::string Recipient::type() const {
  if (suite() == Suite::hpke_mlkem768_x25519) return "mlkem768-x25519";
  if (suite() == Suite::hpke_p256) return "p256";
  return "rsa" + std::to_string(std::get<PublicKey>(key_->key).bits());
}

core::Result<core::Bytes> Recipient::wrap(core::ConstBytes data_key, core::ConstBytes context) const {
  if (data_key.size() > maximum_data_key_size) return core::Error{core::Reason::internal};
  if (const auto* hybrid = std::get_if<HybridPublicKey>(&key_->key)) return hpke::seal(*hybrid, context, {}, data_key);
  const auto& key = std::get<PublicKey>(key_->key);
  if (suite() == Suite::hpke_p256) return hpke::seal(key, context, {}, data_key);
  return key.encrypt_oaep(data_key);
}

}  // namespace sallyport::envelope
