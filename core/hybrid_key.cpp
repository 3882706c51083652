#include "core/hybrid_key.hpp"

#include <openssl/core_names.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include <algorithm>

#include "core/crypto.hpp"
#include "core/evp_key.hpp"
#include "core/pkcs8.hpp"

namespace sallyport::core::crypto {

namespace {

using Kem = Handle<EVP_KEM, EVP_KEM_free>;

constexpr char ml_kem_768[] = "ML-KEM-768", x25519[] = "X25519";
constexpr char seed_parameter[] = "seed";  // OSSL_PKEY_PARAM_ML_KEM_SEED, which OpenSSL 3.0 has no name for
constexpr char object_identifier[] = "1.3.6.1.4.1.62253.25722";
constexpr std::size_t ml_kem_seed_size = 64, ml_kem_public_size = 1184, ml_kem_ciphertext_size = 1088;
constexpr std::size_t x25519_size = 32;
constexpr std::string_view label = "\\.//^\\";

void require_available() {
  if (!hybrid_available()) throw std::invalid_argument(hybrid_needs);
}

// Null when the bytes are not a valid key of that kind.
Key public_key(const char* kind, ConstBytes bytes) {
  return owned(EVP_PKEY_new_raw_public_key_ex(nullptr, kind, nullptr, raw(bytes.data()), bytes.size()));
}

Key ml_kem_from_seed(ConstBytes seed) {
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, ml_kem_768, nullptr));
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(seed_parameter, const_cast<std::byte*>(seed.data()), seed.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* made = nullptr;
  require(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
              EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, params) == 1,
          "make an ML-KEM-768 key");
  return owned(made);
}

Key x25519_from(ConstBytes scalar) {
  Key key = owned(EVP_PKEY_new_raw_private_key_ex(nullptr, x25519, nullptr, raw(scalar.data()), scalar.size()));
  require(key != nullptr, "make an X25519 key");
  return key;
}

Key new_x25519() {
  Secret scalar(x25519_size);
  random(scalar.reveal_for_writing());
  return x25519_from(scalar.reveal());
}

// nullopt when the result is all zeros (RFC 7748 section 6.1), which OpenSSL refuses: the peer's point has a low order.
std::optional<Secret> agree(EVP_PKEY* own, EVP_PKEY* peer) {
  const KeyContext context = context_for(own);
  Secret shared(x25519_size);
  std::size_t size = shared.size();
  const bool agreed = EVP_PKEY_derive_init(context.get()) == 1 && EVP_PKEY_derive_set_peer(context.get(), peer) == 1 &&
                      EVP_PKEY_derive(context.get(), raw(shared.reveal_for_writing().data()), &size) == 1;
  ERR_clear_error();
  if (!agreed) return std::nullopt;
  return shared;
}

void append(Bytes& all, ConstBytes piece) { all.insert(all.end(), piece.begin(), piece.end()); }

// The combiner of draft-connolly-cfrg-xwing-kem section 5.3.
Secret combined(const Secret& ml_kem, const Secret& agreed, ConstBytes x25519_ciphertext, ConstBytes x25519_public) {
  Bytes input;
  input.reserve(4 * hybrid_shared_size + label.size());  // a reallocation would leave an unwiped copy
  for (const ConstBytes piece : {ml_kem.reveal(), agreed.reveal(), x25519_ciphertext, x25519_public, bytes_of(label)}) {
    append(input, piece);
  }
  Secret shared(hybrid_shared_size);
  const int done =
      EVP_Digest(input.data(), input.size(), raw(shared.reveal_for_writing().data()), nullptr, EVP_sha3_256(), nullptr);
  wipe(input);
  require(done == 1, "hash with SHA3-256");
  return shared;
}

// SHAKE256 of the seed: ML-KEM's seed, then X25519's scalar (draft-connolly-cfrg-xwing-kem section 5.2).
Secret expanded(ConstBytes seed) {
  const DigestContext context = digest_context();
  Secret both(ml_kem_seed_size + x25519_size);
  require(EVP_DigestInit_ex(context.get(), EVP_shake256(), nullptr) == 1 &&
              EVP_DigestUpdate(context.get(), seed.data(), seed.size()) == 1 &&
              EVP_DigestFinalXOF(context.get(), raw(both.reveal_for_writing().data()), both.size()) == 1,
          "expand a seed with SHAKE256");
  return both;
}

}  // namespace

bool hybrid_available() noexcept {
  const Kem kem(EVP_KEM_fetch(nullptr, ml_kem_768, nullptr));
  ERR_clear_error();
  return kem != nullptr;
}

HybridPublicKey::HybridPublicKey(ConstBytes bytes)
    : raw_(bytes.begin(), bytes.end()),
      ml_kem_(public_key(ml_kem_768, bytes.first(ml_kem_public_size))),
      x25519_(public_key(x25519, bytes.subspan(ml_kem_public_size))) {}

std::optional<HybridPublicKey> HybridPublicKey::from_raw(ConstBytes bytes) {
  if (bytes.size() != hybrid_public_size) return std::nullopt;
  require_available();
  HybridPublicKey key(bytes);
  if (!key.ml_kem_ || !key.x25519_) return std::nullopt;
  if (!agree(new_x25519().get(), key.x25519_.get())) return std::nullopt;  // a point of low order
  return key;
}

HybridPublicKey::Encapsulation HybridPublicKey::encapsulate() const {
  Encapsulation made{Bytes(ml_kem_ciphertext_size), {}};
  Secret ml_kem(hybrid_shared_size);
  std::size_t size = made.encapsulated.size(), secret_size = ml_kem.size();
  const KeyContext context = context_for(ml_kem_.get());
  require(EVP_PKEY_encapsulate_init(context.get(), nullptr) == 1 &&
              EVP_PKEY_encapsulate(context.get(), core::raw(made.encapsulated.data()), &size,
                                   core::raw(ml_kem.reveal_for_writing().data()), &secret_size) == 1,
          "encapsulate with ML-KEM-768");
  const Key ephemeral = new_x25519();
  const auto agreed = agree(ephemeral.get(), x25519_.get());
  require(agreed.has_value(), "agree by X25519");
  const Bytes point = public_bytes(ephemeral.get());
  made.shared = combined(ml_kem, *agreed, point, ConstBytes(raw_).subspan(ml_kem_public_size));
  append(made.encapsulated, point);
  return made;
}

struct HybridPrivateKey::Halves {
  Secret seed;
  Key ml_kem, x25519;
};

HybridPrivateKey::HybridPrivateKey(std::shared_ptr<const Halves> halves)
    : halves_(std::move(halves)), public_([this] {
        Bytes bytes = public_bytes(halves_->ml_kem.get());
        append(bytes, public_bytes(halves_->x25519.get()));
        return HybridPublicKey(bytes);
      }()) {}

HybridPrivateKey HybridPrivateKey::generate() {
  Secret seed(hybrid_seed_size);
  random(seed.reveal_for_writing());
  return from_seed(seed.reveal());
}

HybridPrivateKey HybridPrivateKey::from_seed(ConstBytes seed) {
  if (seed.size() != hybrid_seed_size) throw std::invalid_argument("a post-quantum key's seed has 32 bytes");
  require_available();
  const Secret both = expanded(seed);
  return HybridPrivateKey(
      std::make_shared<const Halves>(Halves{Secret(seed), ml_kem_from_seed(both.reveal().first(ml_kem_seed_size)),
                                            x25519_from(both.reveal().subspan(ml_kem_seed_size))}));
}

std::optional<HybridPrivateKey> HybridPrivateKey::from_pem(ConstBytes pem, const AskPassphrase& ask) {
  const Pkcs8 plain = read_pkcs8(pem, ask);
  if (!plain) return std::nullopt;
  const ASN1_OBJECT* kind = nullptr;
  const unsigned char* seed = nullptr;
  int size = 0;
  char identifier[sizeof object_identifier + 1] = {};
  if (PKCS8_pkey_get0(&kind, &seed, &size, nullptr, plain.get()) != 1) return std::nullopt;
  OBJ_obj2txt(identifier, sizeof identifier, kind, 1);
  if (std::string_view(identifier) != object_identifier) return std::nullopt;
  return from_seed({reinterpret_cast<const std::byte*>(seed), static_cast<std::size_t>(size)});
}

namespace {

Pkcs8 pkcs8_of(const Secret& seed) {
  Pkcs8 plain(PKCS8_PRIV_KEY_INFO_new());
  auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(seed.reveal().data(), seed.size()));  // `plain` takes it
  require(plain != nullptr && copy != nullptr &&
              PKCS8_pkey_set0(plain.get(), OBJ_txt2obj(object_identifier, 1), 0, V_ASN1_UNDEF, nullptr, copy,
                              int_size(seed.reveal())) == 1,
          "write a private key");
  return plain;
}

}  // namespace

Secret HybridPrivateKey::pem() const {
  const Bio bio = memory();
  require(PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio.get(), pkcs8_of(halves_->seed).get()) == 1, "write a private key");
  return Secret(written(bio));
}

std::string HybridPrivateKey::encrypted_pem(const Secret& passphrase) const {
  return encrypt_pkcs8(pkcs8_of(halves_->seed).get(), passphrase);
}

Result<Secret> HybridPrivateKey::decapsulate(ConstBytes encapsulated) const {
  if (encapsulated.size() != hybrid_encapsulated_size) return Error{Reason::envelope_malformed};
  const ConstBytes ciphertext = encapsulated.first(ml_kem_ciphertext_size);
  const ConstBytes point = encapsulated.subspan(ml_kem_ciphertext_size);
  Secret ml_kem(hybrid_shared_size);
  std::size_t size = ml_kem.size();
  const KeyContext context = context_for(halves_->ml_kem.get());
  require(EVP_PKEY_decapsulate_init(context.get(), nullptr) == 1 &&
              EVP_PKEY_decapsulate(context.get(), core::raw(ml_kem.reveal_for_writing().data()), &size,
                                   core::raw(ciphertext.data()), ciphertext.size()) == 1,
          "decapsulate with ML-KEM-768");
  const Key peer = crypto::public_key(x25519, point);
  const auto agreed = peer ? agree(halves_->x25519.get(), peer.get()) : std::nullopt;
  if (!agreed) return Error{Reason::not_authentic};
  return combined(ml_kem, *agreed, point, ConstBytes(public_.raw_).subspan(ml_kem_public_size));
}

}  // namespace sallyport::core::crypto
