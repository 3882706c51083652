#include "gateway/commands/key_reference.hpp"

#include <sys/stat.h>

#include <CLI/CLI.hpp>

#include "core/private_file.hpp"
#include "core/private_key.hpp"
#include "tests/gateway/commands/vault_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/softhsm.hpp"

using namespace sallyport;
using namespace sallyport::tests;
using core::crypto::PrivateKey;
using envelope::Recipient;
using gateway::KeyOptions;
using gateway::open_keys;

namespace {

std::string refusal(const KeyOptions& options) {
  try {
    open_keys(options);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "(opened)";
}

bool opens(const KeyOptions& options, const Recipient& recipient) {
  const auto data_key = core::bytes_of("0123456789abcdef0123456789abcdef");
  const auto context = core::bytes_of("segment");
  const auto key = open_keys(options);
  const auto opened =
      key->unwrap({recipient.suite(), recipient.id(), recipient.wrap(data_key, context).value()}, context);
  return opened && opened->equals(data_key);
}

void write_secret(const path& file, const std::string& text) { core::write_private_file(file, core::bytes_of(text)); }

class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a key file is named by its path, plain or with its passphrase's file") {
  const TemporaryDirectory directory;
  const PrivateKey key = PrivateKey::generate_p256();
  const Recipient recipient = Recipient::of(key.public_key());
  core::write_private_file(directory / "plain.key", key.pem().reveal());
  write_secret(directory / "sealed.key", key.encrypted_pem(core::Secret(std::string_view("words"))));
  write_secret(directory / "words", "words\n");
  CHECK(opens({{(directory / "plain.key").string()}, {}, ""}, recipient));
  CHECK(opens({{(directory / "sealed.key").string()}, {(directory / "words").string()}, ""}, recipient));
  CHECK(has(refusal({{(directory / "none.key").string()}, {}, ""}), "none.key"));
  CHECK(has(refusal({{(directory / "plain.key").string()}, {}, (directory / "words").string()}), "--pin-file is for"));
}

TEST_CASE("several keys open together what each opens, and each encrypted file takes the next passphrase") {
  const TemporaryDirectory directory;
  std::vector<Recipient> recipients;
  KeyOptions options;
  for (const std::string name : {"first", "plain", "second", "third"}) {
    const PrivateKey key = PrivateKey::generate_p256();
    recipients.push_back(Recipient::of(key.public_key()));
    options.references.push_back((directory / (name + ".key")).string());
    const std::string words = name == "third" ? "of second" : "of " + name;
    write_secret(options.references.back(),
                 name == "plain" ? std::string(key.pem().reveal_text()) : key.encrypted_pem(core::Secret(words)));
    write_secret(directory / (name + ".words"), "of " + name + "\n");
  }
  options.passphrase_files = {(directory / "first.words").string(), (directory / "second.words").string()};
  for (const Recipient& recipient : recipients) CHECK(opens(options, recipient));
  CHECK(open_keys(options)->recipients().size() == 4);
  CHECK_FALSE(opens(options, Recipient::of(PrivateKey::generate_p256().public_key())));

  write_file(directory / "open", "#!/bin/sh\nexit 10\n");
  ::chmod((directory / "open").c_str(), 0700);
  options.references.insert(options.references.begin(), "command:" + (directory / "open").string());
  CHECK(opens(options, recipients.back()));
  options.passphrase_files.pop_back();
  CHECK(has(refusal(options), "passphrase"));
}

TEST_CASE("a token's key is named by module, token and object; the PIN comes from a file or the environment") {
  const SoftHsm hsm;
  const TemporaryDirectory directory;
  hsm.add_token("audit; eu");
  hsm.generate_p256("audit; eu", "100%");
  const std::string named = "pkcs11:module=" + hsm.module().string() + ";token=audit%3B eu;object=100%25";
  write_secret(directory / "pin", std::string(SoftHsm::pin) + "\n");
  const std::string pin_file = (directory / "pin").string();
  const Recipient recipient = open_keys({{named}, {}, pin_file})->recipients().at(0);
  CHECK(opens({{named}, {}, pin_file}, recipient));
  CHECK(opens({{named + ";pin=file:" + pin_file}, {}, ""}, recipient));
  const Variable pin("TEST_PIN", SoftHsm::pin);
  CHECK(opens({{named + ";pin=env:TEST_PIN"}, {}, ""}, recipient));

  // What a token's own reference says counts: the other's PIN would cost it one of few tries.
  write_secret(directory / "other", "the PIN of another token\n");
  CHECK(opens({{named + ";pin=file:" + pin_file}, {}, (directory / "other").string()}, recipient));

  CHECK(has(refusal({{named + ";pin=env:TEST_NO_PIN"}, {}, ""}), "TEST_NO_PIN is not set"));
  const std::string bare = refusal({{named + ";pin=canary"}, {}, ""});
  CHECK(has(bare, "on a command line it is no secret"));
  CHECK_FALSE(has(bare, "canary"));
  CHECK(has(refusal({{named}, {pin_file}, ""}), "--passphrase-file is for a key file"));
  ::chmod(pin_file.c_str(), 0644);
  CHECK(has(refusal({{named}, {}, pin_file}), "group or others have access"));
}

TEST_CASE("for a token with a pad of its own neither a file nor the terminal is asked") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  hsm.generate_p256("audit", "key");
  const Variable real("ODD_TOKEN_MODULE", hsm.module()), way("ODD_TOKEN", "pad");
  CHECK(open_keys({{"pkcs11:module=" ODD_TOKEN ";token=audit"}, {}, ""})->recipients().size() == 1);
}

TEST_CASE("a token's reference that lacks or repeats something, or says something else, is refused") {
  CHECK(has(refusal({{"pkcs11:"}, {}, ""}), "must say module="));
  CHECK(has(refusal({{"pkcs11:module=/m.so"}, {}, ""}), "must say token="));
  CHECK(has(refusal({{"pkcs11:module=/m.so;token=a;slot=1"}, {}, ""}),
            "may say module= token= object= pin=, and nothing"));
  CHECK(has(refusal({{"pkcs11:module=/m.so;token=a;token=b"}, {}, ""}), "says token= twice"));
  CHECK(has(refusal({{"pkcs11:module=/m.so;token"}, {}, ""}), "token has no value"));
  for (const char* value : {"%", "%4", "%zz", "a%2"}) {
    CHECK(has(refusal({{std::string("pkcs11:module=/m.so;token=") + value}, {}, ""}), "two hexadecimal digits"));
  }
}

TEST_CASE("a program is named by its path") {
  const TemporaryDirectory directory;
  write_file(directory / "open", "#!/bin/sh\nprintf 0123456789abcdef0123456789abcdef\n");
  ::chmod((directory / "open").c_str(), 0700);
  const Recipient recipient = Recipient::of(PrivateKey::generate_rsa(2048).public_key());
  CHECK(opens({{"command:" + (directory / "open").string()}, {}, ""}, recipient));
  CHECK(has(refusal({{"command:open"}, {}, ""}), "no absolute path"));
}

TEST_CASE("a program has our environment, without what another key of the same command took from it") {
  const SoftHsm hsm;
  hsm.add_token("audit");
  hsm.generate_p256("audit", "key");
  const TemporaryDirectory directory;
  const path seen = directory / "seen";
  write_file(directory / "open", "#!/bin/sh\nenv >'" + seen.string() + "'\nexit 10\n");
  ::chmod((directory / "open").c_str(), 0700);
  const Variable pin("TEST_PIN", SoftHsm::pin), cloud("TEST_CLOUD_TOKEN", "needed");
  const std::string token = "pkcs11:module=" + hsm.module().string() + ";token=audit;pin=env:TEST_PIN";
  const std::string program = "command:" + (directory / "open").string();
  const Recipient another = Recipient::of(PrivateKey::generate_p256().public_key());

  CHECK_FALSE(opens({{program, token}, {}, ""}, another));
  CHECK(has(read_file(seen), "TEST_CLOUD_TOKEN=needed"));
  CHECK_FALSE(has(read_file(seen), "TEST_PIN"));
  CHECK_FALSE(opens({{program}, {}, ""}, another));
  CHECK(has(read_file(seen), "TEST_PIN"));  // whose it may be, then
}

TEST_CASE("a Vault key is named by its URL; the token comes from a file, the environment or an AppRole") {
  const TemporaryDirectory directory;
  const TestPki pki(directory.where());
  VaultStandIn vault;
  vault.versions = {PrivateKey::generate_rsa(2048)};
  ScriptedServer server({TlsWish{pki.model_server}}, script_of(vault));
  const Recipient recipient = Recipient::of(vault.versions[0].public_key());
  const std::string place = "vault:" + server.url();
  const std::string ca = ";ca=" + pki.ours.certificate().string();
  write_secret(directory / "token", "hvs.good\n");
  write_secret(directory / "secret", "secret\n");
  const std::string token = ";token=file:" + (directory / "token").string();
  CHECK(opens({{place + "/transit/log-key" + token + ca}, {}, ""}, recipient));
  CHECK(opens({{place + "/log-key" + ca + token}, {}, ""}, recipient));
  CHECK(opens({{place + "/log-key;role=role;secret=file:" + (directory / "secret").string() + ca}, {}, ""}, recipient));
  CHECK(has(refusal({{place + "/log-key" + ca}, {}, ""}), "set VAULT_TOKEN"));
  {
    const Variable from_environment("VAULT_TOKEN", "hvs.good"), authority("VAULT_CACERT", pki.ours.certificate());
    CHECK(opens({{place + "/log-key"}, {}, ""}, recipient));
    const Variable name_space("VAULT_NAMESPACE", "eu");
    CHECK(has(refusal({{place + "/log-key"}, {}, ""}), "does not have the key transit/keys/log-key"));
    vault.name_space = "eu";
    CHECK(opens({{place + "/log-key"}, {}, ""}, recipient));
    CHECK(has(refusal({{place + "/log-key;namespace=us"}, {}, ""}), "does not have the key"));
    vault.name_space = "us";
    CHECK(opens({{place + "/log-key;namespace=us"}, {}, ""}, recipient));
    vault.name_space = "";
  }
  CHECK(
      has(refusal({{place + "/deep/er/log-key" + token + ca}, {}, ""}), "does not have the key deep/er/keys/log-key"));
  CHECK(has(refusal({{place + "/log-key" + token}, {}, ""}), "not from an authority that is trusted here"));
  CHECK(has(refusal({{place + "/log-key;role=role" + ca}, {}, ""}), "must say secret="));
  CHECK(has(refusal({{place + "/log-key;token=hvs.canary" + ca}, {}, ""}), "on a command line it is no secret"));
}

TEST_CASE("a URL that is no Vault key's is refused before anything is sent") {
  const Variable token("VAULT_TOKEN", "hvs.good");
  for (const char* url : {"", "https://", "https://vault.example", "https://vault.example/", "http://vault.example/k",
                          "vault.example/k", "https://user:pw@vault.example/k", "https://vault.example:0/k"}) {
    INFO(url);
    CHECK(has(refusal({{std::string("vault:") + url}, {}, ""}), "is named like vault:https://"));
  }
  CHECK(has(refusal({{"vault:https://localhost:1/a%2fb"}, {}, ""}), "is named by its mount and name"));
  CHECK(has(refusal({{"vault:https://localhost:1/../k"}, {}, ""}), "is named by its mount and name"));
}

TEST_CASE("a command takes keys, and files of secrets only with a key") {
  CLI::App app("", "test");
  KeyOptions options;
  gateway::add_key_options(app, options)->required();
  const auto parses = [&](std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError&) {
      return false;
    }
    return true;
  };
  CHECK(parses({"--key", "a.key"}));
  CHECK(parses({"-k", "a.key", "--passphrase-file", "words"}));
  CHECK(parses({"-k", "pkcs11:module=/m;token=t", "--pin-file", "pin"}));
  CHECK(
      parses({"-k", "a.key", "--passphrase-file", "words", "--key", "pkcs11:module=/m;token=t", "--pin-file", "pin"}));
  CHECK(options.references.back() == "pkcs11:module=/m;token=t");
  CHECK_FALSE(parses({"--passphrase-file", "words"}));
  CHECK_FALSE(parses({"--pin-file", "pin"}));
}
