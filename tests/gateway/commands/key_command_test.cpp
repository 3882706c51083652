#include "gateway/commands/commands.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "core/private_file.hpp"
#include "envelope/identity.hpp"
#include "gateway/config/signing_key.hpp"
#include "tests/gateway/commands/run_command.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace sallyport;
using namespace sallyport::tests;
using core::crypto::PrivateKey;
using envelope::Identity;
using envelope::Recipient;
using nlohmann::json;

namespace {

Outcome run(std::vector<std::string> arguments) { return run_command(gateway::add_key_commands, std::move(arguments)); }

mode_t mode_of(const path& file) {
  struct stat status;
  REQUIRE(::stat(file.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

core::crypto::AskPassphrase ask(std::string_view text) {
  return [text] { return core::Secret(text); };
}

// No file of this process grows beyond so many bytes, as on a disk that is full.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t size) : told_(::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    const rlimit now{size, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &now) == 0);
  }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;
  ~SmallFiles() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, told_);
  }

 private:
  rlimit before_{};
  void (*told_)(int);
};

}  // namespace

TEST_CASE("key new writes a pair whose halves belong together, the private one for its owner alone") {
  const TemporaryDirectory directory;
  for (const std::string type : {"p256", "rsa3072"}) {
    const std::string name = directory / type;
    const Outcome made = run({"key", "new", "--type", type, "--out", name});
    REQUIRE(made.exit_code == 0);
    CHECK(mode_of(name + ".key") == 0600);
    const std::string line = line_in(name + ".pub");
    CHECK(Identity::load(name + ".key", {}).recipient().text() == line);
    CHECK(has(made.out, "      - " + line + "\n"));
    CHECK(has(made.out, "not encrypted"));
    CHECK_FALSE(has(made.out, "PRIVATE KEY"));
    CHECK(made.err.empty());
  }
}

TEST_CASE("key new --json says what it made") {
  const TemporaryDirectory directory;
  const std::string name = directory / "reader";
  const json made = json::parse(run({"key", "new", "--out", name, "--json"}).out);
  CHECK(made["recipient"] == line_in(name + ".pub"));
  CHECK(made["id"] == Recipient::parse(line_in(name + ".pub")).id());
  CHECK(made["type"] == "p256");
  CHECK(made["private_file"] == name + ".key");
  CHECK(made["encrypted"] == false);
}

TEST_CASE("key new never writes over either half") {
  const TemporaryDirectory directory;
  for (const char* ending : {".key", ".pub"}) {
    const std::string name = directory / ("reader-with" + std::string(ending));
    write_file(name + ending, "precious");
    const Outcome refused = run({"key", "new", "--out", name});
    CHECK(refused.exit_code == 1);
    CHECK(has(refused.err, name + ending + " is there already"));
    CHECK(read_file(name + ending) == "precious");
    CHECK_FALSE(std::filesystem::exists(name + (std::string(ending) == ".key" ? ".pub" : ".key")));
  }
  CHECK(run({"key", "new", "--out", directory / "missing" / "reader"}).exit_code == 1);
}

TEST_CASE("key new encrypts under the first line of a private file") {
  const TemporaryDirectory directory;
  const std::string name = directory / "reader";
  core::write_private_file(directory / "words", core::bytes_of("some words\nsecond line\n"));
  REQUIRE(run({"key", "new", "--out", name, "--passphrase-file", directory / "words"}).exit_code == 0);
  CHECK(has(read_file(name + ".key"), "-----BEGIN ENCRYPTED PRIVATE KEY-----"));
  CHECK(Identity::load(name + ".key", ask("some words")).recipient().text() == line_in(name + ".pub"));
  CHECK_THROWS(Identity::load(name + ".key", ask("second line")));
}

TEST_CASE("a passphrase file that others can read, that is empty or too long is refused, and no key is left") {
  const TemporaryDirectory directory;
  const std::string name = directory / "reader";
  write_file(directory / "open", "words");
  REQUIRE(::chmod((directory / "open").c_str(), 0644) == 0);
  core::write_private_file(directory / "empty", core::bytes_of("\n"));
  core::write_private_file(directory / "long", core::bytes_of(std::string(1025, 'p') + "\n"));
  core::write_private_file(directory / "longest", core::bytes_of(std::string(1024, 'p') + "\r\n"));
  CHECK(has(run({"key", "new", "--out", name, "--passphrase-file", directory / "open"}).err, "chmod 600"));
  CHECK(has(run({"key", "new", "--out", name, "--passphrase-file", directory / "empty"}).err, "empty"));
  CHECK(has(run({"key", "new", "--out", name, "--passphrase-file", directory / "long"}).err, "at most 1024"));
  CHECK_FALSE(std::filesystem::exists(name + ".key"));
  CHECK_FALSE(std::filesystem::exists(name + ".pub"));
  CHECK(run({"key", "new", "--out", name, "--passphrase-file", directory / "longest"}).exit_code == 0);
}

TEST_CASE("key show gives the same line and id from every form of a key") {
  const TemporaryDirectory directory;
  const PrivateKey key = PrivateKey::generate_rsa(2048);
  const Recipient recipient = Recipient::of(key.public_key());
  const std::string words = directory / "words";
  core::write_private_file(words, core::bytes_of("words"));
  core::write_private_file(directory / "plain.key", key.pem().reveal());
  core::write_private_file(directory / "sealed.key",
                           core::bytes_of(key.encrypted_pem(core::Secret(std::string_view("words")))));
  write_file(directory / "line.pub", recipient.text() + "\n");
  write_file(directory / "public.pem", key.public_key().pem());
  for (const char* file : {"plain.key", "sealed.key", "line.pub", "public.pem"}) {
    INFO(file);
    const Outcome shown = run({"key", "show", directory / file, "--passphrase-file", words});
    CHECK(shown.exit_code == 0);
    CHECK(has(shown.out, recipient.text()));
    const json object = json::parse(run({"key", "show", directory / file, "--passphrase-file", words, "--json"}).out);
    CHECK(object == json{{"id", recipient.id()}, {"type", "rsa2048"}, {"recipient", recipient.text()}});
  }
}

TEST_CASE("key show refuses what is no key of ours, with the file's name and without its content") {
  const TemporaryDirectory directory;
  write_file(directory / "text", "canary");
  write_file(directory / "sign.pem", PrivateKey::generate_ed25519().public_key().pem());
  write_file(directory / "open.key", PrivateKey::generate_p256().pem().reveal_text());
  REQUIRE(::chmod((directory / "open.key").c_str(), 0644) == 0);
  for (const char* file : {"text", "sign.pem", "open.key", "none"}) {
    const Outcome refused = run({"key", "show", directory / file});
    CHECK(refused.exit_code == 1);
    CHECK(refused.out.empty());
    CHECK(has(refused.err, directory / file));
    CHECK_FALSE(has(refused.err, "canary"));
  }
}

TEST_CASE("key list shows each public key and whether its private half lies beside it") {
  const TemporaryDirectory directory;
  const std::string where = directory.where();
  CHECK(has(run({"key", "list", where}).out, "No public keys"));
  REQUIRE(run({"key", "new", "--out", directory / "b"}).exit_code == 0);
  REQUIRE(run({"key", "new", "--out", directory / "a"}).exit_code == 0);
  std::filesystem::remove(directory / "a.key");
  const Outcome listed = run({"key", "list", where});
  CHECK(listed.exit_code == 0);
  CHECK(listed.out.find("a.pub") < listed.out.find("b.pub"));
  CHECK(has(listed.out, Recipient::parse(line_in(directory / "b.pub")).id()));
  const json keys = json::parse(run({"key", "list", where, "--json"}).out);
  REQUIRE(keys.size() == 2);
  CHECK(keys[0]["private_half"] == "elsewhere");
  CHECK(keys[1]["private_half"] == "here, not encrypted");
}

TEST_CASE("key list goes on past a bad file and says that there was one") {
  const TemporaryDirectory directory;
  REQUIRE(run({"key", "new", "--out", directory / "good"}).exit_code == 0);
  write_file(directory / "bad.pub", "nothing\n");
  write_file(directory / "private.pub", PrivateKey::generate_p256().pem().reveal_text());
  const Outcome listed = run({"key", "list", directory.where()});
  CHECK(listed.exit_code == 1);
  CHECK(has(listed.out, "good.pub"));
  CHECK(has(listed.err, "bad.pub"));
  CHECK(has(listed.err, "this is a PRIVATE key"));
  CHECK(run({"key", "list", directory / "none"}).exit_code == 1);
}

TEST_CASE("wrong use of key is told apart from a problem") {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"key"},
        {"key", "new"},
        {"key", "new", "--out", "x", "--type", "rsa1024"},
        {"key", "new", "--out", "somewhere/"},
        {"key", "show"},
        {"key", "list"},
        {"key", "new", "--out", "x", "--passphrase", "--passphrase-file", "y"}}) {
    CHECK(run(arguments).exit_code == 2);
  }
  CHECK(run({"key", "new", "--help"}).exit_code == 0);
}

TEST_CASE("key new --signing makes a key that signs in the log's name, and a line that proves it") {
  const TemporaryDirectory directory;
  const std::string name = directory / "signer";
  const Outcome made = run({"key", "new", "--signing", "gateway-1", "--out", name});
  CHECK(made.exit_code == 0);
  const std::string line = read_file(name + ".vkey");
  CHECK(has(made.out, line));
  struct stat status {};
  REQUIRE(::stat((name + ".key").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(gateway::load_signer(name + ".key", "gateway-1").verifier().text() + "\n" == line);
  CHECK(gateway::read_signer(name + ".vkey").name() == "gateway-1");
  CHECK_THROWS_WITH(gateway::read_signer(name + ".key"), Catch::Matchers::Contains(name + ".key is a private key"));
  CHECK(run({"key", "new", "--signing", "gateway-1", "--out", name}).exit_code == 1);  // never over another
  CHECK(run({"key", "new", "--signing", "two words", "--out", name + "2"}).exit_code == 2);
  CHECK(run({"key", "new", "--signing", "me", "--type", "p256", "--out", name + "2"}).exit_code == 2);

  CHECK(run({"key", "new", "--out", directory / "auditor"}).exit_code == 0);
  CHECK_THROWS_AS(gateway::load_signer(directory / "auditor.key", "gateway-1"), std::runtime_error);
}

TEST_CASE("key show prints the line of a key that signs, from either half") {
  const TemporaryDirectory directory;
  const std::string name = directory / "signer";
  REQUIRE(run({"key", "new", "--signing", "gateway-1", "--out", name}).exit_code == 0);
  const std::string line = line_in(name + ".vkey");
  CHECK(has(run({"key", "show", name + ".vkey"}).out, "signer     " + line + "\n"));
  const json shown = json::parse(run({"key", "show", name + ".key", "--signing", "gateway-1", "--json"}).out);
  CHECK(shown == json{{"name", "gateway-1"}, {"type", "ed25519"}, {"signer", line}});
  const Outcome unnamed = run({"key", "show", name + ".key"});
  CHECK(unnamed.exit_code == 1);
  CHECK(has(unnamed.err, "an Ed25519 key signs"));
  CHECK(run({"key", "show", name + ".key", "--signing", "two words"}).exit_code == 1);
}

TEST_CASE("where one file of a pair cannot be written, neither is left") {
  const TemporaryDirectory directory;
  const std::string name = directory / "pair";
  const std::vector<std::string> recipient = {"key", "new", "--out", name};
  // A verifier's line that is longer than the private half beside it.
  const std::vector<std::string> signer = {"key", "new", "--out", name, "--signing", std::string(200, 'n')};
  const auto left = [&](const std::vector<std::string>& command, rlim_t room) {
    const SmallFiles small(room);
    const Outcome outcome = run(command);
    CHECK(outcome.exit_code == 1);
    return std::distance(std::filesystem::directory_iterator(directory.where()), {});
  };
  CHECK(left(recipient, 40) == 0);
  CHECK(left(signer, 40) == 0);
  CHECK(left(signer, 160) == 0);
  CHECK(run(signer).exit_code == 0);
  CHECK(std::filesystem::file_size(name + ".key") < 160);
}
