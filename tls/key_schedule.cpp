#include "tls/key_schedule.hpp"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <array>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>

#include "core/bytes.hpp"
#include "core/crypto.hpp"
#include "core/openssl_handle.hpp"
#include "core/text.hpp"
#include "tls/expand_label.hpp"
#include "tls/identity.hpp"
#include "tls/openssl.hpp"

namespace sallyport::tls {

using core::ConstBytes;
using core::MutableBytes;
using core::crypto::Hash;

namespace {

constexpr const char* name = "sallyport";
// Properties of our own: a clause here drops the administrator's default clause of the same name. Two, so as to
// outweigh one that is optional, such as ?provider=default.
constexpr const char* properties = "provider=sallyport,sallyport.tls=yes,sallyport.kdf=yes";
constexpr const char* preference = "?sallyport.tls=yes,?sallyport.kdf=yes";

thread_local TrafficSecrets* listening = nullptr;

// What OpenSSL asks for (EVP_KDF-TLS13_KDF(7)).
struct Question {
  std::optional<Hash> hash;
  int mode = -1;
  ConstBytes key, salt, data;
  std::string_view prefix, label;

  explicit Question(const OSSL_PARAM* params) {
    for (; params != nullptr && params->key != nullptr; ++params) take(*params);
  }

  void take(const OSSL_PARAM& param) {
    const std::string_view what = param.key;
    const ConstBytes bytes(static_cast<const std::byte*>(param.data), param.data_size);
    if (what == OSSL_KDF_PARAM_MODE) OSSL_PARAM_get_int(&param, &mode);
    if (what == OSSL_KDF_PARAM_DIGEST) hash = hash_of(core::text_of(bytes));
    if (what == OSSL_KDF_PARAM_KEY) key = secret_of(bytes);
    if (what == OSSL_KDF_PARAM_SALT) salt = secret_of(bytes);
    if (what == OSSL_KDF_PARAM_PREFIX) prefix = core::text_of(bytes);
    if (what == OSSL_KDF_PARAM_LABEL) label = core::text_of(bytes);
    if (what == OSSL_KDF_PARAM_DATA) data = bytes;
  }

  // One that is not given means zeros to the schedule; one that is given has bytes.
  static ConstBytes secret_of(ConstBytes bytes) {
    if (bytes.empty()) throw std::invalid_argument("an empty secret");
    return bytes;
  }

  static std::optional<Hash> hash_of(std::string_view digest) {
    const auto is_one_of = [&](auto... names) { return (core::equal_ignoring_case(digest, names) || ...); };
    if (is_one_of("SHA2-256", "SHA-256", "SHA256")) return Hash::sha256;
    if (is_one_of("SHA2-384", "SHA-384", "SHA384")) return Hash::sha384;
    return std::nullopt;
  }
};

using LongestDigest = std::array<std::byte, core::crypto::digest_size(Hash::sha384)>;

const LongestDigest& digest_of_nothing(Hash hash) {
  const auto make = [](const char* algorithm) {
    LongestDigest digest{};
    std::size_t size = 0;
    const int done = EVP_Q_digest(nullptr, algorithm, nullptr, "", 0, core::raw(digest.data()), &size);
    core::require(done == 1, "hash nothing");
    return digest;
  };
  static const LongestDigest sha256 = make("SHA256"), sha384 = make("SHA384");
  return hash == Hash::sha256 ? sha256 : sha384;
}

// The next of the schedule's secrets: from the one before (as salt), and what is new (as key).
void extract(const Question& asked, MutableBytes out) {
  const LongestDigest zeros{};
  const ConstBytes key = asked.key.empty() ? ConstBytes(zeros).first(out.size()) : asked.key;
  if (asked.salt.empty()) return core::crypto::hkdf_extract({}, key, out, *asked.hash);
  core::Secret derived(out.size());
  const ConstBytes context = ConstBytes(digest_of_nothing(*asked.hash)).first(out.size());
  expand_label(*asked.hash, asked.salt, asked.label, context, derived.reveal_for_writing());
  core::crypto::hkdf_extract(derived.reveal(), key, out, *asked.hash);
}

void tell(const Question& asked, ConstBytes secret) {
  if (listening == nullptr) return;
  if (asked.label == "c ap traffic") listening->client = core::Secret(secret);
  if (asked.label == "s ap traffic") listening->server = core::Secret(secret);
}

int derive(void*, unsigned char* begin, std::size_t size, const OSSL_PARAM* params) try {
  const Question asked(params);
  const MutableBytes out(reinterpret_cast<std::byte*>(begin), size);
  if (!asked.hash || asked.prefix != label_prefix) return 0;
  if (asked.mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY) {
    if (size != core::crypto::digest_size(*asked.hash)) return 0;
    extract(asked, out);
    return 1;
  }
  if (asked.mode != EVP_KDF_HKDF_MODE_EXPAND_ONLY || asked.key.empty()) return 0;
  expand_label(*asked.hash, asked.key, asked.label, asked.data, out);
  tell(asked, out);
  return 1;
} catch (const std::exception&) {
  return 0;  // nothing may be thrown through OpenSSL
}

// All that a derivation needs comes with it, so a context holds nothing.
void* new_kdf(void*) {
  static char nothing;
  return &nothing;
}
void free_kdf(void*) {}
int set_parameters(void*, const OSSL_PARAM* params) { return params == nullptr || params->key == nullptr ? 1 : 0; }

template <class Function>
OSSL_DISPATCH entry(int number, Function* function) {
  return {number, reinterpret_cast<void (*)()>(function)};
}

const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) {
  static const OSSL_DISPATCH functions[] = {entry(OSSL_FUNC_KDF_NEWCTX, new_kdf),
                                            entry(OSSL_FUNC_KDF_FREECTX, free_kdf),
                                            entry(OSSL_FUNC_KDF_DERIVE, derive),
                                            entry(OSSL_FUNC_KDF_SET_CTX_PARAMS, set_parameters),
                                            {0, nullptr}};
  static const OSSL_ALGORITHM kdfs[] = {{OSSL_KDF_NAME_TLS1_3_KDF, properties, functions, nullptr},
                                        {nullptr, nullptr, nullptr, nullptr}};
  *no_cache = 0;
  return operation == OSSL_OP_KDF ? kdfs : nullptr;
}

int start_provider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH*, const OSSL_DISPATCH** out, void** context) {
  static const OSSL_DISPATCH functions[] = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query), {0, nullptr}};
  *out = functions;
  *context = const_cast<OSSL_CORE_HANDLE*>(handle);
  return 1;
}

using Kdf = core::Handle<EVP_KDF, EVP_KDF_free>;

// For as long as the process lives, beyond what OpenSSL frees at exit. Those that OpenSSL loads by itself stay, and
// come first for whoever has no preference: they are loaded before ours.
bool load_provider() {
  const Kdf for_others(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, nullptr));
  if (OSSL_PROVIDER_add_builtin(nullptr, name, start_provider) != 1) return false;
  static const OSSL_PROVIDER* const ours = OSSL_PROVIDER_try_load(nullptr, name, 1);
  if (ours == nullptr) return false;
  const Kdf kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, preference));
  return kdf && std::string_view(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf.get()))) == name;
}

}  // namespace

SecretListener::SecretListener(TrafficSecrets& secrets) noexcept { listening = &secrets; }
SecretListener::~SecretListener() { listening = nullptr; }

bool has_key_schedule() noexcept {
  static const bool has = [] {
    const bool usable = load_provider() && SslContext(SSL_CTX_new_ex(nullptr, preference, TLS_method()));
    ERR_clear_error();
    return usable;
  }();
  return has;
}

SSL_CTX* new_context_with_key_schedule(const SSL_METHOD* method) {
  SSL_CTX* context = has_key_schedule() ? SSL_CTX_new_ex(nullptr, preference, method) : nullptr;
  if (context == nullptr) throw std::runtime_error(no_key_schedule);
  return context;
}

}  // namespace sallyport::tls
