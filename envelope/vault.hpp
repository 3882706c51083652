// A key in the Transit engine of HashiCorp Vault or OpenBao. The gateway wraps to its exported RSA public key and never
// talks to Vault; whoever reads the log asks Vault to decrypt.
//
// Vault's own form of a ciphertext is "vault:vN:" and the base64 of the same RSA-OAEP ciphertext, where N is the key's
// version. Each version is a recipient of its own, so the stanza's recipient id tells which N to name.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/secret.hpp"
#include "envelope/key_holder.hpp"

namespace sallyport::envelope {

struct HttpRequest {
  std::string_view method;
  std::string target;                                        // "/v1/…"
  std::vector<std::pair<std::string, core::Secret>> fields;  // besides Host and the body's framing
  core::Secret body;                                         // JSON; empty: none
};

struct HttpResponse {
  unsigned status = 0;
  core::Secret body;
};

// Sends one request to Vault and gives the response, whatever its status. Blocks. Errors: the reasons for which a
// connection cannot be made, breaks or times out, or a response cannot be read.
using Fetch = std::function<core::Result<HttpResponse>(const HttpRequest&)>;

struct VaultKey {
  std::string mount = "transit";
  std::string name;
  std::string name_space;  // Vault Enterprise and OpenBao; empty: the root namespace
};

// A token; or, with an empty token, the two halves of an AppRole, which a login exchanges for a token.
struct VaultCredentials {
  core::Secret token;
  std::string role_id;
  core::Secret secret_id;
  std::string role_mount = "approle";
};

class VaultHolder final : public KeyHolder {
 public:
  // Logs in if there is no token, and reads the public keys of all versions. `server` is Vault's name in messages.
  // Throws HolderFailed: a name or the token has a character that it cannot have; Vault cannot be reached, is sealed,
  // refuses, or has no such RSA key.
  VaultHolder(std::string server, VaultKey key, VaultCredentials credentials, Fetch fetch);
  VaultHolder(const VaultHolder&) = delete;
  VaultHolder& operator=(const VaultHolder&) = delete;
  // Revokes the token that a login gave, as the constructor does when it throws. A token that was passed in is never
  // revoked, and none is when Vault could not be reached: it then expires by itself.
  ~VaultHolder() override;

  // One for each version of the key, the newest first; the newest belongs in the gateway's configuration.
  std::vector<Recipient> recipients() const override;
  core::Result<core::Secret> unwrap(const Stanza& stanza, core::ConstBytes context) override;

 private:
  void log_in();
  void revoke() noexcept;
  void read_versions();
  HttpResponse ask(std::string_view method, const std::string& path, const core::Secret& body, bool with_token);
  // ask() with the token. If Vault answers 403 and there is an AppRole, logs in again and asks once more.
  HttpResponse ask_again_if_expired(std::string_view method, const std::string& path, const core::Secret& body);
  [[noreturn]] void refuse(const HttpResponse& response, const std::string& what, const std::string& capability) const;

  std::string server_;
  VaultKey key_;
  VaultCredentials credentials_;
  Fetch fetch_;
  bool must_revoke_ = false;  // the token is from a login, and Vault could be reached since
  std::map<unsigned, Recipient, std::greater<>> versions_;
};

}  // namespace sallyport::envelope
