#include "gateway/age_program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace sallyport::gateway {

namespace {

std::string words(int number) { return std::generic_category().message(number); }

}  // namespace

AgeProgram::AgeProgram(const std::vector<std::string>& recipients, const std::filesystem::path& out) {
  if (!out.empty() && std::filesystem::exists(std::filesystem::symlink_status(out))) {
    throw std::runtime_error(out.string() + " is there already and stays as it is");
  }
  std::vector<std::string> words_of_call = {"age", "--encrypt"};
  for (const std::string& recipient : recipients) words_of_call.insert(words_of_call.end(), {"--recipient", recipient});
  if (!out.empty()) words_of_call.insert(words_of_call.end(), {"--output", out.string()});
  std::vector<char*> arguments;
  for (std::string& word : words_of_call) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe: " + words(errno));
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
  const int failed = ::posix_spawnp(&id_, "age", &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[0]);
  input_ = ends[1];
  if (failed == 0) return;
  id_ = -1;
  close_input();
  throw std::runtime_error("the program age cannot be started: " + words(failed) + "; Debian's package is `age`");
}

AgeProgram::~AgeProgram() {
  if (id_ < 0) return;
  ::kill(id_, SIGTERM);  // before its input ends, or it would make a whole file of half an export
  close_input();
  ::waitpid(id_, nullptr, 0);
}

void AgeProgram::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(input_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw std::runtime_error("the program age takes no more: " + words(errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AgeProgram::finish() {
  close_input();
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("the program age did not finish");
}

void AgeProgram::close_input() noexcept {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
}

}  // namespace sallyport::gateway
