// What Vault's and OpenBao's Transit engine does for one RSA key, as far as a reader of logs sees it: paths, headers,
// bodies, and the ways in which it refuses. Written from their API documentation and their observable answers; no
// network of its own.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base64.hpp"
#include "core/private_key.hpp"

namespace sallyport::tests {

class VaultStandIn {
 public:
  struct Request {
    std::string method, target;
    std::map<std::string, std::string> fields;
    std::string body;
  };
  struct Answer {
    unsigned status = 0;
    std::string body;
  };

  // What an operator sets up.
  std::string mount = "transit", key_name = "log-key", key_type = "rsa-2048", name_space;
  std::vector<core::crypto::PrivateKey> versions;
  std::size_t least_version = 1;  // min_decryption_version
  std::string token = "hvs.good";
  bool may_read = true, may_decrypt = true;  // the token's policy
  std::string role_id = "role", secret_id = "secret";
  bool sealed = false;

  // What came.
  std::vector<Request> requests;
  std::vector<std::string> revoked;  // tokens, by themselves

  Answer answer(const Request& request) {
    requests.push_back(request);
    if (sealed) return errors(503, {"Vault is sealed"});
    if (field(request, "X-Vault-Request") != "true") return errors(412, {"missing 'X-Vault-Request' header"});
    if (field(request, "X-Vault-Namespace") != name_space) return errors(404, {"no handler for route"});
    if (request.target == "/v1/auth/approle/login" && request.method == "POST") return log_in(request);
    if (field(request, "X-Vault-Token") != token) return errors(403, {"permission denied", "invalid token"});
    if (request.target == "/v1/auth/token/revoke-self" && request.method == "POST") {
      revoked.push_back(token);
      return {204, ""};
    }
    const std::string keys = "/v1/" + mount + "/keys/", decrypt = "/v1/" + mount + "/decrypt/";
    if (request.target.starts_with(keys)) return read(request, request.target.substr(keys.size()));
    if (request.target.starts_with(decrypt)) return open(request, request.target.substr(decrypt.size()));
    return errors(404, {"no handler for route \"" + request.target.substr(4) + "\". route entry not found."});
  }

 private:
  using json = nlohmann::json;

  static Answer errors(unsigned status, const std::vector<std::string>& words) {
    return {status, json{{"errors", words}}.dump()};
  }
  static std::string field(const Request& request, const std::string& name) {
    const auto found = request.fields.find(name);
    return found == request.fields.end() ? "" : found->second;
  }
  // nullopt unless the body is an object of just these members, all strings.
  static json members(const Request& request, const std::vector<std::string>& names) {
    json body = json::parse(request.body, nullptr, false);
    if (!body.is_object() || body.size() != names.size()) return {};
    for (const std::string& name : names) {
      if (!body.contains(name) || !body[name].is_string()) return {};
    }
    return body;
  }

  Answer log_in(const Request& request) {
    const json body = members(request, {"role_id", "secret_id"});
    if (body.is_null()) return errors(400, {"missing role_id"});
    if (body["role_id"] != role_id || body["secret_id"] != secret_id) return errors(400, {"invalid role or secret ID"});
    return {200, json{{"auth", {{"client_token", token}, {"lease_duration", 1200}}}, {"data", nullptr}}.dump()};
  }

  Answer read(const Request& request, const std::string& name) {
    if (request.method != "GET") return errors(405, {});
    if (!may_read) return errors(403, {"1 error occurred:\n\t* permission denied\n\n"});
    if (name != key_name) return errors(404, {});
    json keys = json::object();
    for (std::size_t version = least_version; version <= versions.size(); ++version) {
      const auto& key = versions[version - 1].public_key();
      keys[std::to_string(version)] = {{"name", key_type}, {"public_key", key.pem()}, {"creation_time", "2026-01-01"}};
    }
    if (versions.empty()) keys["1"] = 1767225600;  // a symmetric key shows when it was made
    return {200, json{{"data", {{"keys", keys}, {"type", key_type}, {"name", name}}}}.dump()};
  }

  Answer open(const Request& request, const std::string& name) {
    if (request.method != "POST" && request.method != "PUT") return errors(405, {"unsupported operation"});
    if (!may_decrypt) return errors(403, {"1 error occurred:\n\t* permission denied\n\n"});
    const json body = members(request, {"ciphertext"});
    if (body.is_null()) return errors(400, {"missing ciphertext to decrypt"});
    if (name != key_name) return errors(400, {"encryption key not found"});
    const std::string ciphertext = body["ciphertext"];
    const std::size_t colon = ciphertext.find(':', 7);
    if (!ciphertext.starts_with("vault:v") || colon == std::string::npos) {
      return errors(400, {"invalid ciphertext: no prefix"});
    }
    const std::size_t version = std::stoul(ciphertext.substr(7, colon - 7));
    if (version > versions.size()) return errors(400, {"invalid ciphertext: version is too new"});
    if (version < least_version) {
      return errors(400, {"ciphertext or signature version is disallowed by policy (too old)"});
    }
    const auto wrapped = core::from_base64(ciphertext.substr(colon + 1));
    if (!wrapped) return errors(400, {"invalid ciphertext: could not decode base64"});
    const auto opened = versions[version - 1].decrypt_oaep(*wrapped);
    if (!opened)
      return errors(500, {"1 error occurred:\n\t* failed to RSA decrypt the ciphertext: decryption error\n"});
    return {200, json{{"data", {{"plaintext", core::to_base64(opened->reveal())}}}}.dump()};
  }
};

}  // namespace sallyport::tests
