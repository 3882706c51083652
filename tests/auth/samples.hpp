// Tokens, principals and times that the tests of this folder share.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "auth/authenticator.hpp"
#include "auth/token_file.hpp"

namespace sallyport::auth::test {

using namespace std::chrono_literals;

inline const core::WallTime noon = core::WallTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 31)) + 12h;

// A token of this name under the text.
inline Token token_for(std::string_view text, const std::string& name = "team-a") {
  Token token;
  token.grant = {.id = make_token_id(), .name = name, .models = {"llama*", "embed"}, .routes = {}, .allowance = {}};
  token.hash = hash_token(text);
  token.created = noon;
  return token;
}

// Through the only door there is: a certificate rule.
inline Principal principal_with(const Allowance& allowance, const std::string& id = "cert:test") {
  CertificateRule rule;
  rule.common_name = "test";
  rule.grant = {.id = id, .name = "test", .models = {}, .routes = {}, .allowance = allowance};
  const Authenticator authenticator({}, {rule});
  core::PeerIdentity peer;
  peer.verified = true;
  peer.valid_until = noon + std::chrono::hours(1);
  peer.common_name = "test";
  return authenticator.identify({.authorization = {}, .api_key = {}, .peer = &peer}, noon).value();
}

// A folder of its own that goes away with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sallyport-auth-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace sallyport::auth::test
