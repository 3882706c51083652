#include "tests/support/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

namespace sallyport::tests {
namespace {

// posix_spawn's two attribute objects, freed with their scope.
struct SpawnSettings {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  void open(int descriptor, const path& file, int flags) {
    if (!file.empty()) ::posix_spawn_file_actions_addopen(&files, descriptor, file.c_str(), flags, 0600);
  }
};

}  // namespace

ChildProcess::ChildProcess(const Launch& launch) {
  SpawnSettings settings;
  settings.open(0, launch.input, O_RDONLY);
  settings.open(1, launch.out, O_WRONLY | O_CREAT | O_APPEND);
  settings.open(2, launch.errors, O_WRONLY | O_CREAT | O_APPEND);
  if (!launch.directory.empty()) {
    ::posix_spawn_file_actions_addchdir_np(&settings.files, launch.directory.c_str());
  }
  // This process ignores SIGPIPE; a program under test must look after that itself.
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&settings.attributes, &defaults);
  ::posix_spawnattr_setflags(&settings.attributes, POSIX_SPAWN_SETSIGDEF);

  std::vector<char*> arguments;
  for (const std::string& word : launch.command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::vector<char*> variables;
  for (const std::string& variable : launch.environment) variables.push_back(const_cast<char*>(variable.c_str()));
  for (char** inherited = environ; *inherited != nullptr; ++inherited) variables.push_back(*inherited);
  variables.push_back(nullptr);
  const int failed =
      ::posix_spawnp(&id_, arguments[0], &settings.files, &settings.attributes, arguments.data(), variables.data());
  if (failed != 0) throw std::runtime_error(launch.command[0] + ": " + std::strerror(failed));
}

ChildProcess::~ChildProcess() {
  if (!running()) return;
  signal(SIGKILL);
  wait();
}

void ChildProcess::signal(int number) const {
  if (!exit_code_) ::kill(id_, number);
}

bool ChildProcess::running() { return !wait(0ms); }

std::optional<int> ChildProcess::wait(Milliseconds limit) {
  const auto ended = [this] {
    if (exit_code_) return true;
    int status = 0;
    if (::waitpid(id_, &status, WNOHANG) != id_) return false;
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
  };
  eventually(ended, limit);
  return exit_code_;
}

long ChildProcess::status(std::string_view name) const {
  const std::string status = read_file("/proc/" + std::to_string(id_) + "/status");
  const std::size_t at = status.find(name);
  return at == std::string::npos ? 0 : std::strtol(status.c_str() + at + name.size(), nullptr, 10);
}

long ChildProcess::resident_kib() const { return status("VmRSS:"); }
long ChildProcess::threads() const { return status("Threads:"); }

std::size_t ChildProcess::open_descriptors() const {
  std::filesystem::directory_iterator entries("/proc/" + std::to_string(id_) + "/fd"), end;
  return static_cast<std::size_t>(std::distance(entries, end));
}

Finished run(const std::vector<std::string>& command, std::string_view input, Milliseconds limit) {
  const TemporaryDirectory directory;
  write_file(directory / "in", input);
  ChildProcess child({command, directory / "out", directory / "errors", directory / "in"});
  const auto exit_code = child.wait(limit);
  if (!exit_code) throw std::runtime_error(command[0] + " did not end in time");
  return {*exit_code, read_file(directory / "out"), read_file(directory / "errors")};
}

}  // namespace sallyport::tests
