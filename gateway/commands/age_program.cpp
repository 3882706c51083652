#include "gateway/commands/age_program.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace sallyport::gateway {

namespace {

// With no more of an environment than finds it and its plugins: secrets of whoever exports are none of its business.
std::vector<std::string> environment() {
  const char* path = std::getenv("PATH");
  return path == nullptr ? std::vector<std::string>() : std::vector<std::string>{std::string("PATH=") + path};
}

core::Program started(const std::vector<std::string>& recipients, const std::filesystem::path& out, int input) {
  if (!out.empty() && std::filesystem::exists(std::filesystem::symlink_status(out))) {
    throw std::runtime_error(out.string() + " is there already and stays as it is");
  }
  core::ProgramStart start;
  start.words = {"age", "--encrypt"};
  for (const std::string& recipient : recipients) start.words.insert(start.words.end(), {"--recipient", recipient});
  if (!out.empty()) start.words.insert(start.words.end(), {"--output", out.string()});
  start.input = input;
  start.output = STDOUT_FILENO;
  start.environment = environment();
  try {
    return core::Program(start);
  } catch (const std::system_error& error) {
    throw std::runtime_error("the program age cannot be started: " + error.code().message() +
                             "; Debian's package is `age`");
  }
}

}  // namespace

AgeProgram::AgeProgram(const std::vector<std::string>& recipients, const std::filesystem::path& out)
    : program_(started(recipients, out, input_.reading.number())) {
  input_.reading.close();
}

void AgeProgram::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(input_.writing.number(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      throw std::runtime_error("the program age takes no more: " + std::generic_category().message(errno));
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AgeProgram::finish() {
  input_.writing.close();
  const int status = program_.wait();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("the program age did not finish");
}

}  // namespace sallyport::gateway
