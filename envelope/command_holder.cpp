#include "envelope/command_holder.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <system_error>

#include "core/base64.hpp"

namespace sallyport::envelope {

namespace {

using Clock = std::chrono::steady_clock;

std::string errno_words(int number = errno) { return std::generic_category().message(number); }

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  int number() const noexcept { return number_; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

struct Pipe {
  Pipe() : Pipe(made()) {}
  Descriptor reading, writing;

 private:
  explicit Pipe(std::array<int, 2> ends) : reading(ends[0]), writing(ends[1]) {}
  static std::array<int, 2> made() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw HolderFailed("no pipe: " + errno_words());
    return ends;
  }
};

// A started program; killed and waited for if it still runs at the end of the scope.
class Program {
 public:
  Program(const std::filesystem::path& file, const std::vector<std::string>& arguments, int input, int output) {
    std::vector<char*> words = {const_cast<char*>(file.c_str())};
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    const int failed = ::posix_spawn(&id_, file.c_str(), &actions, nullptr, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw HolderFailed(file.string() + " cannot be started: " + errno_words(failed));
    end_ = static_cast<int>(::syscall(SYS_pidfd_open, id_, 0));  // glibc 2.36 declares pidfd_open for C alone
    if (end_ >= 0) return;
    stop();
    throw HolderFailed(file.string() + " cannot be watched: " + errno_words());
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (end_ >= 0) ::close(end_);
    if (id_ >= 0) stop();
  }

  // Readable once it has ended.
  int end() const noexcept { return end_; }

  // As waitpid gives it.
  int wait() {
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    id_ = -1;
    return status;
  }

 private:
  void stop() {
    ::kill(id_, SIGKILL);
    wait();
  }

  pid_t id_ = -1;
  int end_ = -1;
};

// False when the deadline passes first.
bool readable(int descriptor, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd wait{descriptor, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(left > 0 ? left : 0));
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) throw HolderFailed("no answer can be waited for: " + errno_words());
  }
}

enum class Reading : std::uint8_t { done, too_much, too_late };

// All that comes, at most as much as `room` holds. `size` says how much that was.
Reading read_all(int descriptor, core::Secret& room, std::size_t& size, Clock::time_point deadline) {
  for (;;) {
    if (!readable(descriptor, deadline)) return Reading::too_late;
    const core::MutableBytes rest = room.reveal_for_writing().subspan(size);
    if (rest.empty()) return Reading::too_much;
    const ssize_t got = ::read(descriptor, rest.data(), rest.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Reading::done;
    size += static_cast<std::size_t>(got);
  }
}

std::string seconds(std::chrono::milliseconds time) {
  const auto whole = std::to_string(time.count() / 1000), part = std::to_string(time.count() % 1000 / 100);
  return whole + (part == "0" ? "" : "." + part) + " s";
}

}  // namespace

CommandHolder::CommandHolder(std::filesystem::path program, std::chrono::milliseconds deadline)
    : program_(std::move(program)), deadline_(deadline) {
  if (!program_.is_absolute()) throw HolderFailed(program_.string() + " is no absolute path to a program");
  if (!std::filesystem::is_regular_file(program_)) throw HolderFailed("there is no program " + program_.string());
  if (::access(program_.c_str(), X_OK) != 0) throw HolderFailed(program_.string() + " may not be run by this user");
}

core::Result<core::Secret> CommandHolder::unwrap(const Stanza& stanza, core::ConstBytes context) {
  if (stanza.wrapped.empty() || stanza.wrapped.size() > maximum_wrapped_size) {
    return core::Error{core::Reason::envelope_malformed};
  }
  const auto deadline = Clock::now() + deadline_;
  Pipe input, output;
  // An empty pipe takes this much at once, so nobody waits for the program to read, nor minds when it does not.
  static_assert(maximum_wrapped_size <= PIPE_BUF);
  const ssize_t written = ::write(input.writing.number(), stanza.wrapped.data(), stanza.wrapped.size());
  if (written != static_cast<ssize_t>(stanza.wrapped.size())) throw HolderFailed("a pipe is full: " + errno_words());
  Program program(program_, {std::string(name(stanza.suite)), stanza.recipient_id, core::to_hex(context)},
                  input.reading.number(), output.writing.number());
  input.reading.close();
  input.writing.close();
  output.writing.close();

  core::Secret room(maximum_data_key_size + 1);
  std::size_t size = 0;
  const Reading reading = read_all(output.reading.number(), room, size, deadline);
  if (reading == Reading::too_much) throw HolderFailed(program_.string() + " gave more than a data key");
  if (reading == Reading::too_late || !readable(program.end(), deadline)) {
    throw HolderFailed(program_.string() + " did not end within " + seconds(deadline_));
  }
  if (const core::Error error = judge(program.wait()); error.reason != core::Reason::none) return error;
  if (size == 0) throw HolderFailed(program_.string() + " gave no data key");
  return core::Secret(room.reveal().first(size));
}

core::Error CommandHolder::judge(int status) const {
  if (WIFSIGNALED(status)) {
    throw HolderFailed(program_.string() + " was ended by signal " + std::to_string(WTERMSIG(status)));
  }
  switch (WEXITSTATUS(status)) {
    case 0:
      return core::Reason::none;
    case command_not_mine:
      return core::Reason::key_mismatch;
    case command_not_authentic:
      return core::Reason::not_authentic;
    default:
      throw HolderFailed(program_.string() + " failed with exit status " + std::to_string(WEXITSTATUS(status)));
  }
}

}  // namespace sallyport::envelope
