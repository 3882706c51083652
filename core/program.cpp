#include "core/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <string_view>
#include <system_error>

namespace sallyport::core {

namespace {

[[noreturn]] void fail(int number) { throw std::system_error(number, std::generic_category()); }

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

// What the program starts with: its standard streams and no other descriptor, because Asio opens and accepts sockets
// without SOCK_CLOEXEC; and default signal handling, whatever this process ignores or blocks.
class SpawnPlan {
 public:
  explicit SpawnPlan(const ProgramStart& start) {
    ::posix_spawn_file_actions_init(&actions_);
    stream(start.input, STDIN_FILENO, O_RDONLY);
    stream(start.output, STDOUT_FILENO, O_WRONLY);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, usual;
    ::sigemptyset(&none);
    ::sigemptyset(&usual);
    ::sigaddset(&usual, SIGPIPE);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &usual);
    const int group = start.own_group ? POSIX_SPAWN_SETPGROUP : 0;
    ::posix_spawnattr_setflags(&attributes_,
                               static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group));
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawnattr_destroy(&attributes_);
    ::posix_spawn_file_actions_destroy(&actions_);
  }

  const posix_spawn_file_actions_t* actions() const noexcept { return &actions_; }
  const posix_spawnattr_t* attributes() const noexcept { return &attributes_; }

 private:
  void stream(int from, int to, int flags) {
    if (from >= 0) {
      ::posix_spawn_file_actions_adddup2(&actions_, from, to);
    } else {
      ::posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", flags, 0);
    }
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Pipe::Pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno);
  reading = Descriptor(ends[0]);
  writing = Descriptor(ends[1]);
}

bool Pipe::fill(ConstBytes content) noexcept {
  if (content.size() > PIPE_BUF) return false;
  return ::write(writing.number(), content.data(), content.size()) == static_cast<ssize_t>(content.size());
}

std::vector<std::string> environment_without(const std::vector<std::string>& names) {
  std::vector<std::string> kept;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const bool named = std::ranges::find(names, text.substr(0, text.find('='))) != names.end();
    if (!named) kept.emplace_back(text);
  }
  return kept;
}

Program::Program(const ProgramStart& start) : own_group_(start.own_group) {
  const SpawnPlan plan(start);
  const std::vector<char*> words = pointers(start.words);
  std::vector<char*> given;
  if (start.environment) given = pointers(*start.environment);
  char* const* environment = start.environment ? given.data() : environ;
  const int failed = ::posix_spawnp(&id_, words.front(), plan.actions(), plan.attributes(), words.data(), environment);
  if (failed != 0) fail(failed);
  end_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, id_, 0)));  // glibc 2.36 declares it only for C
  if (end_.number() >= 0) return;
  const int reason = errno;
  stop();
  fail(reason);
}

Program::~Program() {
  if (id_ >= 0) stop();
}

int Program::wait() {
  siginfo_t ended;
  while (own_group_ && ::waitid(P_PID, static_cast<id_t>(id_), &ended, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
  if (own_group_) ::kill(-id_, SIGKILL);  // before waitpid(2): after it the id may be another process group's
  int status = W_EXITCODE(255, 0);        // a failure: where SIGCHLD is ignored, the system reports no status
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
  return status;
}

void Program::stop() {
  ::kill(own_group_ ? -id_ : id_, SIGKILL);
  wait();
}

bool wait_readable(int descriptor, std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd wait{descriptor, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX)));
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) fail(errno);
  }
}

}  // namespace sallyport::core
