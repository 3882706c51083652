#include "core/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "tests/support/catch.hpp"

using namespace sallyport::core;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

// All that comes until nobody can write any more, or what there is when that takes ten seconds.
std::string read_to_end(const Pipe& pipe, bool& ended) {
  std::string text;
  std::array<char, 256> room{};
  const auto deadline = steady_clock::now() + seconds(10);
  while (wait_readable(pipe.reading.number(), deadline)) {
    const ssize_t got = ::read(pipe.reading.number(), room.data(), room.size());
    ended = got == 0;
    if (got <= 0) break;
    text.append(room.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

TEST_CASE("a program that is started inherits its three streams and nothing else") {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));  // as Asio opens one: without SOCK_CLOEXEC
  const Descriptor far(::fcntl(socket.number(), F_DUPFD, 200));
  REQUIRE(far.number() >= 200);
  Pipe output;
  ProgramStart start;
  start.words = {"/bin/ls", "/proc/self/fd"};
  start.output = output.writing.number();
  Program program(start);
  output.writing.close();
  bool ended = false;
  CHECK(read_to_end(output, ended) == "0\n1\n2\n3\n");  // 3 is the directory that ls reads
  CHECK(program.wait() == 0);
}

TEST_CASE("our environment is given without what is named, and nothing that only begins so") {
  ::setenv("TEST_SECRET", "canary", 1);
  ::setenv("TEST_SECRETS", "kept", 1);
  const auto all = environment_without({}), some = environment_without({"TEST_SECRET", "TEST_NONE"});
  ::unsetenv("TEST_SECRET");
  ::unsetenv("TEST_SECRETS");
  CHECK(std::ranges::count(all, "TEST_SECRET=canary") == 1);
  CHECK(std::ranges::count(some, "TEST_SECRETS=kept") == 1);
  CHECK(some.size() + 1 == all.size());
  CHECK(std::ranges::count(some, "TEST_SECRET=canary") == 0);
}

TEST_CASE("no shell looks at what a program is given") {
  const std::string sly = "$(touch canary); `touch canary` *";
  Pipe output;
  ProgramStart start;
  start.words = {"printf", "%s", sly};
  start.output = output.writing.number();
  Program program(start);
  output.writing.close();
  bool ended = false;
  CHECK(read_to_end(output, ended) == sly);
  CHECK(program.wait() == 0);
}

TEST_CASE("what a program with a group of its own leaves behind ends with it, and its exit status is its own") {
  Pipe output;
  ProgramStart start;
  start.words = {"/bin/sh", "-c", "sleep 60 & printf started; exit 7"};
  start.output = output.writing.number();
  start.own_group = true;
  Program program(start);
  output.writing.close();
  const int status = program.wait();
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
  bool ended = false;  // not before `sleep`, which holds the other end, is gone
  CHECK(read_to_end(output, ended) == "started");
  CHECK(ended);
}

TEST_CASE("a program whose end the system keeps to itself has not succeeded") {
  struct IgnoredEnds {
    IgnoredEnds() : before(::signal(SIGCHLD, SIG_IGN)) {}
    ~IgnoredEnds() { ::signal(SIGCHLD, before); }
    sighandler_t before;
  } const as_some_parents_leave_it;
  for (const bool own_group : {false, true}) {
    ProgramStart start;
    Pipe input;
    start.words = {"/bin/sh", "-c", "read line; exit 3"};
    start.input = input.reading.number();
    start.own_group = own_group;
    Program program(start);
    input.writing.close();
    CHECK(program.wait() != 0);
  }
}
