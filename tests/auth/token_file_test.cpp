#include "auth/token_file.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <system_error>

#include "auth/policy.hpp"
#include "auth/token_line.hpp"
#include "core/utc_time.hpp"
#include "tests/auth/samples.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/waiting.hpp"

using namespace sallyport;
using namespace sallyport::auth;
using namespace sallyport::auth::test;

namespace {

const std::string id_1 = "tk-0000000000000001";
const std::string id_2 = "tk-0000000000000002";
const std::string hash_1(64, '1');
const std::string hash_2(64, '2');

// A creation's line; `more` is added before the closing brace.
std::string creation(const std::string& id, const std::string& hash, const std::string& more = "") {
  return R"({"version":1,"id":")" + id + R"(","name":"team-a","hash":")" + hash +
         R"(","created":"2026-01-31T12:00:00Z")" + more + "}\n";
}

std::string revocation(const std::string& id, const std::string& at = "2026-02-01T00:00:00Z") {
  return R"({"version":1,"revoke":")" + id + R"(","at":")" + at + "\"}\n";
}

std::string read_all(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

void write_all(const std::filesystem::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary) << text;
}

// One line with exactly this one thing wrong with it.
void check_refused(const std::string& line, const std::string& what) {
  INFO("line: " << line);
  const auto content = parse_token_file(line);
  CHECK(content.tokens.empty());
  REQUIRE(content.problems.size() == 1);
  CHECK(content.problems[0].line == 1);
  INFO("problem: " << content.problems[0].what);
  CHECK(content.problems[0].what.find(what) != std::string::npos);
}

}  // namespace

TEST_CASE("a token that was appended is read back whole") {
  const TemporaryFolder folder;
  Token token = token_for("some text");
  token.expires = noon + 24h;
  token.grant.routes = {"audio*"};
  token.grant.allowance = {.requests_per_minute = 60, .tokens_per_minute = max_per_minute, .concurrent_requests = 4};
  append_token(folder / "tokens", token);

  const auto content = read_token_file(folder / "tokens");
  CHECK(content.problems.empty());
  REQUIRE(content.tokens.size() == 1);
  const Token& read = content.tokens[0];
  CHECK(read.grant.id == token.grant.id);
  CHECK(read.grant.name == "team-a");
  CHECK(read.grant.models == token.grant.models);
  CHECK(read.grant.routes == token.grant.routes);
  CHECK(read.grant.allowance == token.grant.allowance);
  CHECK(read.hash == token.hash);
  CHECK(read.created == token.created);
  CHECK(read.expires == token.expires);
  CHECK_FALSE(read.revoked);
}

TEST_CASE("a token without patterns, end or limits has none") {
  const auto content = parse_token_file(creation(id_1, hash_1));
  CHECK(content.problems.empty());
  REQUIRE(content.tokens.size() == 1);
  CHECK(content.tokens[0].grant.models.empty());
  CHECK(content.tokens[0].grant.routes.empty());
  CHECK(content.tokens[0].grant.allowance == Allowance{});
  CHECK_FALSE(content.tokens[0].expires);
}

TEST_CASE("the file never holds the token") {
  const TemporaryFolder folder;
  const core::Secret text = make_token_text();
  append_token(folder / "tokens", token_for(text.reveal_text()));
  CHECK(read_all(folder / "tokens").find(text.reveal_text().substr(3, 20)) == std::string::npos);
}

TEST_CASE("a revocation marks the token that was created before it, and the first one counts") {
  const auto content = parse_token_file(creation(id_1, hash_1) + creation(id_2, hash_2) + revocation(id_1) +
                                        revocation(id_1, "2026-03-01T00:00:00Z"));
  CHECK(content.problems.empty());
  REQUIRE(content.tokens.size() == 2);
  CHECK(content.tokens[0].revoked == core::parse_utc("2026-02-01T00:00:00Z"));
  CHECK_FALSE(content.tokens[1].revoked);
}

TEST_CASE("a revocation of what was refused for another's hash touches no other token") {
  const std::string copied = creation(id_1, hash_1) + creation(id_2, hash_1) + revocation(id_2);
  CHECK(parse_token_file(copied).tokens.size() == 1);
  const auto content = parse_token_file(copied + creation("tk-0000000000000003", hash_2) + revocation(id_2));
  REQUIRE(content.problems.size() == 3);
  CHECK(content.problems[0].line == 2);
  CHECK(content.problems[1].line == 3);
  CHECK(content.problems[2].line == 5);
  REQUIRE(content.tokens.size() == 2);
  CHECK_FALSE(content.tokens[0].revoked);
  CHECK_FALSE(content.tokens[1].revoked);
}

TEST_CASE("an empty file and blank lines are no problem") {
  CHECK(parse_token_file("").problems.empty());
  CHECK(parse_token_file("\n\r\n \t\n").problems.empty());
  CHECK(parse_token_file("\n" + creation(id_1, hash_1) + "\n").tokens.size() == 1);
}

TEST_CASE("the last line needs no line's end") {
  std::string text = creation(id_1, hash_1);
  text.pop_back();
  CHECK(parse_token_file(text).tokens.size() == 1);
}

TEST_CASE("each wrong line is refused with what is wrong") {
  check_refused("not json\n", "not one JSON object");
  check_refused("[]\n", "not one JSON object");
  check_refused("null\n", "not one JSON object");
  check_refused(creation(id_1, hash_1).substr(0, 40) + "\n", "not one JSON object");
  check_refused("{} {}\n", "not one JSON object");
  check_refused("{\"a\":\"\xff\"}\n", "not one JSON object");
  check_refused(R"({"version":1,"a":[[1]]})", "nested too deeply");
  check_refused(R"({"version":1,"a":{"b":{}}})", "nested too deeply");
  check_refused(R"({"version":1,"version":1})", "occurs twice");
  check_refused(R"({"version":1,"limits":{"x":1,"x":2}})", "occurs twice");
  check_refused("{}", "\"version\" is missing");
  check_refused(R"({"version":2})", "\"version\" must be 1");
  check_refused(R"({"version":"1"})", "\"version\" must be 1");
  check_refused(R"({"version":1.0})", "\"version\" must be 1");
  check_refused(creation("tk-1", hash_1), "\"id\" must be");
  check_refused(creation("tk-000000000000000G", hash_1), "\"id\" must be");
  check_refused(creation("TK-0000000000000001", hash_1), "\"id\" must be");
  check_refused(creation(id_1, hash_1.substr(1)), "\"hash\" must be");
  check_refused(creation(id_1, std::string(64, 'A')), "\"hash\" must be");
  check_refused(creation(id_1, hash_1, R"(,"expires":null)"), "\"expires\" must be");
  check_refused(creation(id_1, hash_1, R"(,"expires":"tomorrow")"), "\"expires\" must be");
  check_refused(creation(id_1, hash_1, R"(,"expires":"2026-02-30T00:00:00Z")"), "\"expires\" must be");
  check_refused(creation(id_1, hash_1, R"(,"models":"llama")"), "\"models\" must be");
  check_refused(creation(id_1, hash_1, R"(,"models":["ll*ma"])"), "\"models\" must be");
  check_refused(creation(id_1, hash_1, R"(,"models":[1])"), "\"models\" must be");
  check_refused(creation(id_1, hash_1, R"(,"routes":["a\u001b[2J"])"), "\"routes\" must be");
  check_refused(creation(id_1, hash_1, R"(,"limits":[])"), "\"limits\" must be");
  check_refused(creation(id_1, hash_1, R"(,"limits":{"requests_per_minute":0})"), "from 1 to");
  check_refused(creation(id_1, hash_1, R"(,"limits":{"requests_per_minute":-1})"), "from 1 to");
  check_refused(creation(id_1, hash_1, R"(,"limits":{"tokens_per_minute":1.5})"), "from 1 to");
  check_refused(creation(id_1, hash_1, R"(,"limits":{"tokens_per_minute":"9"})"), "from 1 to");
  check_refused(creation(id_1, hash_1, R"(,"limits":{"rpm":9})"), "\"rpm\" is not known");
  check_refused(creation(id_1, hash_1, R"(,"scope":"all")"), "\"scope\" is not known");
  check_refused(revocation(id_1), "not created before");
  check_refused(R"({"version":1,"revoke":"tk-0000000000000001"})", "\"at\" is missing");
}

TEST_CASE("a line of both kinds is refused") {
  const auto content = parse_token_file(creation(id_1, hash_1, R"(,"revoke":"tk-0000000000000001")"));
  CHECK(content.tokens.empty());
  CHECK_FALSE(content.problems.empty());
}

TEST_CASE("each limit of a token is taken at its most and refused one over") {
  const auto with = [](const char* name, std::uint64_t value) {
    return parse_token_file(
        creation(id_1, hash_1, ",\"limits\":{\"" + std::string(name) + "\":" + std::to_string(value) + "}"));
  };
  CHECK(with("requests_per_minute", max_per_minute).problems.empty());
  CHECK_FALSE(with("requests_per_minute", max_per_minute + 1).problems.empty());
  CHECK(with("tokens_per_minute", max_per_minute).problems.empty());
  CHECK_FALSE(with("tokens_per_minute", max_per_minute + 1).problems.empty());
  CHECK(with("concurrent_requests", max_concurrent).problems.empty());
  CHECK_FALSE(with("concurrent_requests", max_concurrent + 1).problems.empty());
  CHECK_FALSE(with("concurrent_requests", UINT64_MAX).problems.empty());
}

TEST_CASE("a list may hold as many patterns as the limit and not one more") {
  const auto with = [](std::size_t count) {
    std::string list = "\"a*\"";
    for (std::size_t i = 1; i < count; ++i) list += ",\"a*\"";
    return parse_token_file(creation(id_1, hash_1, ",\"models\":[" + list + "]"));
  };
  CHECK(with(max_patterns).problems.empty());
  CHECK_FALSE(with(max_patterns + 1).problems.empty());
}

TEST_CASE("a line may be as long as the limit and not one longer") {
  const std::string line = creation(id_1, hash_1);
  const std::string spaces(max_token_line_size - line.size() + 1, ' ');
  CHECK(parse_token_file(line.substr(0, line.size() - 1) + spaces + "\n").problems.empty());
  CHECK_FALSE(parse_token_file(line.substr(0, line.size() - 1) + spaces + " \n").problems.empty());
}

TEST_CASE("the largest token that is allowed fits into a line") {
  const TemporaryFolder folder;
  Token token = token_for("text", std::string(max_name_size, 'n'));
  token.grant.models.assign(max_patterns, std::string(max_pattern_size, '"'));
  token.grant.routes.assign(max_patterns, std::string(max_pattern_size, '"'));
  append_token(folder / "tokens", token);
  CHECK(read_token_file(folder / "tokens").tokens.size() == 1);
}

TEST_CASE("the same id or the same hash twice is a problem at the second line") {
  const auto ids = parse_token_file(creation(id_1, hash_1) + creation(id_1, hash_2));
  REQUIRE(ids.problems.size() == 1);
  CHECK(ids.problems[0].line == 2);
  const auto hashes = parse_token_file(creation(id_1, hash_1) + creation(id_2, hash_1));
  REQUIRE(hashes.problems.size() == 1);
  CHECK(hashes.problems[0].line == 2);
}

TEST_CASE("all problems of a line and of a file are reported at once, each with its line") {
  const auto content =
      parse_token_file("\n{\"version\":1,\"name\":\"a b\",\"x\":1}\n" + creation(id_1, hash_1) + "?\n");
  CHECK(content.tokens.size() == 1);
  REQUIRE(content.problems.size() == 6);  // id, name, hash, created, x; and the last line
  for (std::size_t i = 0; i < 5; ++i) CHECK(content.problems[i].line == 2);
  CHECK(content.problems[5].line == 4);
}

TEST_CASE("a file of nothing but problems is reported up to the limit") {
  std::string text;
  for (std::size_t i = 0; i < 100'000; ++i) text += "?\n";
  CHECK(parse_token_file(text).problems.size() == max_problems);
}

TEST_CASE("problems repeat no value of the file and no control character") {
  const core::Secret pasted = make_token_text();
  const std::string token(pasted.reveal_text());
  const std::string text = token + "\n" + creation(id_1, token) + creation(token, hash_1) +
                           creation(id_1, hash_1, ",\"\\u001b[2J\\u009b\":\"" + token + "\"") +
                           creation(id_1, hash_1, ",\"" + token + "\":1");
  const auto content = parse_token_file(text);
  CHECK(content.problems.size() == 5);
  for (const auto& problem : content.problems) {
    CHECK(problem.what.find(token) == std::string::npos);
    CHECK(std::ranges::all_of(problem.what, [](char c) { return c >= ' ' && c <= '~'; }));
  }
}

TEST_CASE("a hostile line costs no more than its bytes and ends nothing") {
  const std::string deep(max_token_line_size / 2, '[');
  CHECK_FALSE(parse_token_file(deep).problems.empty());
  std::string objects;
  for (std::size_t i = 0; i < max_token_line_size / 8; ++i) objects += "{\"a\":";
  CHECK_FALSE(parse_token_file(objects).problems.empty());
  CHECK_FALSE(parse_token_file(std::string(1 << 20, '{')).problems.empty());
  CHECK_FALSE(parse_token_file(std::string(1 << 20, '\0')).problems.empty());
  CHECK_FALSE(parse_token_file(creation(id_1, hash_1, R"(,"limits":{"tokens_per_minute":1e999})")).problems.empty());
}

TEST_CASE("a file that is cut anywhere gives either whole tokens or a problem") {
  const std::string text = creation(id_1, hash_1) + creation(id_2, hash_2) + revocation(id_2);
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto content = parse_token_file(std::string_view(text).substr(0, size));
    const bool at_line_end = size == 0 || text[size - 1] == '\n' || text[size] == '\n';
    INFO("cut after " << size);
    CHECK(content.problems.empty() == at_line_end);
    for (const Token& token : content.tokens) CHECK(token.grant.name == "team-a");
  }
}

TEST_CASE("any byte of the file may be changed without harm") {
  const std::string text = creation(id_1, hash_1, R"(,"models":["llama*"],"limits":{"tokens_per_minute":9})");
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'\0', '"', '}', '\n', '\x80', '9', ' '}) {
      std::string changed = text;
      changed[i] = c;
      const auto content = parse_token_file(changed);
      CHECK(content.tokens.size() + content.problems.size() >= 1);
    }
  }
}

TEST_CASE("a new file can be read by its owner alone") {
  const TemporaryFolder folder;
  const mode_t before = ::umask(0);
  append_token(folder / "tokens", token_for("text"));
  ::umask(before);
  struct stat status {};
  REQUIRE(::stat((folder / "tokens").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("an append leaves what was there and begins on a line of its own") {
  const TemporaryFolder folder;
  write_all(folder / "tokens", creation(id_1, hash_1) + "{\"version\":1,\"id\":\"tk-00");
  append_revocation(folder / "tokens", id_1, noon);
  const auto content = read_token_file(folder / "tokens");
  REQUIRE(content.tokens.size() == 1);
  CHECK(content.tokens[0].revoked == noon);
  REQUIRE(content.problems.size() == 1);
  CHECK(content.problems[0].line == 2);
}

TEST_CASE("what could not be read back is not written") {
  const TemporaryFolder folder;
  Token token = token_for("text");
  token.grant.name = "two words";
  CHECK_THROWS_AS(append_token(folder / "tokens", token), std::invalid_argument);
  CHECK_THROWS_AS(append_revocation(folder / "tokens", "team-a", noon), std::invalid_argument);
  CHECK_FALSE(std::filesystem::exists(folder / "tokens"));
}

TEST_CASE("a file that cannot be opened is named in the failure") {
  const TemporaryFolder folder;
  const auto missing = folder / "missing";
  try {
    read_token_file(missing);
    FAIL("no failure");
  } catch (const std::system_error& error) {
    CHECK(std::string(error.what()).find(missing.string()) != std::string::npos);
    CHECK(error.code() == std::errc::no_such_file_or_directory);
  }
  CHECK_THROWS_AS(append_token(folder / "no/such/folder", token_for("text")), std::system_error);
  CHECK_THROWS_AS(read_token_file(folder / ""), std::system_error);
  CHECK_THROWS_AS(read_token_file("/dev/zero"), std::system_error);
}

TEST_CASE("a pipe in the file's place is refused without waiting for it") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_AS(read_token_file(folder / "pipe"), std::system_error);
  CHECK_THROWS_AS(append_token(folder / "pipe", token_for("text")), std::system_error);
}

TEST_CASE("processes that append and read at once see whole lines only") {
  const TemporaryFolder folder;
  const auto file = folder / "tokens";
  constexpr int processes = 4, each = 25;
  append_token(file, token_for("first"));
  for (int p = 0; p < processes; ++p) {
    if (::fork() != 0) continue;
    for (int i = 0; i < each; ++i) append_token(file, token_for(std::to_string(p * each + i)));
    ::_exit(0);
  }
  for (int i = 0; i < each; ++i) CHECK(read_token_file(file).problems.empty());
  for (int p = 0; p < processes; ++p) {
    int status = -1;
    ::wait(&status);
    CHECK(status == 0);
  }
  const auto content = read_token_file(file);
  CHECK(content.problems.empty());
  CHECK(content.tokens.size() == 1 + processes * each);
}

// As the kernel tells it: "2: -> FLOCK  ADVISORY  WRITE 4711 …".
static bool waits_for_a_lock(pid_t process) {
  std::ifstream locks("/proc/locks");
  const std::string of_process = " " + std::to_string(process) + " ";
  for (std::string line; std::getline(locks, line);) {
    if (line.find("-> FLOCK") != line.npos && line.find(of_process) != line.npos) return true;
  }
  return false;
}

TEST_CASE("an append waits for whoever holds the file's lock") {
  const TemporaryFolder folder;
  const auto file = folder / "tokens";
  append_token(file, token_for("first"));
  const std::string before = read_all(file);
  const int holder = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(::flock(holder, LOCK_EX) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(holder);  // a fork shares the lock
    append_token(file, token_for("second"));
    ::_exit(0);
  }
  REQUIRE(tests::eventually([&] { return waits_for_a_lock(child); }));
  CHECK(read_all(file) == before);
  ::close(holder);
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(read_token_file(file).tokens.size() == 2);
}

TEST_CASE("whoever keeps the file locked does not keep it from being read") {
  const TemporaryFolder folder;
  const auto file = folder / "tokens";
  const Token token = token_for("first");
  append_token(file, token);
  append_revocation(file, token.grant.id, noon);
  const int holder = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(::flock(holder, LOCK_EX) == 0);
  for (const bool half_a_line : {false, true}) {
    if (half_a_line) std::ofstream(file, std::ios::app) << creation(id_1, hash_1).substr(0, 40);
    const auto content = read_token_file(file);
    CHECK(content.problems.empty());
    REQUIRE(content.tokens.size() == 1);
    CHECK(content.tokens[0].revoked);
  }
  ::close(holder);
  CHECK(read_token_file(file).problems.size() == 1);
}

TEST_CASE("a disk without room leaves the file as it was") {
  // Writing to /dev/full would not be a regular file; a file size limit makes write() fail the same way.
  const TemporaryFolder folder;
  const auto file = folder / "tokens";
  append_token(file, token_for("first"));
  const std::string before = read_all(file);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{before.size() + 10, before.size() + 10};  // room for a part of the line
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      append_token(file, token_for("second"));
    } catch (const std::system_error& error) {
      ::_exit(error.code() == std::errc::file_too_large ? 0 : 1);
    }
    ::_exit(2);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(read_all(file) == before);
}
