#include "gateway/commands/key_reference.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <stdexcept>

#include "envelope/command_holder.hpp"
#include "envelope/identity.hpp"
#include "envelope/key_ring.hpp"
#include "envelope/pkcs11.hpp"
#include "envelope/vault.hpp"
#include "gateway/commands/http_client.hpp"
#include "gateway/commands/options.hpp"
#include "gateway/commands/passphrase.hpp"
#include "gateway/config/config_text.hpp"
#include "http/path.hpp"

namespace sallyport::gateway {

const char* const key_reference_help = R"(
KEY is a key file, or names who keeps the key and opens for us:
  auditor.key
  'pkcs11:module=/usr/lib/softhsm/libsofthsm2.so;token=audit;object=log-key'
  vault:https://vault.example:8200/transit/log-key
  command:/usr/local/bin/open-log-key
Several may be named, each with a --key of its own: what one of them opens is open. Each encrypted key file takes the
next --passphrase-file, and the last of these serves the rest. A token's PIN comes from ;pin=file:PATH or ;pin=env:NAME,
else from --pin-file, else from the terminal or the token's own reader; Vault's token from ;token=file:PATH or VAULT_TOKEN, or an AppRole's from
;role=ID;secret=file:PATH. docs/keys.md tells the rest.
)";

namespace {

using core::Secret;
using envelope::KeyHolder;

[[noreturn]] void fail(const std::string& words) { throw std::runtime_error(words); }

// "name=value;name=value", each name once and among `known`.
class Attributes {
 public:
  Attributes(std::string_view text, std::vector<std::string> known) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find(';'), text.size());
      add(text.substr(0, end), known);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  bool has(const std::string& name) const { return values_.count(name) > 0; }
  std::string operator[](const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? "" : found->second;
  }
  std::string required(const std::string& name, const char* example) const {
    if (!(*this)[name].empty()) return (*this)[name];
    fail("--key: it must say " + name + "=, such as " + example);
  }

 private:
  void add(std::string_view one, const std::vector<std::string>& known) {
    const std::size_t equals = one.find('=');
    const std::string name(one.substr(0, equals));
    if (std::ranges::find(known, name) == known.end()) {
      std::string words = "--key: it may say";
      for (const std::string& each : known) words += " " + each + "=";
      fail(words + ", and nothing else");
    }
    if (equals == one.npos) fail("--key: " + name + " has no value");
    const auto value = http::decoded(one.substr(equals + 1));  // "%3B" for a ';' within it
    if (!value) fail("--key: after '%' come two hexadecimal digits");
    if (!values_.emplace(name, *value).second) fail("--key: it says " + name + "= twice");
  }

  std::map<std::string, std::string> values_;
};

using Variables = std::vector<std::string>;  // names, of the environment

// "file:PATH" or "env:NAME", whose name is added to `taken`. Anything else may be the secret itself, which every user
// of the machine could then see.
Secret secret_behind(const std::string& reference, const std::string& name, Variables& taken) {
  if (reference.starts_with("file:")) return read_passphrase(reference.substr(5));
  if (!reference.starts_with("env:")) {
    fail("--key: " + name + "= names where the secret is, file:PATH or env:NAME; on a command line it is no secret");
  }
  const char* value = std::getenv(reference.c_str() + 4);
  if (value == nullptr || *value == '\0') fail("the environment variable " + reference.substr(4) + " is not set");
  taken.push_back(reference.substr(4));
  return Secret(std::string_view(value));
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::unique_ptr<KeyHolder> open_token(std::string_view text, const std::string& pin_file, Variables& taken) {
  const Attributes attributes(text, {"module", "token", "object", "pin"});
  envelope::Pkcs11Reference reference;
  reference.module = attributes.required("module", "module=/usr/lib/softhsm/libsofthsm2.so");
  reference.token = attributes.required("token", "token=audit");
  reference.object = attributes["object"];
  const auto ask_pin = [&](bool has_pad) -> Secret {
    if (attributes.has("pin")) return secret_behind(attributes["pin"], "pin", taken);
    if (!pin_file.empty()) return read_passphrase(pin_file);
    const std::string what = "PIN of the token \"" + reference.token + "\"";
    if (!has_pad) return ask_passphrase(what);
    std::cerr << what << ": enter it at the token's own reader\n";
    return {};
  };
  return std::make_unique<envelope::Pkcs11Holder>(reference, ask_pin);
}

envelope::VaultCredentials vault_credentials(const Attributes& attributes, Variables& taken) {
  envelope::VaultCredentials credentials;
  if (attributes.has("role")) {
    credentials.role_id = attributes["role"];
    credentials.secret_id =
        secret_behind(attributes.required("secret", "secret=file:/run/secrets/vault-secret-id"), "secret", taken);
  } else if (attributes.has("token")) {
    credentials.token = secret_behind(attributes["token"], "token", taken);
  } else {
    if (environment("VAULT_TOKEN").empty()) {
      fail("Vault needs a token: set VAULT_TOKEN, or say ;token=file:PATH or ;role=ID;secret=file:PATH");
    }
    credentials.token = secret_behind("env:VAULT_TOKEN", "token", taken);
  }
  return credentials;
}

// "https://host:port/mount/key", the mount "transit" when there is one name alone. Then attributes.
std::unique_ptr<KeyHolder> open_vault(std::string_view text, Variables& taken) {
  const std::size_t url_end = std::min(text.find(';'), text.size());
  const std::string_view url = text.substr(0, url_end);
  const Attributes attributes(text.substr(std::min(url_end + 1, text.size())),
                              {"token", "role", "secret", "ca", "namespace"});
  const std::size_t path_at = std::min(url.find('/', std::string_view("https://").size()), url.size());
  std::string problem;
  const auto endpoint = parse_endpoint(url.substr(0, path_at), problem);
  if (!endpoint || endpoint->plaintext || path_at + 1 >= url.size()) {
    fail("--key: a Vault key is named like vault:https://vault.example:8200/transit/log-key");
  }
  envelope::VaultKey key;
  const std::string_view path = url.substr(path_at + 1);
  const std::size_t slash = path.rfind('/');
  if (slash != path.npos) key.mount = path.substr(0, slash);
  key.name = path.substr(slash + 1);  // all of it when there is no slash: npos + 1 is 0
  key.name_space = attributes.has("namespace") ? attributes["namespace"] : environment("VAULT_NAMESPACE");

  tls::ClientSettings trust;
  trust.ca = attributes.has("ca") ? attributes["ca"] : environment("VAULT_CACERT");
  auto client = std::make_shared<HttpClient>(endpoint->host, endpoint->port, &trust);
  return std::make_unique<envelope::VaultHolder>(
      endpoint->text(), std::move(key), vault_credentials(attributes, taken),
      [client](const envelope::HttpRequest& request) { return client->fetch(request); });
}

bool is_token(std::string_view reference) noexcept { return reference.starts_with("pkcs11:"); }
bool is_program(std::string_view reference) noexcept { return reference.starts_with("command:"); }

// Handed out in order, to those who ask: a key file that is not encrypted takes none.
class PassphraseFiles {
 public:
  explicit PassphraseFiles(const std::vector<std::string>& files) : files_(files) {}

  Secret next(const std::string& key) {
    if (files_.empty()) return ask_passphrase("Passphrase for " + key);
    return read_passphrase(files_[std::min(taken_++, files_.size() - 1)]);
  }

 private:
  const std::vector<std::string>& files_;
  std::size_t taken_ = 0;
};

std::unique_ptr<KeyHolder> open_one(const std::string& reference, const std::string& pin_file,
                                    PassphraseFiles& passphrases, Variables& taken) {
  const auto after = [&](std::string_view scheme) { return std::string_view(reference).substr(scheme.size()); };
  if (is_token(reference)) return open_token(after("pkcs11:"), pin_file, taken);
  if (reference.starts_with("vault:")) return open_vault(after("vault:"), taken);
  if (is_program(reference)) {
    return std::make_unique<envelope::CommandHolder>(after("command:"), envelope::CommandHolder::usual_deadline, taken);
  }
  if (reference.ends_with(".pub")) fail(reference + " is a public key, which opens nothing; give its .key");
  return std::make_unique<envelope::Identity>(
      envelope::Identity::load(reference, [&] { return passphrases.next(reference); }));
}

}  // namespace

CLI::Option* add_key_options(CLI::App& command, KeyOptions& options) {
  CLI::Option* key = repeatable(command.add_option("--key,-k", options.references,
                                                   "A recipient's private key, or who keeps it; may be repeated"))
                         ->type_name("KEY");
  repeatable(command.add_option("--passphrase-file", options.passphrase_files,
                                "A key file's passphrase; \"-\" is stdin. Else the terminal is asked"))
      ->type_name("FILE")
      ->needs(key);
  command.add_option("--pin-file", options.pin_file, "A token's PIN; \"-\" is stdin. Else the terminal is asked")
      ->type_name("FILE")
      ->needs(key);
  return key;
}

bool is_kept_elsewhere(std::string_view reference) noexcept {
  return is_token(reference) || reference.starts_with("vault:") || is_program(reference);
}

std::vector<std::unique_ptr<KeyHolder>> open_each_key(const KeyOptions& options) {
  if (!options.pin_file.empty() && std::ranges::none_of(options.references, is_token)) {
    fail("--pin-file is for a key in a token (pkcs11:…)");
  }
  if (!options.passphrase_files.empty() && std::ranges::all_of(options.references, is_kept_elsewhere)) {
    fail("--passphrase-file is for a key file");
  }
  PassphraseFiles passphrases(options.passphrase_files);
  Variables taken;
  std::vector<std::unique_ptr<KeyHolder>> holders(options.references.size());
  for (const bool programs : {false, true}) {  // these last: what the others took is withheld from them
    for (std::size_t i = 0; i < holders.size(); ++i) {
      const std::string& reference = options.references[i];
      if (is_program(reference) == programs) holders[i] = open_one(reference, options.pin_file, passphrases, taken);
    }
  }
  return holders;
}

std::unique_ptr<KeyHolder> open_keys(const KeyOptions& options) {
  return std::make_unique<envelope::KeyRing>(open_each_key(options));
}

}  // namespace sallyport::gateway
