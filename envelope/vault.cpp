#include "envelope/vault.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/base64.hpp"
#include "core/public_key.hpp"

namespace sallyport::envelope {

namespace {

using core::Secret;
using nlohmann::json;

constexpr std::size_t most_shown = 200;  // characters of Vault's own words
constexpr std::size_t most_versions = 1000;

json parsed(const HttpResponse& response) { return json::parse(response.body.reveal_text(), nullptr, false); }

// The value that `names` lead to, from object to object; nullptr when there is none.
const json* at(const json& document, std::initializer_list<const char*> names) {
  const json* here = &document;
  for (const char* name : names) {
    if (!here->is_object()) return nullptr;
    const auto found = here->find(name);
    if (found == here->end()) return nullptr;
    here = &*found;
  }
  return here;
}

const std::string* text_at(const json& document, std::initializer_list<const char*> names) {
  const json* found = at(document, names);
  return found != nullptr && found->is_string() ? found->get_ptr<const std::string*>() : nullptr;
}

// Vault's "errors", for a terminal: printable and short.
std::string own_words(const HttpResponse& response) {
  const json document = parsed(response);
  const json* errors = at(document, {"errors"});
  std::string words;
  if (errors != nullptr && errors->is_array()) {
    for (const json& error : *errors) {
      if (error.is_string()) words += (words.empty() ? "" : "; ") + error.get_ref<const std::string&>();
    }
  }
  if (words.size() > most_shown) words.resize(most_shown);
  std::ranges::replace_if(
      words, [](char c) { return c < ' ' || c > '~'; }, ' ');
  return words;
}

bool mentions(const HttpResponse& response, std::string_view part) {
  return own_words(response).find(part) != std::string::npos;
}

// The text of a JSON object of strings; the document's own copies are wiped.
Secret object(std::initializer_list<std::pair<const char*, std::string_view>> members) {
  json document = json::object();
  for (const auto& [name, value] : members) document[name] = value;
  std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
  for (auto& member : document) core::wipe(std::as_writable_bytes(std::span(member.get_ref<std::string&>())));
  return Secret::take(text);
}

// The member as a Secret; the document's copy is wiped.
Secret take_text(json& document, std::initializer_list<const char*> names) {
  const std::string* text = text_at(document, names);
  return text == nullptr ? Secret{} : Secret::take(const_cast<std::string&>(*text));
}

std::string connection_words(core::Reason reason) {
  switch (reason) {
    case core::Reason::upstream_unresolved:
      return "its name has no address";
    case core::Reason::upstream_unreachable:
      return "nobody answers there";
    case core::Reason::upstream_connect_timeout:
    case core::Reason::timeout:
      return "it takes too long";
    case core::Reason::upstream_certificate_untrusted:
      return "its certificate is not from an authority that is trusted here";
    case core::Reason::upstream_certificate_expired:
      return "its certificate has expired";
    case core::Reason::upstream_certificate_name:
      return "its certificate is for another name";
    default:
      return std::string(core::name(reason));
  }
}

// A name in a URL path: letters, digits, '_', '-', '.' and, in a mount, '/'. ".." is refused: it leads to another path.
bool plain_name(std::string_view name, bool slashes) {
  if (name.empty() || name.front() == '/' || name.back() == '/' || name.find("..") != name.npos) return false;
  return std::ranges::all_of(name, [&](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || c == '_' || c == '-' || c == '.' || (slashes && c == '/');
  });
}

// True when a header field can carry the text: it has neither control characters nor blanks.
bool visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

VaultHolder::VaultHolder(std::string server, VaultKey key, VaultCredentials credentials, Fetch fetch)
    : server_(std::move(server)), key_(std::move(key)), credentials_(std::move(credentials)), fetch_(std::move(fetch)) {
  if (!plain_name(key_.mount, true) || !plain_name(key_.name, false) || !plain_name(credentials_.role_mount, true)) {
    throw HolderFailed("a Vault key is named by its mount and name, in letters, digits, '_', '-' and '.'");
  }
  if (!visible(key_.name_space) || !visible(credentials_.token.reveal_text())) {
    throw HolderFailed("a Vault token or namespace holds a character that none can have (a line's end?)");
  }
  if (credentials_.token.empty()) log_in();
  try {
    read_versions();
  } catch (...) {  // the destructor is not called after this
    revoke();
    throw;
  }
}

VaultHolder::~VaultHolder() { revoke(); }

void VaultHolder::revoke() noexcept {
  if (!std::exchange(must_revoke_, false)) return;
  try {
    ask("POST", "auth/token/revoke-self", object({}), true);
  } catch (const std::exception&) {  // the token expires by itself
  }
}

HttpResponse VaultHolder::ask(std::string_view method, const std::string& path, const Secret& body, bool with_token) {
  HttpRequest request{method, "/v1/" + path, {}, body.copy()};
  request.fields.emplace_back("X-Vault-Request", Secret(std::string_view("true")));  // a Vault Agent may require it
  if (with_token) request.fields.emplace_back("X-Vault-Token", credentials_.token.copy());
  if (!key_.name_space.empty()) request.fields.emplace_back("X-Vault-Namespace", Secret(key_.name_space));
  auto response = fetch_(request);
  if (!response) {
    must_revoke_ = false;  // do not wait for an unreachable server once more
    throw HolderFailed(server_ + " cannot be asked: " + connection_words(response.error().reason));
  }
  return *std::move(response);
}

HttpResponse VaultHolder::ask_again_if_expired(std::string_view method, const std::string& path, const Secret& body) {
  HttpResponse response = ask(method, path, body, true);
  if (response.status != 403 || credentials_.role_id.empty()) return response;
  revoke();  // 403 can also mean that the policy forbids this request; then the old token is still valid
  log_in();
  return ask(method, path, body, true);
}

// Vault answers 503 when it is sealed (its documentation of sys/health).
void VaultHolder::refuse(const HttpResponse& response, const std::string& what, const std::string& capability) const {
  const std::string own = own_words(response);
  const std::string said = own.empty() ? "" : " (it says: " + own + ")";
  switch (response.status) {
    case 403:
      throw HolderFailed(server_ + " refuses: the token is wrong or expired, or its policy lacks " + capability + said);
    case 404:
      throw HolderFailed(server_ + " does not have " + what + said);
    case 503:
      throw HolderFailed(
          server_ + (own.find("sealed") != own.npos ? " is sealed: somebody has to unseal it" : " is not available") +
          said);
    default:
      throw HolderFailed(server_ + " gave status " + std::to_string(response.status) + " for " + what + said);
  }
}

void VaultHolder::log_in() {
  if (credentials_.role_id.empty())
    throw HolderFailed(server_ + " needs a token, or an AppRole's role id and secret id");
  const std::string path = "auth/" + credentials_.role_mount + "/login";
  const HttpResponse response =
      ask("POST", path,
          object({{"role_id", credentials_.role_id}, {"secret_id", credentials_.secret_id.reveal_text()}}), false);
  if (response.status == 400 || response.status == 403) {
    throw HolderFailed(server_ + " does not take the AppRole: its role id or secret id is wrong or used up");
  }
  if (response.status != 200) refuse(response, path, "login");
  json document = parsed(response);
  credentials_.token = take_text(document, {"auth", "client_token"});
  if (credentials_.token.empty() || !visible(credentials_.token.reveal_text())) {
    throw HolderFailed(server_ + " gave no token for the AppRole");
  }
  must_revoke_ = true;
}

void VaultHolder::read_versions() {
  const std::string path = key_.mount + "/keys/" + key_.name;
  const HttpResponse response = ask_again_if_expired("GET", path, {});
  if (response.status != 200) refuse(response, "the key " + path, "\"read\" on " + path);
  const json document = parsed(response);
  const json* keys = at(document, {"data", "keys"});
  if (keys == nullptr || !keys->is_object() || keys->size() > most_versions) {
    throw HolderFailed(server_ + " did not describe the key " + path + " as Transit does");
  }
  for (const auto& [version_text, entry] : keys->items()) {
    unsigned version = 0;
    const char* end = version_text.data() + version_text.size();
    const bool number = std::from_chars(version_text.data(), end, version).ptr == end && version > 0;
    const std::string* pem = text_at(entry, {"public_key"});
    const auto key = pem != nullptr ? core::crypto::PublicKey::from_pem(*pem) : std::nullopt;
    if (number && key && key->type() == core::crypto::KeyType::rsa) versions_.emplace(version, Recipient::of(*key));
  }
  if (!versions_.empty()) return;
  const std::string* type = text_at(document, {"data", "type"});
  throw HolderFailed("the key " + path + (type != nullptr && plain_name(*type, false) ? " is of type " + *type : "") +
                     "; it must be rsa-2048, rsa-3072 or rsa-4096");
}

std::vector<Recipient> VaultHolder::recipients() const {
  std::vector<Recipient> all;
  for (const auto& [version, recipient] : versions_) all.push_back(recipient);
  return all;
}

core::Result<Secret> VaultHolder::unwrap(const Stanza& stanza, core::ConstBytes) {
  const auto version = std::ranges::find_if(
      versions_, [&](const auto& candidate) { return candidate.second.id() == stanza.recipient_id; });
  if (version == versions_.end() || stanza.suite != Suite::rsa_oaep_sha256)
    return core::Error{core::Reason::key_mismatch};

  const std::string path = key_.mount + "/decrypt/" + key_.name;
  const std::string ciphertext = "vault:v" + std::to_string(version->first) + ":" + core::to_base64(stanza.wrapped);
  const HttpResponse response = ask_again_if_expired("POST", path, object({{"ciphertext", ciphertext}}));
  // Vault answers 500 with these words when an RSA ciphertext does not decrypt.
  if (response.status == 500 && mentions(response, "failed to RSA decrypt"))
    return core::Error{core::Reason::not_authentic};
  if (response.status == 400 && mentions(response, "too old")) {
    throw HolderFailed("version " + std::to_string(version->first) + " of the key " + key_.name +
                       " may not decrypt any more: min_decryption_version is above it");
  }
  if (response.status != 200) refuse(response, "the key " + key_.name, "\"update\" on " + path);
  json document = parsed(response);
  const Secret encoded = take_text(document, {"data", "plaintext"});
  auto plaintext = core::from_base64(encoded.reveal_text());
  if (!plaintext || plaintext->empty()) throw HolderFailed(server_ + " did not answer a decryption as Transit does");
  Secret key{core::ConstBytes(*plaintext)};
  core::wipe(*plaintext);
  return key;
}

}  // namespace sallyport::envelope
