// Starts another program without a shell, waits for its end, and makes the pipes to it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/descriptor.hpp"

namespace sallyport::core {

// A started program inherits an end of a pipe only as one of its standard streams.
struct Pipe {
  Pipe();  // throws std::system_error

  // Writes to an empty pipe, which takes up to PIPE_BUF bytes at once, so that the call needs no reader and does not
  // wait. False for more than PIPE_BUF bytes, and when the pipe did not take all of them.
  bool fill(ConstBytes content) noexcept;

  Descriptor reading, writing;
};

// This process's environment as "NAME=value", without the variables of these names.
std::vector<std::string> environment_without(const std::vector<std::string>& names);

struct ProgramStart {
  std::vector<std::string> words;  // the program's path, or a name to look up in PATH; then its arguments
  int input = -1, output = -1;     // its standard input and output; -1: /dev/null. Standard error is inherited
  std::optional<std::vector<std::string>> environment;  // "NAME=value"; absent: inherited
  // A process group for it and all that it starts: what it leaves behind is killed, and no terminal signal reaches it.
  bool own_group = false;
};

// A started program. It inherits no descriptor but its three standard streams. If it still runs when this object is
// destroyed, it is killed and waited for.
class Program {
 public:
  explicit Program(const ProgramStart& start);  // throws std::system_error with the errno
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  // A pidfd, which becomes readable when the program has ended. This object owns it.
  int end_descriptor() const noexcept { return end_.number(); }
  // Blocks until the program has ended, then kills what is left of its own group. Gives the status of waitpid(2), or
  // one that means failure when waitpid(2) gives none. Call it once.
  int wait();

 private:
  void stop();

  const bool own_group_;
  pid_t id_ = -1;
  Descriptor end_;
};

// Blocks until the descriptor has something to read or has reached its end. False when the deadline passes first.
// Throws std::system_error.
bool wait_readable(int descriptor, std::chrono::steady_clock::time_point deadline);

}  // namespace sallyport::core
