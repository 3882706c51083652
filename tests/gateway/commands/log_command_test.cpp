#include "gateway/commands/commands.hpp"

#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/private_file.hpp"
#include "gateway/commands/log_text.hpp"
#include "gateway/commands/log_view.hpp"
#include "tests/gateway/commands/run_command.hpp"
#include "tests/logging/log_fixture.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skipped.hpp"

using namespace sallyport;
using namespace sallyport::tests;
using nlohmann::json;

namespace {

Outcome run(std::vector<std::string> arguments) { return run_command(gateway::add_log_commands, std::move(arguments)); }

// A log of three segments, four exchanges in each, and key files that open it and do not.
struct Log {
  Log() {
    const auto pair = core::crypto::PrivateKey::generate_p256();
    core::write_private_file(key, pair.pem().reveal());
    core::write_private_file(wrong_key, core::crypto::PrivateKey::generate_p256().pem().reveal());
    for (int run = 0; run < 3; ++run, clock.advance(std::chrono::hours(1))) {
      logging::SealedLog log(log_settings(directory), {envelope::Recipient::of(pair.public_key())}, clock);
      for (int i = 0; i < 4; ++i) add(log, run, i);
    }
  }
  void add(logging::SealedLog& log, int run, int i) {
    auto record = record_named("r-" + std::to_string(run) + "-" + std::to_string(i));
    record.started = clock.wall();
    record.principal = i % 2 == 0 ? "team-a" : "team-b";
    record.model = i == 3 ? "em\x1b[31mbed" : "llama";
    record.status = i == 2 ? 502 : 200;
    record.outcome = i == 2 ? core::Reason::upstream_closed : core::Reason::none;
    auto entry = log.open_entry(true);
    keep_request(*entry, "the prompt");
    entry->response_body(
        core::bytes_of(i == 1 ? std::string_view("\xff\x00\x01", 3) : "an\x1b[2J answer\nof two lines"));
    const auto sealed = std::make_shared<std::promise<void>>();
    auto told = sealed->get_future();
    entry->finish(record, [sealed](core::Result<void>) { sealed->set_value(); });
    told.get();
  }

  TemporaryDirectory temporary;
  FakeClock clock;
  path directory = temporary / "log", key = temporary / "reader.key", wrong_key = temporary / "wrong.key";

  Outcome cat(std::vector<std::string> more) const {
    std::vector<std::string> all{"log", "cat", "--key", key.string(), directory.string()};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  }
};

}  // namespace

TEST_CASE("log cat shows one line an exchange and no content") {
  const Log log;
  const Outcome outcome = log.cat({});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  const auto lines = outcome.lines();
  REQUIRE(lines.size() == 12);
  CHECK(lines[0].substr(0, 23) == "2026-01-02 03:00:00.000");
  CHECK(has(lines[0], "  200  "));
  CHECK(has(lines[0], "team-a"));
  CHECK(has(lines[2], "upstream_closed"));
  CHECK(!has(outcome.out, "prompt"));
}

TEST_CASE("nothing in a log steers the terminal") {
  const Log log;
  const Outcome outcome = log.cat({"--content"});
  CHECK(has(outcome.out, "> the prompt"));
  CHECK(has(outcome.out, "    < an\\x1b[2J answer\n    < of two lines"));
  CHECK(has(outcome.out, "em\\x1b[31mbed"));
  CHECK(!has(outcome.out, "\x1b"));
  CHECK(gateway::printable("a\xc2\x9b"
                           "b\x7f\xc3\xbc\n") == "a\\x9bb\\x7f\xc3\xbc\\x0a");
  CHECK(gateway::printable("a\nb", true) == "a\nb");
}

TEST_CASE("a record that somebody nested without end is shown, and not gone into") {
  logging::Exchange exchange;
  exchange.metadata = R"({"request_id":"deep","more":)" + std::string(200'000, '[') + std::string(200'000, ']') + "}";
  const std::string line = gateway::json_line(gateway::shown(std::move(exchange)));
  CHECK(json::parse(line)["request_id"] == "deep");
  CHECK(line.size() < 200);
}

TEST_CASE("log cat --json gives one object a line, with text or base64 content") {
  const Log log;
  const auto lines = log.cat({"--json", "--content"}).lines();
  REQUIRE(lines.size() == 12);
  const json first = json::parse(lines[0], nullptr, false), second = json::parse(lines[1], nullptr, false);
  CHECK(first["request_id"] == "r-0-0");
  CHECK(first["segment"] == 1);
  CHECK(first["finished"] == true);
  CHECK(first["request_body"] == "the prompt");
  CHECK(first["response_body"] == "an\x1b[2J answer\nof two lines");
  CHECK(!second.contains("response_body"));
  CHECK(second["response_body_base64"] == "/wAB");
}

TEST_CASE("log cat filters by who, what and when") {
  const Log log;
  CHECK(log.cat({"--principal", "team-b"}).lines().size() == 6);
  CHECK(log.cat({"--model", "llama"}).lines().size() == 9);
  CHECK(log.cat({"--request-id", "r-1-2"}).lines().size() == 1);
  CHECK(log.cat({"--since", "2026-01-02T04:00:00Z"}).lines().size() == 8);
  CHECK(log.cat({"--until", "2026-01-02T04:00:00Z"}).lines().size() == 8);
  CHECK(log.cat({"--since", "2026-01-02T04:00:00Z", "--until", "2026-01-02T04:00:00Z"}).lines().size() == 4);
  CHECK(log.cat({"--since", "2026-01-03"}).lines().empty());
  CHECK(log.cat({"--since", "1s"}).lines().empty());
}

TEST_CASE("moments are absolute or so long ago") {
  const core::WallTime now = FakeClock::start;
  CHECK(gateway::parse_moment("90s", now) == now - std::chrono::seconds(90));
  CHECK(gateway::parse_moment("2h", now) == now - std::chrono::hours(2));
  CHECK(gateway::parse_moment("3d", now) == now - std::chrono::hours(72));
  CHECK(gateway::parse_moment("2026-01-02T03:00:00Z", now) == now);
  for (const char* wrong : {"", "d", "3", "-3d", "3w", "1234567d", "yesterday", "2026-13-01"}) {
    CHECK(!gateway::parse_moment(wrong, now));
  }
}

TEST_CASE("log tail shows the last ones") {
  const Log log;
  const auto tail = [&](const char* count) {
    return run({"log", "tail", "--key", log.key.string(), "-n", count, log.directory.string()}).lines();
  };
  REQUIRE(tail("3").size() == 3);
  CHECK(has(tail("3")[0], "r-2-1"));
  CHECK(has(tail("3")[2], "r-2-3"));
  CHECK(tail("6").size() == 6);
  CHECK(has(tail("6")[0], "r-1-2"));
  CHECK(tail("100").size() == 12);
  CHECK(tail("0").empty());
}

TEST_CASE("a wrong key reads nothing and is told so, once") {
  const Log log;
  const Outcome outcome = run({"log", "cat", "--key", log.wrong_key.string(), log.directory.string()});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.empty());
  CHECK(outcome.err ==
        "sallyport log: segment 1: it is sealed to other keys\nsallyport log: and so in 2 more places\n");
}

TEST_CASE("a public key in a private one's place is called what it is") {
  const Log log;
  const Outcome outcome = run({"log", "cat", "--key", "auditor.pub", log.directory.string()});
  CHECK(outcome.exit_code == 1);
  CHECK(has(outcome.err, "auditor.pub is a public key, which opens nothing; give its .key"));
}

TEST_CASE("log verify says intact, or what is wrong, and exits 1") {
  const Log log;
  const Outcome good = run({"log", "verify", log.directory.string()});
  CHECK(good.exit_code == 0);
  CHECK(good.lines().size() == 2);
  CHECK(has(good.out, "log \"gateway-1\": 3 segments, 12 records, "));
  CHECK(has(good.out, "intact: every frame is in its place\n"));
  CHECK(run({"log", "verify", "--key", log.key.string(), log.directory.string()}).exit_code == 0);

  const Log second;
  const Outcome both = run({"log", "verify", log.directory.string(), second.directory.string()});
  CHECK(both.exit_code == 0);
  CHECK(has(both.out, log.directory.string() + ":\nlog \"gateway-1\": 3 segments"));
  CHECK(has(both.out, second.directory.string() + ":\n"));
  const Log changed;
  std::string segment = read_file(changed.directory / logging::segment_name(1));
  segment[segment.size() / 2] ^= 1;
  write_file(changed.directory / logging::segment_name(1), segment);
  CHECK(has(run({"log", "verify", changed.directory.string()}).out, ": altered: its bytes are not those that were"));
  std::filesystem::remove(log.directory / logging::segment_name(2));
  CHECK(run({"log", "verify", log.directory.string(), second.directory.string()}).exit_code == 1);
  const Outcome bad = run({"log", "verify", log.directory.string()});
  CHECK(bad.exit_code == 1);
  CHECK(has(bad.out, "problem   segment 2: missing: the segment is not there\n"));
  CHECK(has(bad.out, "not intact"));
  const auto lines = run({"log", "verify", "--json", log.directory.string()}).lines();
  REQUIRE(lines.size() == 2);
  CHECK(json::parse(lines[0], nullptr, false)["finding"] == "missing");
  CHECK(json::parse(lines[1], nullptr, false)["good"] == false);
}

TEST_CASE("log verify says of a copy that a gateway was writing what is whole, and what to do; it stays a problem") {
  const Log log;
  const auto cut = [&](std::uint64_t number) {
    const path file = log.directory / logging::segment_name(number);
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 20);
  };
  cut(3);
  const Outcome bad = run({"log", "verify", log.directory.string()});
  CHECK(bad.exit_code == 1);
  CHECK(has(bad.out, "problem   segment 3, frame 4, byte "));
  CHECK(has(bad.out,
            "\nnot intact: its last segment has no clean end; every frame up to there is in its place\n"
            "A copy that was made while the gateway wrote ends like this, and so does a log that was cut short."));
  CHECK(has(run({"log", "verify", "--key", log.key.string(), log.directory.string()}).out,
            "every frame up to there is in its place and sealed with its segment's key\n"));
  std::filesystem::remove(log.directory / logging::segment_name(1));
  CHECK(has(run({"log", "verify", log.directory.string()}).out, "\nnot intact\n"));
}

TEST_CASE("log verify believes the signer that is named, and says how far it signed") {
  const Log log;
  const auto signing = core::crypto::PrivateKey::generate_ed25519();
  auto settings = log_settings(log.directory);
  settings.checkpoints.signer.emplace("gateway-1", signing);
  settings.checkpoints.directory = log.temporary / "kept";
  { logging::SealedLog writer(settings, {reader_key().recipient()}, log.clock); }
  const std::string signer = settings.checkpoints.signer->verifier().text(), directory = log.directory.string();
  write_file(log.temporary / "signer.vkey", signer + "\n");
  const std::string stranger =
      logging::NoteSigner("gateway-1", core::crypto::PrivateKey::generate_ed25519()).verifier().text();

  CHECK(has(run({"log", "verify", directory}).out, "by its own word: " + signer + "\n"));
  const Outcome named = run({"log", "verify", "--signer", signer, "--checkpoints", log.temporary / "kept", directory});
  CHECK(named.exit_code == 0);
  CHECK(has(named.out, "signed up to segment 4, frame 3, at 2026-01-02T"));
  CHECK_FALSE(has(named.out, "own word"));
  CHECK(run({"log", "verify", "--signer", log.temporary / "signer.vkey", directory}).exit_code == 0);
  CHECK(run({"log", "verify", "--since-checkpoint", log.temporary / "kept" / logging::checkpoints_name(4), directory})
            .exit_code == 0);
  const Outcome strange = run({"log", "verify", "--signer", stranger, directory});
  CHECK(strange.exit_code == 1);
  CHECK(has(strange.out, "wrong-signer"));
  CHECK(run({"log", "verify", "--signer", "nonsense", directory}).exit_code == 1);
  const auto lines = run({"log", "verify", "--json", "--signer", signer, directory}).lines();
  const json verdict = json::parse(lines.back(), nullptr, false);
  CHECK(verdict["signed"]["segment"] == 4);
  CHECK(verdict["signers_named"] == true);
}

TEST_CASE("log rewrap exchanges a log's recipients, in steps that can be repeated") {
  const Log log;
  const auto fresh = core::crypto::PrivateKey::generate_p256();
  core::write_private_file(log.temporary / "new.key", fresh.pem().reveal());
  write_file(log.temporary / "new.pub", envelope::Recipient::of(fresh.public_key()).text() + "\n");
  const std::string key = log.key.string(), new_key = log.temporary / "new.key", directory = log.directory.string(),
                    line = log.temporary / "new.pub";
  CHECK(run({"log", "rewrap", "--key", key, directory}).exit_code == 2);
  CHECK(has(run({"log", "rewrap", "--key", key, "--add", line, directory}).out, "3 segments rewrapped, 0 were so"));
  CHECK(has(run({"log", "rewrap", "--key", key, "--add", line, directory}).out, "0 segments rewrapped, 3 were so"));
  const std::string old_id = envelope::Identity::load(log.key, nullptr).recipient().id();
  CHECK(run({"log", "rewrap", "--key", new_key, "--remove", old_id, directory}).exit_code == 0);
  CHECK(log.cat({}).exit_code == 1);
  CHECK(run({"log", "cat", "--key", new_key, directory}).lines().size() == 12);
  CHECK(has(run({"log", "rewrap", "--key", key, "--add", line, directory}).out, "0 segments rewrapped, 3 were so"));
  const Outcome refused = run({"log", "rewrap", "--key", key, "--add", other_key().recipient().text(), directory});
  CHECK(refused.exit_code == 1);
  CHECK(has(refused.err, "segment 1 stays as it was: it is sealed to other keys"));
  {
    logging::SealedLog writer(log_settings(log.directory), {envelope::Recipient::of(fresh.public_key())}, log.clock);
    CHECK(has(run({"log", "rewrap", "--key", new_key, "--add", line, directory}).out, "is being written"));
  }
}

TEST_CASE("log export writes every body, or has the program age encrypt it") {
  std::signal(SIGPIPE, SIG_IGN);  // as main does
  const Log log;
  const std::string key = log.key.string(), directory = log.directory.string(), out = log.temporary / "log.age";
  const Outcome lines = run({"log", "export", "--key", key, directory});
  REQUIRE(lines.lines().size() == 12);
  CHECK(json::parse(lines.lines()[0], nullptr, false)["request_body"] == "the prompt");
  CHECK(run({"log", "export", "--key", key, "--principal", "team-b", directory}).lines().size() == 6);
  CHECK(run({"log", "export", "--key", key, "--out", out, directory}).exit_code == 2);  // in the clear by no option

  // A stand-in: it says how it was called, then what it was given.
  const path programs = log.temporary / "bin";
  std::filesystem::create_directory(programs);
  write_file(programs / "age",
             "#!/bin/sh\n[ $3 = age1bad ] && exit 1\nenv > ${0%/*}/environment\n(echo \"$*\"; cat) > $5\n");
  std::filesystem::permissions(programs / "age", std::filesystem::perms{0700});
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", (programs.string() + ":" + before).c_str(), 1);
  const Outcome done = run({"log", "export", "--key", key, "--age", "age1me", "--out", out, directory});
  const Outcome again = run({"log", "export", "--key", key, "--age", "age1me", "--out", out, directory});
  const Outcome refused = run({"log", "export", "--key", key, "--age", "age1bad", "--out", out + "2", directory});
  ::setenv("PATH", programs.c_str(), 1);
  std::filesystem::remove(programs / "age");
  const Outcome absent = run({"log", "export", "--key", key, "--age", "age1me", "--out", out + "2", directory});
  ::setenv("PATH", before.c_str(), 1);
  CHECK(done.exit_code == 0);
  CHECK(has(read_file(programs / "environment"), "PATH=" + programs.string()));
  CHECK_FALSE(has(read_file(programs / "environment"), "HOME="));  // nor whatever else ours has: secrets, too
  CHECK(read_file(out) == "--encrypt --recipient age1me --output " + out + "\n" + lines.out);
  CHECK(again.exit_code == 1);
  CHECK(refused.exit_code == 1);
  CHECK(has(refused.err, "the program age"));
  CHECK(absent.exit_code == 1);
  CHECK(has(absent.err, "cannot be started"));
}

TEST_CASE("what log export gave to age, age opens again") {
  if (std::system("age --version > /dev/null 2>&1") != 0) return skipped("Debian's package age is not here");
  const Log log;
  const std::string out = log.temporary / "log.age", identity = log.temporary / "identity";
  REQUIRE(std::system(("age-keygen -o " + identity + " 2> /dev/null").c_str()) == 0);
  const std::string text = read_file(identity);
  const auto at = text.find("age1");
  const std::string recipient = text.substr(at, text.find('\n', at) - at);
  REQUIRE(run({"log", "export", "--key", log.key.string(), "--age", recipient, "--out", out, log.directory.string()})
              .exit_code == 0);
  CHECK(read_file(out).find("the prompt") == std::string::npos);
  REQUIRE(std::system(("age -d -i " + identity + " -o " + out + ".open " + out).c_str()) == 0);
  CHECK(read_file(out + ".open") == run({"log", "export", "--key", log.key.string(), log.directory.string()}).out);
}

TEST_CASE("wrong use of log is 2, a directory without a log is 1") {
  const Log log;
  CHECK(run({"log"}).exit_code == 2);
  CHECK(run({"log", "cat", log.directory.string()}).exit_code == 2);
  CHECK(log.cat({"--since", "yesterday"}).exit_code == 2);
  CHECK(run({"log", "verify", (log.temporary / "nowhere").string()}).exit_code == 2);
  std::filesystem::create_directory(log.temporary / "empty");
  const Outcome empty = run({"log", "verify", (log.temporary / "empty").string()});
  CHECK(empty.exit_code == 1);
  CHECK(has(empty.err, "holds no log segment"));
}
