// Other programs: run to their end, or started and looked after. Children are only ever ended by their own id.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_directory.hpp"
#include "tests/support/waiting.hpp"

namespace sallyport::tests {

struct Finished {
  int exit_code = -1;  // 128 + the signal's number when one ended it
  std::string out;
  std::string errors;
};

// What a program is started with. Its standard output and errors go to files; an empty path leaves it this process's.
struct Launch {
  std::vector<std::string> command;  // found on PATH when its name has no slash
  path out = "/dev/null";
  path errors = "/dev/null";
  path input = "/dev/null";
  path directory{};                        // empty: this process's
  std::vector<std::string> environment{};  // "NAME=VALUE", beside and before this process's
};

class ChildProcess {
 public:
  explicit ChildProcess(const Launch& launch);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();  // SIGKILL, if it still runs

  pid_t id() const noexcept { return id_; }
  void signal(int number) const;
  // Its exit code, as in Finished; nothing when it still runs at the limit.
  std::optional<int> wait(Milliseconds limit = patience);
  bool running();
  // Resident memory in KiB, threads, and open file descriptors, from /proc.
  long resident_kib() const;
  long threads() const;
  std::size_t open_descriptors() const;

 private:
  long status(std::string_view name) const;

  pid_t id_ = -1;
  std::optional<int> exit_code_;
};

// Throws when the program does not end within the limit.
Finished run(const std::vector<std::string>& command, std::string_view input = "", Milliseconds limit = 60s);

}  // namespace sallyport::tests
