// A key in the Transit engine of HashiCorp Vault or OpenBao. The gateway wraps to its exported RSA public key and never
// talks to Vault; whoever reads the log asks Vault to decrypt.
//
// What Vault would have written is "vault:vN:" and base64 of the same RSA-OAEP ciphertext, N being the key's version.
// The version is found by the stanza's recipient id, because each version is a recipient of its own.
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

struct HttpsRequest {
  std::string_view method;
  std::string target;                                        // "/v1/…"
  std::vector<std::pair<std::string, core::Secret>> fields;  // beside Host and framing
  core::Secret body;                                         // JSON; empty: none
};

struct HttpsResponse {
  unsigned status = 0;
  core::Secret body;
};

// One request to the one server this was made for. Blocks. Errors: those of a connection that does not come about or
// ends (core::Reason), as values.
using Fetch = std::function<core::Result<HttpsResponse>(const HttpsRequest&)>;

struct VaultKey {
  std::string mount = "transit";
  std::string name;
  std::string name_space;  // Vault Enterprise and OpenBao; empty: the root namespace
};

// A token, or else an AppRole's two halves, which are exchanged for a token.
struct VaultCredentials {
  core::Secret token;
  std::string role_id;
  core::Secret secret_id;
  std::string role_mount = "approle";
};

class VaultHolder final : public KeyHolder {
 public:
  // Logs in when given an AppRole, and reads the key's public halves. `server` is its name in messages.
  // Throws HolderFailed: Vault cannot be reached, is sealed, refuses, or has no such RSA key.
  VaultHolder(std::string server, VaultKey key, VaultCredentials credentials, Fetch fetch);
  VaultHolder(const VaultHolder&) = delete;
  VaultHolder& operator=(const VaultHolder&) = delete;
  // Revokes the token it got for an AppRole, as the constructor does when it throws, unless Vault could not be reached:
  // one that stays ends in its own time. Never one that it was given.
  ~VaultHolder() override;

  // Its versions, the newest first: that one belongs into the gateway's configuration.
  std::vector<Recipient> recipients() const override;
  core::Result<core::Secret> unwrap(const Stanza& stanza, core::ConstBytes context) override;

 private:
  void log_in();
  void revoke() noexcept;
  void read_versions();
  HttpsResponse ask(std::string_view method, const std::string& path, const core::Secret& body, bool with_token);
  // The same; when the token has expired, with a new one.
  HttpsResponse ask_again_if_expired(std::string_view method, const std::string& path, const core::Secret& body);
  [[noreturn]] void refuse(const HttpsResponse& response, const std::string& what, const std::string& capability) const;

  std::string server_;
  VaultKey key_;
  VaultCredentials credentials_;
  Fetch fetch_;
  bool revokes_ = false;  // the token, at the end
  std::map<unsigned, Recipient, std::greater<>> versions_;
};

}  // namespace sallyport::envelope
