// The commands that take a key, with keys of every kind: files, a token, a program.
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "core/hybrid_key.hpp"
#include "core/private_file.hpp"
#include "tests/gateway/commands/run_key_or_log.hpp"
#include "tests/logging/log_fixture.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skipped.hpp"
#include "tests/support/softhsm.hpp"

using namespace sallyport;
using namespace sallyport::tests;
using core::crypto::PrivateKey;
using envelope::Recipient;
using nlohmann::json;

namespace {

std::string key_file(const TemporaryDirectory& directory, const std::string& name, const PrivateKey& key) {
  core::write_private_file(directory / name, key.pem().reveal());
  return (directory / name).string();
}

// A log of one segment for each list of recipients.
void write_log(const path& directory, const std::vector<std::vector<Recipient>>& segments) {
  FakeClock clock;
  for (const auto& recipients : segments) {
    logging::SealedLog log(log_settings(directory), recipients, clock);
    REQUIRE(seal(log, "r-1", "question", "answer").has_value());
  }
}

}  // namespace

TEST_CASE("key check says which segments each key opens, and fails while one stays closed") {
  const TemporaryDirectory directory;
  const PrivateKey old_key = PrivateKey::generate_p256(), new_key = PrivateKey::generate_rsa(2048);
  const Recipient old_one = Recipient::of(old_key.public_key()), new_one = Recipient::of(new_key.public_key());
  write_log(directory / "logs/a", {{old_one}, {old_one}, {old_one, new_one}, {new_one}});
  write_log(directory / "logs/b/c", {{new_one}});
  const std::string logs = (directory / "logs").string();
  const std::string old_file = key_file(directory, "old.key", old_key),
                    new_file = key_file(directory, "new.key", new_key);

  const Outcome one = run({"key", "check", logs, "--key", old_file});
  CHECK(one.exit_code == 1);
  CHECK(has(one.out, "1-3      opened"));
  CHECK(has(one.out, "4        it is sealed to other keys"));
  CHECK(has(one.err, "2 segments are opened by none of these keys"));

  const Outcome both = run({"key", "check", "--key", old_file, "--key", new_file, logs, "--json"});
  CHECK(both.exit_code == 0);
  CHECK(both.err.empty());
  std::vector<json> lines;
  for (const std::string& line : both.lines()) lines.push_back(json::parse(line));
  REQUIRE(lines.size() == 10);
  CHECK(lines[0] == json{{"log", logs + "/a"}, {"segment", 1}, {"key", old_file}, {"opens", true}});
  CHECK(lines[1] == json{{"log", logs + "/a"},
                         {"segment", 1},
                         {"key", new_file},
                         {"opens", false},
                         {"why", "it is sealed to other keys"}});
  CHECK(std::count_if(lines.begin(), lines.end(), [](const json& line) { return line["opens"] == true; }) == 6);
}

TEST_CASE("key check names a damaged segment and a place without logs") {
  const TemporaryDirectory directory;
  const PrivateKey key = PrivateKey::generate_p256();
  const Recipient recipient = Recipient::of(key.public_key());
  write_log(directory / "log", {{recipient}, {recipient}, {recipient}});
  const std::string file = key_file(directory, "a.key", key), log = (directory / "log").string();
  std::filesystem::remove(directory / "log" / logging::keys_name(1));
  write_file(directory / "log" / logging::segment_name(3), "no segment");
  const Outcome outcome = run({"key", "check", log, "-k", file});
  CHECK(outcome.exit_code == 1);
  CHECK(has(outcome.out, "its key block is missing"));
  CHECK(has(outcome.out, "2        opened"));
  CHECK(has(outcome.err, "2 segments are opened"));
  std::filesystem::create_directory(directory / "empty");
  const Outcome nothing = run({"key", "check", (directory / "empty").string(), "-k", file});
  CHECK(nothing.exit_code == 1);
  CHECK(has(nothing.err, "hold no log segment"));
  std::filesystem::rename(directory / "log" / logging::segment_name(2), directory / "empty" / "2.segment");
  const Outcome misnamed = run({"key", "check", (directory / "empty").string(), "-k", file, "--instead-of", file});
  CHECK(misnamed.exit_code == 1);
  CHECK(has(misnamed.err, "none has a segment's name"));
  CHECK(run({"key", "check", log}).exit_code == 2);
}

TEST_CASE("a log sealed to a token's key is read, verified and checked with the token") {
  const SoftHsm hsm;
  const TemporaryDirectory directory;
  hsm.add_token("audit");
  hsm.generate_p256("audit", "log-key");
  core::write_private_file(directory / "pin", core::bytes_of(SoftHsm::pin));
  const std::string key = "pkcs11:module=" + hsm.module().string() + ";token=audit;object=log-key";
  const std::string pin = (directory / "pin").string(), log = (directory / "log").string();

  const Outcome shown = run({"key", "show", key, "--pin-file", pin, "--json"});
  REQUIRE(shown.exit_code == 0);
  const json recipients = json::parse(shown.out);
  REQUIRE(recipients.size() == 1);
  CHECK(recipients[0]["type"] == "p256");
  write_log(directory / "log", {{Recipient::parse(recipients[0]["recipient"].get<std::string>())}});

  const Outcome cat = run({"log", "cat", "--key", key, "--pin-file", pin, "--content", log});
  CHECK(cat.exit_code == 0);
  CHECK(has(cat.out, "question"));
  CHECK(run({"log", "verify", "--key", key, "--pin-file", pin, log}).exit_code == 0);
  CHECK(run({"log", "tail", "--key", key, "--pin-file", pin, log}).exit_code == 0);
  CHECK(run({"key", "check", "--key", key, "--pin-file", pin, log}).exit_code == 0);

  core::write_private_file(directory / "wrong", core::bytes_of("canary"));
  const Outcome wrong = run({"log", "cat", "--key", key, "--pin-file", (directory / "wrong").string(), log});
  CHECK(wrong.exit_code == 1);
  CHECK(wrong.err == "sallyport log: the PIN is wrong for the token \"audit\"\n");
}

TEST_CASE("a holder that fails ends the command with its words, and does not call the log altered") {
  const TemporaryDirectory directory;
  const PrivateKey key = PrivateKey::generate_p256();
  write_log(directory / "log", {{Recipient::of(key.public_key())}});
  write_file(directory / "open", "#!/bin/sh\nexit 3\n");
  ::chmod((directory / "open").c_str(), 0700);
  const std::string reference = "command:" + (directory / "open").string(), log = (directory / "log").string();
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"log", "cat"}, {"log", "tail"}, {"log", "verify"}, {"key", "check"}}) {
    const Outcome outcome = run({command[0], command[1], "--key", reference, log});
    CHECK(outcome.exit_code == 1);
    CHECK(has(outcome.err, "/open failed with exit status 3"));
    CHECK_FALSE(has(outcome.out + outcome.err, "altered"));
  }
  const Outcome shown = run({"key", "show", reference});
  CHECK(shown.exit_code == 1);
  CHECK(has(shown.err, "does not tell which keys it opens for"));
}

TEST_CASE("a post-quantum pair is made, and its log is read") {
  const TemporaryDirectory directory;
  const std::string name = (directory / "pq").string();
  const Outcome made = run({"key", "new", "--out", name, "--type", "mlkem768-x25519"});
  if (!core::crypto::hybrid_available()) {
    CHECK(made.exit_code == 1);
    CHECK(has(made.err, core::crypto::hybrid_needs));
    CHECK_FALSE(std::filesystem::exists(name + ".key"));
    return skipped(no_ml_kem);
  }
  REQUIRE(made.exit_code == 0);
  CHECK(has(run({"key", "show", name + ".key"}).out, "type       mlkem768-x25519"));
  CHECK(has(run({"key", "list", directory.where().string()}).out, "mlkem768-x25519"));
  write_log(directory / "log", {{Recipient::parse(read_file(name + ".pub"))}});
  const Outcome cat = run({"log", "cat", "--key", name + ".key", "--content", (directory / "log").string()});
  CHECK(cat.exit_code == 0);
  CHECK(has(cat.out, "question"));
}
