#include "envelope/hpke.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "core/crypto.hpp"

namespace sallyport::envelope::hpke {

namespace {

using core::bytes_of;
using core::ConstBytes;
using core::MutableBytes;
using core::Secret;
using core::crypto::Aes256Gcm;
using core::crypto::HybridPrivateKey;
using core::crypto::HybridPublicKey;
using core::crypto::PrivateKey;
using core::crypto::PublicKey;
using namespace std::string_view_literals;

// RFC 9180 sections 4.1 and 5.1, with the numbers of section 7: KEM 0x0010, KDF 0x0001, AEAD 0x0002. KEM 0x647a is from
// draft-ietf-hpke-pq.
constexpr std::string_view kem_suite = "KEM\x00\x10"sv;
constexpr std::string_view p256_suite = "HPKE\x00\x10\x00\x01\x00\x02"sv;
constexpr std::string_view hybrid_suite = "HPKE\x64\x7a\x00\x01\x00\x02"sv;
constexpr std::size_t shared_secret_size = 32;

Secret joined(std::initializer_list<ConstBytes> pieces) {
  std::size_t size = 0;
  for (const ConstBytes piece : pieces) size += piece.size();
  Secret all(size);
  auto out = all.reveal_for_writing().begin();
  for (const ConstBytes piece : pieces) out = std::ranges::copy(piece, out).out;
  return all;
}

// Section 4: every extraction and expansion is bound to the suite and to its purpose.
Secret labeled_extract(std::string_view suite, ConstBytes salt, std::string_view label, ConstBytes input_key) {
  const Secret labeled = joined({bytes_of("HPKE-v1"), bytes_of(suite), bytes_of(label), input_key});
  core::crypto::Digest extracted = core::crypto::hkdf_extract(salt, labeled.reveal());
  Secret key{ConstBytes(extracted)};
  core::wipe(extracted);
  return key;
}

Secret labeled_expand(std::string_view suite, const Secret& key, std::string_view label, ConstBytes info,
                      std::size_t size) {
  const std::byte size_field[] = {static_cast<std::byte>(size >> 8), static_cast<std::byte>(size)};
  const Secret labeled = joined({size_field, bytes_of("HPKE-v1"), bytes_of(suite), bytes_of(label), info});
  Secret expanded(size);
  core::crypto::hkdf_expand(key.reveal(), labeled.reveal(), expanded.reveal_for_writing());
  return expanded;
}

// ExtractAndExpand of section 4.1: the same on both sides.
Secret shared_secret(const Secret& agreed, ConstBytes encapsulated, ConstBytes recipient) {
  const Secret key = labeled_extract(kem_suite, {}, "eae_prk", agreed.reveal());
  const Secret context = joined({encapsulated, recipient});
  return labeled_expand(kem_suite, key, "shared_secret", context.reveal(), shared_secret_size);
}

struct Message {
  Aes256Gcm cipher;
  Aes256Gcm::Nonce nonce;  // base_nonce XOR sequence number 0
};

// KeySchedule of section 5.1 in base mode: no pre-shared key.
Message key_schedule(std::string_view suite, const Secret& shared, ConstBytes info) {
  static constexpr std::byte base_mode[] = {std::byte{0}};
  const Secret psk_id_hash = labeled_extract(suite, {}, "psk_id_hash", {});
  const Secret info_hash = labeled_extract(suite, {}, "info_hash", info);
  const Secret context = joined({base_mode, psk_id_hash.reveal(), info_hash.reveal()});
  const Secret secret = labeled_extract(suite, shared.reveal(), "secret", {});
  const Secret key = labeled_expand(suite, secret, "key", context.reveal(), Aes256Gcm::key_size);
  const Secret base_nonce = labeled_expand(suite, secret, "base_nonce", context.reveal(), Aes256Gcm::nonce_size);
  Message message{Aes256Gcm(key.reveal()), {}};
  std::ranges::copy(base_nonce.reveal(), message.nonce.begin());
  return message;
}

core::Bytes sealed_with(Message message, core::Bytes encapsulated, ConstBytes associated, ConstBytes plaintext) {
  const std::size_t size = encapsulated.size();
  encapsulated.resize(size + plaintext.size() + tag_size);
  message.cipher.seal(message.nonce, associated, plaintext, MutableBytes(encapsulated).subspan(size));
  return encapsulated;
}

core::Result<Secret> opened_with(Message message, ConstBytes associated, ConstBytes ciphertext) {
  Secret plaintext(ciphertext.size() - tag_size);
  if (!message.cipher.open(message.nonce, associated, ciphertext, plaintext.reveal_for_writing())) {
    return core::Error{core::Reason::not_authentic};
  }
  return plaintext;
}

}  // namespace

core::Bytes seal(const PublicKey& recipient, ConstBytes info, ConstBytes associated, ConstBytes plaintext) {
  return seal_with_ephemeral(PrivateKey::generate_p256(), recipient, info, associated, plaintext);
}

core::Bytes seal(const HybridPublicKey& recipient, ConstBytes info, ConstBytes associated, ConstBytes plaintext) {
  auto [encapsulated, shared] = recipient.encapsulate();
  return sealed_with(key_schedule(hybrid_suite, shared, info), std::move(encapsulated), associated, plaintext);
}

core::Bytes seal_with_ephemeral(const PrivateKey& ephemeral, const PublicKey& recipient, ConstBytes info,
                                ConstBytes associated, ConstBytes plaintext) {
  core::Bytes encapsulated = ephemeral.public_key().raw();
  const Secret shared = shared_secret(ephemeral.agree(recipient), encapsulated, recipient.raw());
  return sealed_with(key_schedule(p256_suite, shared, info), std::move(encapsulated), associated, plaintext);
}

core::Result<Secret> open(const PrivateKey& recipient, ConstBytes info, ConstBytes associated, ConstBytes sealed) {
  const Agree agree = [&](const PublicKey& ephemeral) { return recipient.agree(ephemeral); };
  return open_with(agree, recipient.public_key(), info, associated, sealed);
}

core::Result<Secret> open_with(const Agree& agree, const PublicKey& recipient, ConstBytes info, ConstBytes associated,
                               ConstBytes sealed) {
  if (sealed.size() < overhead) return core::Error{core::Reason::envelope_malformed};
  const ConstBytes encapsulated = sealed.first(encapsulated_size);
  const auto peer = PublicKey::from_p256_point(encapsulated);
  if (!peer) return core::Error{core::Reason::envelope_malformed};
  const core::Result<Secret> agreed = agree(*peer);
  if (!agreed) return agreed.error();
  const Secret shared = shared_secret(*agreed, encapsulated, recipient.raw());
  return opened_with(key_schedule(p256_suite, shared, info), associated, sealed.subspan(encapsulated_size));
}

core::Result<Secret> open(const HybridPrivateKey& recipient, ConstBytes info, ConstBytes associated,
                          ConstBytes sealed) {
  if (sealed.size() < hybrid_overhead) return core::Error{core::Reason::envelope_malformed};
  constexpr std::size_t size = core::crypto::hybrid_encapsulated_size;
  const core::Result<Secret> shared = recipient.decapsulate(sealed.first(size));
  if (!shared) return shared.error();
  return opened_with(key_schedule(hybrid_suite, *shared, info), associated, sealed.subspan(size));
}

}  // namespace sallyport::envelope::hpke
