#include "tls/key_schedule.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base64.hpp"
#include "core/openssl_handle.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/process.hpp"
#include "tls/identity.hpp"

using namespace sallyport;
using namespace sallyport::tls;

namespace {

using Kdf = core::Handle<EVP_KDF, EVP_KDF_free>;

struct Asked {
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  const char* digest = "SHA2-256";
  std::optional<std::string> key = {}, salt = {};
  std::string label = {};
  std::optional<std::string> data = {};
  std::size_t size = 32;
  std::string prefix = "tls13 ";
};

OSSL_PARAM octets(const char* name, const std::string& value) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(value.data()), value.size());
}

// What a KDF for TLS 1.3 answers, in hex; "refused" where it does.
std::string derived(const char* provider, Asked asked) {
  const Kdf kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, provider));
  REQUIRE(kdf != nullptr);
  const core::Handle<EVP_KDF_CTX, EVP_KDF_CTX_free> context(EVP_KDF_CTX_new(kdf.get()));
  std::vector<OSSL_PARAM> params = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &asked.mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(asked.digest), 0),
      octets(OSSL_KDF_PARAM_PREFIX, asked.prefix), octets(OSSL_KDF_PARAM_LABEL, asked.label)};
  if (asked.key) params.push_back(octets(OSSL_KDF_PARAM_KEY, *asked.key));
  if (asked.salt) params.push_back(octets(OSSL_KDF_PARAM_SALT, *asked.salt));
  if (asked.data) params.push_back(octets(OSSL_KDF_PARAM_DATA, *asked.data));
  params.push_back(OSSL_PARAM_construct_end());
  core::Bytes out(asked.size);
  const int done = EVP_KDF_derive(context.get(), core::raw(out.data()), out.size(), params.data());
  ERR_clear_error();
  return done == 1 ? core::to_hex(out) : "refused";
}

void check_like_openssl(const Asked& asked) {
  INFO(asked.digest << ", mode " << asked.mode << ", " << asked.label);
  const std::string ours = derived("provider=sallyport", asked);
  CHECK(ours != "refused");
  CHECK(ours == derived("provider=default", asked));
}

struct Loaded {
  core::Handle<SSL_CTX, SSL_CTX_free> context{new_context_with_key_schedule(TLS_method())};
};

}  // namespace

TEST_CASE("the key schedule derives what OpenSSL's own does") {
  const Loaded loaded;
  for (const auto& [digest, size] : {std::pair{"SHA2-256", 32}, std::pair{"SHA2-384", 48}}) {
    const std::string one(static_cast<std::size_t>(size), '\1'), two(static_cast<std::size_t>(size), '\2');
    const auto whole = static_cast<std::size_t>(size);
    const int extract = EVP_KDF_HKDF_MODE_EXTRACT_ONLY, expand = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    check_like_openssl({extract, digest, {}, {}, "derived", {}, whole});    // the early secret without a ticket
    check_like_openssl({extract, digest, one, {}, "derived", {}, whole});   // and with one
    check_like_openssl({extract, digest, one, two, "derived", {}, whole});  // the handshake's secret
    check_like_openssl({extract, digest, {}, two, "derived", {}, whole});   // the master secret
    check_like_openssl({expand, digest, one, {}, "c hs traffic", two, whole});
    check_like_openssl({expand, digest, one, {}, "finished", {}, whole});
    check_like_openssl({expand, digest, one, {}, "key", {}, 16});
    check_like_openssl({expand, digest, one, {}, "iv", {}, 12});
    check_like_openssl({expand, digest, one, {}, "resumption", std::string(8, '\3'), whole});
    check_like_openssl({expand, digest, one, {}, "exporter", two, 3 * whole + 1});
  }
}

TEST_CASE("the key schedule refuses what it does not know") {
  const Loaded loaded;
  const std::string key(32, '\1');
  CHECK(derived("provider=sallyport", {.digest = "SHA2-512", .key = key, .label = "key"}) == "refused");
  CHECK(derived("provider=sallyport", {.mode = 7, .key = key, .label = "key"}) == "refused");
  CHECK(derived("provider=sallyport", {.label = "key"}) == "refused");
  CHECK(derived("provider=sallyport", {.mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY, .key = key, .size = 64}) == "refused");
  CHECK(derived("provider=sallyport", {.key = key, .label = std::string(250, 'x')}) == "refused");
  CHECK(derived("provider=sallyport", {.key = key, .label = "key", .prefix = "dtls13"}) == "refused");
  CHECK(derived("provider=sallyport", {.mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY, .key = ""}) == "refused");
  CHECK(derived("provider=sallyport", {.mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY, .key = key, .salt = ""}) == "refused");
}

TEST_CASE("the key schedule takes a digest by any of its names") {
  const Loaded loaded;
  const std::string key(48, '\1');
  const std::string by_256 = derived("provider=default", {.key = key, .label = "key"});
  const std::string by_384 = derived("provider=default", {.digest = "SHA2-384", .key = key, .label = "key"});
  for (const char* name : {"SHA256", "SHA-256", "SHA2-256", "sha256", "Sha2-256"}) {
    CHECK(derived("provider=sallyport", {.digest = name, .key = key, .label = "key"}) == by_256);
  }
  for (const char* name : {"SHA384", "SHA-384", "SHA2-384", "sha384", "Sha2-384"}) {
    CHECK(derived("provider=sallyport", {.digest = name, .key = key, .label = "key"}) == by_384);
  }
}

TEST_CASE("the key schedule refuses parameters that it would have to remember") {
  const Loaded loaded;
  const Kdf kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, "provider=sallyport"));
  const core::Handle<EVP_KDF_CTX, EVP_KDF_CTX_free> context(EVP_KDF_CTX_new(kdf.get()));
  const std::string key(32, '\1');
  const OSSL_PARAM params[] = {octets(OSSL_KDF_PARAM_KEY, key), OSSL_PARAM_construct_end()};
  CHECK(EVP_KDF_CTX_set_params(context.get(), params) != 1);
  CHECK(EVP_KDF_CTX_set_params(context.get(), params + 1) == 1);
}

// Loading comes first in its process, so that OpenSSL has loaded no provider by itself yet.
TEST_CASE("in a new process, who has no preference", "[.new-process]") {
  REQUIRE(has_key_schedule());
  const Kdf kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, nullptr));
  CHECK(std::string(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf.get()))) == "default");
}

TEST_CASE("who has no preference gets OpenSSL's own key schedule, also where ours was loaded first") {
  const auto here = std::filesystem::read_symlink("/proc/self/exe");
  const tests::Finished alone = tests::run({"env", "OPENSSL_CONF=/dev/null", here, "[.new-process]"});
  INFO(alone.out << alone.errors);
  CHECK(alone.exit_code == 0);
  CHECK(alone.out.find("All tests passed") != std::string::npos);
}

TEST_CASE("what another thread derives is not told") {
  const Loaded loaded;
  const std::string key(32, '\1');
  TrafficSecrets secrets;
  const SecretListener listener(secrets);
  std::thread([&] { derived("provider=sallyport", {.key = key, .label = "c ap traffic", .data = key}); }).join();
  CHECK(secrets.client.empty());
  derived("provider=sallyport", {.key = key, .label = "c ap traffic", .data = key});
  CHECK(secrets.client.size() == 32);
}

TEST_CASE("whoever listens is told a connection's traffic secrets, and nothing else") {
  const Loaded loaded;
  const std::string key(32, '\1');
  TrafficSecrets secrets;
  std::string client;
  {
    const SecretListener listener(secrets);
    client = derived("provider=sallyport", {.key = key, .label = "c ap traffic", .data = key});
    derived("provider=sallyport", {.key = key, .label = "c hs traffic", .data = key});
    CHECK(secrets.server.empty());
    derived("provider=sallyport", {.key = key, .label = "s ap traffic", .data = key});
  }
  const std::string other(32, '\2');
  derived("provider=sallyport", {.key = other, .label = "c ap traffic", .data = key});
  CHECK(core::to_hex(secrets.client.reveal()) == client);
  CHECK(secrets.server.size() == 32);
  CHECK_FALSE(secrets.server.equals(secrets.client.reveal()));
}
