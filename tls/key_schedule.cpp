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
// Our contexts prefer properties that no other KDF has: a clause in a query replaces the administrator's default clause
// of the same name. There are two, to outweigh one optional default such as ?provider=default.
constexpr const char* properties = "provider=sallyport,sallyport.tls=yes,sallyport.kdf=yes";
constexpr const char* preference = "?sallyport.tls=yes,?sallyport.kdf=yes";

thread_local TrafficSecrets* listener_secrets = nullptr;

// The parameters of one derivation, as OpenSSL passes them (EVP_KDF-TLS13_KDF(7)).
struct Parameters {
  std::optional<Hash> hash;
  int mode = -1;
  ConstBytes key, salt, data;
  std::string_view prefix, label;

  explicit Parameters(const OSSL_PARAM* params) {
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

  // An absent secret stands for zeros. A secret that is passed and empty is an error, not an absent one.
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

// Derives the next secret of the schedule, from the one before it (salt) and the new input (key).
void extract(const Parameters& given, MutableBytes out) {
  const LongestDigest zeros{};
  const ConstBytes key = given.key.empty() ? ConstBytes(zeros).first(out.size()) : given.key;
  if (given.salt.empty()) return core::crypto::hkdf_extract({}, key, out, *given.hash);
  core::Secret derived(out.size());
  const ConstBytes context = ConstBytes(digest_of_nothing(*given.hash)).first(out.size());
  expand_label(*given.hash, given.salt, given.label, context, derived.reveal_for_writing());
  core::crypto::hkdf_extract(derived.reveal(), key, out, *given.hash);
}

void tell_listener(const Parameters& given, ConstBytes secret) {
  if (listener_secrets == nullptr) return;
  if (given.label == "c ap traffic") listener_secrets->client = core::Secret(secret);
  if (given.label == "s ap traffic") listener_secrets->server = core::Secret(secret);
}

int derive(void*, unsigned char* begin, std::size_t size, const OSSL_PARAM* params) try {
  const Parameters given(params);
  const MutableBytes out(reinterpret_cast<std::byte*>(begin), size);
  if (!given.hash || given.prefix != label_prefix) return 0;
  if (given.mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY) {
    if (size != core::crypto::digest_size(*given.hash)) return 0;
    extract(given, out);
    return 1;
  }
  if (given.mode != EVP_KDF_HKDF_MODE_EXPAND_ONLY || given.key.empty()) return 0;
  expand_label(*given.hash, given.key, given.label, given.data, out);
  tell_listener(given, out);
  return 1;
} catch (const std::exception&) {
  return 0;  // no exception may pass through OpenSSL
}

// OpenSSL passes all parameters with each derivation, so a KDF context holds nothing.
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

// Our provider stays loaded while the process lives; the static handle keeps leak checkers quiet at exit. The first
// fetch loads OpenSSL's own providers, before ours, so that code without a preference gets theirs.
bool load_provider() {
  const Kdf of_openssl(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, nullptr));
  if (OSSL_PROVIDER_add_builtin(nullptr, name, start_provider) != 1) return false;
  static const OSSL_PROVIDER* const ours = OSSL_PROVIDER_try_load(nullptr, name, 1);
  if (ours == nullptr) return false;
  const Kdf kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, preference));
  return kdf && std::string_view(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf.get()))) == name;
}

}  // namespace

SecretListener::SecretListener(TrafficSecrets& secrets) noexcept { listener_secrets = &secrets; }
SecretListener::~SecretListener() { listener_secrets = nullptr; }

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
