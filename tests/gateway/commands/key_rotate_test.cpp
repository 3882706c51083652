// From an old key to a new one: what `key rotate` makes and says, and that its steps lead where they say.
#include "gateway/commands/commands.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "core/private_file.hpp"
#include "gateway/config/signing_key.hpp"
#include "tests/gateway/commands/run_key_or_log.hpp"
#include "tests/logging/log_fixture.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::tests;
using core::crypto::PrivateKey;
using envelope::Identity;
using envelope::Recipient;
using nlohmann::json;

namespace {

// As a service has it: with nobody to ask, whoever runs the test. In a session of its own a process has no terminal.
Outcome run_without_terminal(const std::vector<std::string>& arguments, const path& directory) {
  const path err = directory / "standard error";
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::setsid();
    const Outcome outcome = run(arguments);
    write_file(err, outcome.err);
    ::_exit(outcome.exit_code);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return {WEXITSTATUS(status), "", read_file(err)};
}

void make_pair(const std::string& name, const std::string& type = "p256") {
  REQUIRE(run({"key", "new", "--out", name, "--type", type}).exit_code == 0);
}

}  // namespace

TEST_CASE("key rotate makes a pair of the same kind beside the old one, which stays as it is") {
  const TemporaryDirectory directory;
  const std::string name = directory / "auditor", next = directory / "auditor-2";
  const std::string type = GENERATE("p256", "rsa3072");
  make_pair(name, type);
  const std::string old_key = read_file(name + ".key"), old_line = line_in(name + ".pub");
  const Outcome rotated = run({"key", "rotate", name + GENERATE(".pub", ".key", "")});
  REQUIRE(rotated.exit_code == 0);
  CHECK(rotated.err.empty());
  CHECK(read_file(name + ".key") == old_key);
  CHECK(line_in(name + ".pub") == old_line);
  struct stat status {};
  REQUIRE(::stat((next + ".key").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  const Recipient made = Identity::load(next + ".key", {}).recipient();
  CHECK(made.type() == type);
  CHECK(made.text() == line_in(next + ".pub"));
  CHECK(made.text() != old_line);
  CHECK(has(rotated.out, "      - " + old_line + "\n      - " + made.text() + "\n"));
  CHECK_FALSE(has(rotated.out, "PRIVATE KEY"));
}

TEST_CASE("key rotate counts on, and takes no name of which any file is there") {
  const TemporaryDirectory directory;
  make_pair(directory / "auditor");
  write_file(directory / "auditor-2.vkey", "another's");
  const auto rotate = [&](const std::string& old) {
    const auto outcome = run({"key", "rotate", "--json", directory / old});
    REQUIRE(outcome.exit_code == 0);
    return json::parse(outcome.out)["new"]["private_file"].get<std::string>();
  };
  CHECK(rotate("auditor") == directory / "auditor-3.key");
  CHECK(rotate("auditor-3.pub") == directory / "auditor-4.key");
  CHECK(rotate("auditor-3.pub") == directory / "auditor-5.key");
  make_pair(directory / "2026");
  CHECK(rotate("2026") == directory / "2026-2.key");
}

TEST_CASE("key rotate --json says what was and what is, and --out names it") {
  const TemporaryDirectory directory;
  make_pair(directory / "auditor");
  core::write_private_file(directory / "words", core::bytes_of("some words\n"));
  const auto outcome = run({"key", "rotate", directory / "auditor.pub", "--out", directory / "next", "--json",
                            "--passphrase-file", directory / "words"});
  REQUIRE(outcome.exit_code == 0);
  const json said = json::parse(outcome.out);
  CHECK(said["old"]["recipient"].get<std::string>() == line_in(directory / "auditor.pub"));
  CHECK(said["new"]["recipient"].get<std::string>() == line_in(directory / "next.pub"));
  CHECK(said["new"]["private_file"].get<std::string>() == directory / "next.key");
  CHECK(said["new"]["encrypted"] == true);
  CHECK(has(read_file(directory / "next.key"), "-----BEGIN ENCRYPTED PRIVATE KEY-----"));
}

TEST_CASE("key rotate refuses what has no public half, is kept elsewhere, or would be written over") {
  const TemporaryDirectory directory;
  CHECK(has(run({"key", "rotate", directory / "none"}).err, "none.pub nor"));
  CHECK(has(run({"key", "rotate", "vault:https://vault.example:8200/transit/log-key"}).err, "its next key itself"));
  make_pair(directory / "auditor");
  make_pair(directory / "other");
  const std::string precious = read_file(directory / "other.key");
  CHECK(has(run({"key", "rotate", directory / "auditor", "--out", directory / "other"}).err, "is there already"));
  CHECK(read_file(directory / "other.key") == precious);
  CHECK(run({"key", "rotate"}).exit_code == 2);
}

// With no terminal to ask, a new key that would be less well kept than the old one is not made.
TEST_CASE("where the old private half is encrypted, key rotate does not make one that is not") {
  const TemporaryDirectory directory;
  core::write_private_file(directory / "words", core::bytes_of("some words\n"));
  const std::string name = directory / "auditor", words = directory / "words";
  REQUIRE(run({"key", "new", "--out", name, "--passphrase-file", words}).exit_code == 0);
  const Outcome with_words = run({"key", "rotate", name, "--passphrase-file", words});
  CHECK(with_words.exit_code == 0);
  CHECK_FALSE(has(with_words.out, "not encrypted"));
  const Outcome unasked = run_without_terminal({"key", "rotate", name}, directory.where());
  CHECK(unasked.exit_code == 1);
  CHECK(has(unasked.err, "--passphrase-file"));
  CHECK_FALSE(std::filesystem::exists(name + "-3.key"));
}

TEST_CASE("key rotate sees that an old key is encrypted also in OpenSSL's older form and after other text") {
  const TemporaryDirectory directory;
  const std::string name = directory / "auditor";
  const PrivateKey key = PrivateKey::generate_p256();
  write_file(name + ".pub", Recipient::of(key.public_key()).text() + "\n");
  std::string kept;
  SECTION("the older form") {
    // The reader asks for the passphrase before it looks at what is encrypted, so that any bytes do.
    kept =
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
        "DEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END EC PRIVATE KEY-----\n";
  }
  SECTION("text before it") { kept = "The auditor's\n" + key.encrypted_pem(core::Secret("some words")); }
  core::write_private_file(name + ".key", core::bytes_of(kept));
  CHECK(run_without_terminal({"key", "rotate", name}, directory.where()).exit_code == 1);
  CHECK_FALSE(std::filesystem::exists(name + "-2.key"));
}

TEST_CASE("the steps that key rotate prints lead to a log that the old key does not open") {
  const TemporaryDirectory directory;
  const std::string old = directory / "auditor", next = directory / "auditor-2", log = directory / "log";
  make_pair(old);
  const auto write_segment = [&](std::vector<std::string> lines) {
    std::vector<Recipient> recipients;
    for (const std::string& line : lines) recipients.push_back(Recipient::parse(line));
    FakeClock clock;
    logging::SealedLog writer(log_settings(log), recipients, clock);
    REQUIRE(seal(writer, "r-1", "question", "answer").has_value());
  };
  write_segment({line_in(old + ".pub")});
  const std::string told = run({"key", "rotate", old}).out;
  write_segment({line_in(old + ".pub"), line_in(next + ".pub")});
  write_segment({line_in(next + ".pub")});
  CHECK(run({"key", "check", "--key", next + ".key", log}).exit_code == 1);

  const std::string rewrap =
      "sallyport log rewrap --key " + old + ".key --add " + next + ".pub --remove " + old + ".pub LOG";
  REQUIRE(has(told, rewrap));
  CHECK(
      run({"log", "rewrap", "--key", old + ".key", "--add", next + ".pub", "--remove", old + ".pub", log}).exit_code ==
      0);
  CHECK(has(told, "sallyport key check --key " + next + ".key --instead-of " + old + ".key LOG"));
  CHECK(run({"key", "check", "--key", next + ".key", "--instead-of", old + ".key", log}).exit_code == 0);
  CHECK(run({"key", "check", "--key", next + ".key", log}).exit_code == 0);
  CHECK(has(run({"key", "check", "--key", old + ".key", log}).err, "3 segments are opened by none"));
  CHECK(run({"log", "verify", "--key", next + ".key", log}).exit_code == 0);
}

TEST_CASE(
    "key check --instead-of fails while the old key opens a segment or a tenant's content that the new one does not") {
  const TemporaryDirectory directory;
  const std::string old = directory / "auditor", next = directory / "auditor-2", log = directory / "log";
  make_pair(old);
  make_pair(directory / "globex");
  const Recipient reader = Recipient::parse(line_in(old + ".pub"));
  const Recipient globex = Recipient::parse(line_in(directory / "globex.pub"));
  {
    const FakeClock clock;
    logging::SealedLog writer(log_settings(log), {reader}, clock, {{"globex", {globex, reader}}});
    REQUIRE(seal(writer, "r-1", "question", "answer", "globex").has_value());
  }
  const std::string told = run({"key", "rotate", old}).out;
  const auto check = [&] { return run({"key", "check", "--key", next + ".key", "--instead-of", old + ".key", log}); };
  const auto rewrap = [&](std::vector<std::string> of) {
    const std::vector<std::string> words = {"--key", old + ".key", "--add", next + ".pub", "--remove", old + ".pub"};
    of.insert(of.end(), words.begin(), words.end());
    of.push_back(log);
    of.insert(of.begin(), {"log", "rewrap"});
    return run(std::move(of));
  };
  CHECK(check().exit_code == 1);
  SECTION("the printed order opens all of it") {
    const auto tenants = told.find("sallyport log rewrap --tenant NAME --key " + old + ".key"),
               segments = told.find("sallyport log rewrap --key " + old + ".key"),
               checked = told.find("key check --key " + next + ".key --instead-of " + old + ".key LOG");
    REQUIRE(checked != told.npos);
    CHECK(tenants < segments);
    CHECK(segments < checked);
    CHECK(rewrap({"--tenant", "globex"}).exit_code == 0);
    CHECK(check().exit_code == 1);
    CHECK(rewrap({}).exit_code == 0);
    CHECK(check().exit_code == 0);
    CHECK(run({"log", "verify", "--key", next + ".key", log}).exit_code == 0);
    CHECK(has(run({"log", "cat", "--content", "--key", next + ".key", log}).out, "question"));
    std::filesystem::remove(path(log) / logging::keys_name(1));  // of which there may be a copy elsewhere
    CHECK(check().exit_code == 1);
  }
  SECTION("the segments alone are not enough") {
    CHECK(rewrap({}).exit_code == 0);
    CHECK(run({"key", "check", "--key", next + ".key", log}).exit_code == 0);
    const Outcome outcome = check();
    CHECK(outcome.exit_code == 1);
    CHECK(has(outcome.err, "1 segments are damaged or hold what " + old + ".key alone opens"));
  }
}

TEST_CASE("key rotate says that a tenant's key is none for the whole log") {
  const TemporaryDirectory directory;
  const std::string name = directory / "acme";
  make_pair(name);
  const std::string told = run({"key", "rotate", name + ".pub"}).out;
  CHECK(has(told, "For a tenant's key: never in `log.recipients`"));
  CHECK(has(told, "sallyport log rewrap --tenant NAME --key OPERATOR.key --add " + name + "-2.pub --remove " + name +
                      ".pub LOG\n"));
}

TEST_CASE("key rotate of a key that signs makes another in the same name") {
  const TemporaryDirectory directory;
  const std::string name = directory / "signer", next = directory / "signer-2";
  REQUIRE(run({"key", "new", "--signing", "gateway-1", "--out", name}).exit_code == 0);
  const Outcome rotated = run({"key", "rotate", name + GENERATE(".vkey", ".key", "")});
  REQUIRE(rotated.exit_code == 0);
  const std::string line = line_in(next + ".vkey");
  CHECK(gateway::load_signer(next + ".key", "gateway-1").verifier().text() == line);
  CHECK(line != line_in(name + ".vkey"));
  CHECK(has(rotated.out, line));
  CHECK(has(rotated.out, "--signer " + name + ".vkey --signer " + next + ".vkey"));
  CHECK(has(rotated.out, "key: " + next + ".key\n      earlier: [\"file:" + name + ".vkey\"]\n"));
  const json said = json::parse(run({"key", "rotate", name, "--json"}).out);
  CHECK(said["old"]["signer"].get<std::string>() == line_in(name + ".vkey"));
  CHECK(said["new"]["name"] == "gateway-1");
  CHECK(said["new"]["private_file"].get<std::string>() == name + "-3.key");
  CHECK(run({"key", "rotate", name, "--passphrase"}).exit_code == 1);
}
