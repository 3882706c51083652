#include "envelope/vault.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/vault_stand_in.hpp"

using namespace sallyport::core;
using namespace sallyport::envelope;
using namespace sallyport::tests;
using sallyport::core::crypto::PrivateKey;

namespace {

const ConstBytes data_key = bytes_of("0123456789abcdef0123456789abcdef");
const std::string server = "vault.example:8200";

const PrivateKey& old_key() {
  static const PrivateKey key = PrivateKey::generate_rsa(2048);
  return key;
}
const PrivateKey& new_key() {
  static const PrivateKey key = PrivateKey::generate_rsa(2048);
  return key;
}

VaultStandIn stand_in() {
  VaultStandIn vault;
  vault.versions = {old_key(), new_key()};
  return vault;
}

Fetch ask(VaultStandIn& vault) {
  return [&vault](const HttpRequest& request) -> Result<HttpResponse> {
    VaultStandIn::Request seen{
        std::string(request.method), request.target, {}, std::string(request.body.reveal_text())};
    for (const auto& [name, value] : request.fields) seen.fields[name] = value.reveal_text();
    const VaultStandIn::Answer answer = vault.answer(seen);
    return HttpResponse{answer.status, Secret(answer.body)};
  };
}

VaultCredentials with_token(std::string_view token = "hvs.good") { return {Secret(token), "", {}, "approle"}; }
VaultCredentials with_role(std::string_view secret = "secret") { return {{}, "role", Secret(secret), "approle"}; }

VaultKey log_key() { return {"transit", "log-key", ""}; }

Stanza wrapped_for(const PrivateKey& key) {
  const Recipient recipient = Recipient::of(key.public_key());
  return {recipient.suite(), recipient.id(), recipient.wrap(data_key, {}).value()};
}

template <class Work>
std::string failure(Work work) {
  try {
    work();
  } catch (const HolderFailed& failed) {
    return failed.what();
  }
  return "(done)";
}

std::string refusal(VaultStandIn& vault, VaultCredentials credentials = with_token(), VaultKey key = log_key()) {
  return failure([&] { VaultHolder(server, std::move(key), std::move(credentials), ask(vault)); });
}

std::string answering(unsigned status, std::string body) {
  return failure([&] {
    VaultHolder(server, log_key(), with_token(), [&](const HttpRequest&) -> Result<HttpResponse> {
      return HttpResponse{status, Secret(body)};
    });
  });
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("Vault opens what the gateway wrapped offline to its exported public key, each version its own") {
  VaultStandIn vault = stand_in();
  VaultHolder holder(server, log_key(), with_token(), ask(vault));
  const auto recipients = holder.recipients();
  REQUIRE(recipients.size() == 2);
  CHECK(recipients[0].text() == Recipient::of(new_key().public_key()).text());  // the newest first
  CHECK(recipients[1].text() == Recipient::of(old_key().public_key()).text());
  for (const PrivateKey& key : {old_key(), new_key()}) {
    CHECK(holder.unwrap(wrapped_for(key), bytes_of("segment 7"))->equals(data_key));
  }
}

TEST_CASE("Vault is asked at its path, with its headers and nothing but the ciphertext") {
  VaultStandIn vault = stand_in();
  vault.mount = "teams/audit";
  vault.name_space = "eu";
  VaultHolder holder(server, {"teams/audit", "log-key", "eu"}, with_token(), ask(vault));
  const Stanza stanza = wrapped_for(old_key());
  REQUIRE(holder.unwrap(stanza, {}).has_value());
  REQUIRE(vault.requests.size() == 2);
  CHECK(vault.requests[0].method == "GET");
  CHECK(vault.requests[0].target == "/v1/teams/audit/keys/log-key");
  CHECK(vault.requests[0].body.empty());
  CHECK(vault.requests[1].method == "POST");
  CHECK(vault.requests[1].target == "/v1/teams/audit/decrypt/log-key");
  CHECK(vault.requests[1].body == R"({"ciphertext":"vault:v1:)" + to_base64(stanza.wrapped) + "\"}");
  const std::map<std::string, std::string> fields = {
      {"X-Vault-Namespace", "eu"}, {"X-Vault-Request", "true"}, {"X-Vault-Token", "hvs.good"}};
  CHECK(vault.requests[1].fields == fields);
}

TEST_CASE("an AppRole is exchanged for a token, and again when the token has expired") {
  VaultStandIn vault = stand_in();
  VaultHolder holder(server, log_key(), with_role(), ask(vault));
  CHECK(vault.requests[0].target == "/v1/auth/approle/login");
  CHECK(vault.requests[0].fields.count("X-Vault-Token") == 0);
  CHECK(holder.unwrap(wrapped_for(new_key()), {})->equals(data_key));
  vault.token = "hvs.next";
  CHECK(holder.unwrap(wrapped_for(new_key()), {})->equals(data_key));
  CHECK(vault.requests.back().fields["X-Vault-Token"] == "hvs.next");
  vault.may_decrypt = false;
  const std::size_t before = vault.requests.size();
  CHECK(has(failure([&] { (void)holder.unwrap(wrapped_for(new_key()), {}); }), "refuses"));
  CHECK(vault.requests.size() == before + 4);  // asked, gave its token back, logged in, asked once more

  CHECK(has(refusal(vault, with_role("wrong")), "does not take the AppRole"));
  CHECK(has(refusal(vault, {}), "needs a token, or an AppRole"));
}

TEST_CASE("the token that an AppRole gave is revoked at the end, and none that came from elsewhere") {
  VaultStandIn vault = stand_in();
  { const VaultHolder holder(server, log_key(), with_role(), ask(vault)); }
  CHECK(vault.revoked == std::vector<std::string>{"hvs.good"});
  { const VaultHolder holder(server, log_key(), with_token(), ask(vault)); }
  CHECK(vault.revoked.size() == 1);
  {
    VaultHolder holder(server, log_key(), with_role(), ask(vault));
    vault.token = "hvs.next";
    CHECK(holder.unwrap(wrapped_for(new_key()), {}).has_value());
  }
  CHECK(vault.revoked == std::vector<std::string>{"hvs.good", "hvs.next"});
  {
    const VaultHolder holder(server, log_key(), with_role(), ask(vault));
    vault.sealed = true;
  }
  CHECK(vault.revoked.size() == 2);
}

TEST_CASE("the token that an AppRole gave is revoked also when the key cannot be read, or another token is asked for") {
  VaultStandIn vault = stand_in();
  CHECK(has(refusal(vault, with_role(), {"transit", "other", ""}), "does not have the key"));
  CHECK(vault.revoked == std::vector<std::string>{"hvs.good"});
  vault.key_type = "ecdsa-p256";
  vault.versions = {PrivateKey::generate_p256()};
  CHECK(has(refusal(vault, with_role()), "must be rsa-2048"));
  CHECK(vault.revoked.size() == 2);
  vault.may_read = false;
  CHECK(has(refusal(vault, with_role()), "refuses"));
  CHECK(vault.revoked.size() == 4);  // the first, and the one that it was tried again with
  CHECK(has(refusal(vault), "refuses"));
  CHECK(vault.revoked.size() == 4);
}

TEST_CASE("a Vault that could not be reached is not asked again to revoke a token") {
  VaultStandIn vault = stand_in();
  unsigned asked_in_vain = 0;
  bool away = false;
  {
    VaultHolder holder(server, log_key(), with_role(), [&](const HttpRequest& request) -> Result<HttpResponse> {
      if (!away) return ask(vault)(request);
      ++asked_in_vain;
      return Error(Reason::timeout);
    });
    away = true;
    CHECK(has(failure([&] { (void)holder.unwrap(wrapped_for(new_key()), {}); }), "takes too long"));
  }
  CHECK(asked_in_vain == 1);
}

TEST_CASE("a stanza for another key, of another suite, changed or cut does not open") {
  VaultStandIn vault = stand_in();
  VaultHolder holder(server, log_key(), with_token(), ask(vault));
  CHECK(holder.unwrap(wrapped_for(PrivateKey::generate_rsa(2048)), {}).error() == Error{Reason::key_mismatch});
  CHECK(vault.requests.size() == 1);  // Vault was not even asked
  Stanza stanza = wrapped_for(new_key());
  stanza.suite = Suite::hpke_p256;
  CHECK(holder.unwrap(stanza, {}).error() == Error{Reason::key_mismatch});
  stanza = wrapped_for(new_key());
  stanza.wrapped.back() ^= std::byte{1};
  CHECK(holder.unwrap(stanza, {}).error() == Error{Reason::not_authentic});
  stanza.wrapped.pop_back();
  CHECK(holder.unwrap(stanza, {}).error() == Error{Reason::not_authentic});
  CHECK(holder.unwrap(wrapped_for(old_key()), {}).has_value());
}

TEST_CASE("Vault's refusals are told apart, with what to do") {
  VaultStandIn vault = stand_in();
  CHECK(has(refusal(vault, with_token("hvs.bad")),
            "the token is wrong or expired, or its policy lacks \"read\" on "
            "transit/keys/log-key (it says: permission denied; invalid token)"));
  CHECK(has(refusal(vault, with_token(), {"transit", "other", ""}), "does not have the key transit/keys/other"));
  CHECK(has(refusal(vault, with_token(), {"elsewhere", "log-key", ""}),
            "does not have the key elsewhere/keys/log-key "
            "(it says: no handler for route"));
  vault.may_read = false;
  CHECK(has(refusal(vault), "lacks \"read\" on transit/keys/log-key"));
  vault.sealed = true;
  CHECK(has(refusal(vault), "vault.example:8200 is sealed: somebody has to unseal it"));
  VaultStandIn symmetric;
  symmetric.key_type = "aes256-gcm96";
  CHECK(has(refusal(symmetric), "is of type aes256-gcm96; it must be rsa-2048"));
  VaultStandIn curve;
  curve.key_type = "ecdsa-p256";
  curve.versions = {PrivateKey::generate_p256()};
  CHECK(has(refusal(curve), "is of type ecdsa-p256; it must be rsa-2048"));
}

TEST_CASE("what Vault refuses only later is no fault of the log's") {
  VaultStandIn vault = stand_in();
  VaultHolder holder(server, log_key(), with_token(), ask(vault));
  const auto opening_old = [&] { return failure([&] { (void)holder.unwrap(wrapped_for(old_key()), {}); }); };
  vault.least_version = 2;  // retired while we hold its public half
  CHECK(opening_old() == "version 1 of the key log-key may not decrypt any more: min_decryption_version is above it");
  vault.least_version = 1;
  vault.may_decrypt = false;
  CHECK(has(opening_old(), "lacks \"update\" on transit/decrypt/log-key"));
  vault.may_decrypt = true;
  vault.key_name = "renamed";
  CHECK(has(opening_old(), "status 400 for the key log-key (it says: encryption key not found)"));
  vault.sealed = true;
  CHECK(has(opening_old(), "is sealed"));
  // A version retired before is nobody's recipient.
  VaultStandIn retired = stand_in();
  retired.least_version = 2;
  VaultHolder fresh(server, log_key(), with_token(), ask(retired));
  CHECK(fresh.recipients().size() == 1);
  CHECK(fresh.unwrap(wrapped_for(old_key()), {}).error() == Error{Reason::key_mismatch});
}

TEST_CASE("a Vault that is not reached says why, and no answer is trusted to be one") {
  const auto reached = [](Reason reason) {
    return failure([&] {
      VaultHolder(server, log_key(), with_token(),
                  [&](const HttpRequest&) -> Result<HttpResponse> { return Error{reason}; });
    });
  };
  CHECK(reached(Reason::upstream_unreachable) == "vault.example:8200 cannot be asked: nobody answers there");
  CHECK(has(reached(Reason::upstream_certificate_untrusted), "not from an authority that is trusted here"));
  CHECK(has(reached(Reason::upstream_truncated), "upstream_truncated"));
  for (const char* body : {"", "canary", "[]", "null", "{}", R"({"data":[]})", R"({"data":{"keys":[]}})",
                           R"({"data":{"keys":{"1":{"public_key":7}}}})", R"({"data":{"keys":{"x":null}}})"}) {
    INFO(body);
    const std::string words = answering(200, body);
    CHECK(words != "(done)");
    CHECK_FALSE(has(words, "canary"));
  }
  CHECK(has(answering(500, "<html>"), "gave status 500"));
  CHECK(
      has(answering(429, R"({"errors":["\u001b[31mred\n)" + std::string(500, 'x') + "\"]}"), "(it says:  [31mred xxx"));
  CHECK(answering(429, R"({"errors":[")" + std::string(5000, 'x') + "\"]}").size() < 400);
  CHECK(has(answering(503, R"({"errors":[1,null]})"), "is not available"));
}

TEST_CASE("a decryption that gives no key is a failure, whatever its status says") {
  VaultStandIn vault = stand_in();
  std::string body;
  VaultHolder holder(server, log_key(), with_token(), [&](const HttpRequest& request) -> Result<HttpResponse> {
    if (request.method == "GET") return ask(vault)(request);
    return HttpResponse{200, Secret(body)};
  });
  for (const char* answer : {"", "{}", R"({"data":{"plaintext":""}})", R"({"data":{"plaintext":"not base64!"}})",
                             R"({"data":{"plaintext":7}})"}) {
    body = answer;
    INFO(answer);
    CHECK(has(failure([&] { (void)holder.unwrap(wrapped_for(new_key()), {}); }), "did not answer a decryption"));
  }
}

TEST_CASE("a key's name cannot lead to another path") {
  VaultStandIn vault = stand_in();
  for (const VaultKey& key : std::vector<VaultKey>{{"transit", "", ""},
                                                   {"", "k", ""},
                                                   {"transit", "a/b", ""},
                                                   {"transit", "..", ""},
                                                   {"a/../b", "k", ""},
                                                   {"/a", "k", ""},
                                                   {"a/", "k", ""},
                                                   {"transit", "k?x", ""},
                                                   {"transit", "k%2f", ""},
                                                   {"transit", "k\r\nX: y", ""}}) {
    CHECK(has(refusal(vault, with_token(), key), "is named by its mount and name"));
  }
  CHECK(vault.requests.empty());
}

TEST_CASE("neither token nor namespace can carry a header of its own") {
  VaultStandIn vault = stand_in();
  for (const char* bad : {"hvs.good\n", "hvs.good\r\nX: y", "hvs good", "hvs.g\xc3\xb6"}) {
    CHECK(has(refusal(vault, with_token(bad)), "holds a character that none can have"));
    CHECK(has(refusal(vault, with_token(), {"transit", "log-key", bad}), "holds a character that none can have"));
  }
  CHECK(vault.requests.empty());
}
