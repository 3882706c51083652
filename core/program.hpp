// Another program, started without a shell and watched until it ends, and the pipes that lead to it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/descriptor.hpp"

namespace sallyport::core {

// Not inherited by what is started, but as a stream of its own.
struct Pipe {
  Pipe();  // throws std::system_error

  // Into an empty pipe, which takes this much at once: nobody waits for a reader, nor minds when there is none. False
  // for more than PIPE_BUF bytes, and when not all was taken.
  bool fill(ConstBytes content) noexcept;

  Descriptor reading, writing;
};

// "NAME=value" of our environment, without the variables of these names.
std::vector<std::string> environment_without(const std::vector<std::string>& names);

struct ProgramStart {
  std::vector<std::string> words;  // the program's path, or its name for our PATH to find; then its arguments
  int input = -1, output = -1;     // its standard input and output; -1: nothing. Standard error is ours
  std::optional<std::vector<std::string>> environment;  // "NAME=value"; absent: ours
  bool own_group =
      false;  // with all that it starts: what it leaves behind is killed, and no terminal's key reaches them
};

// A started program, which has none of our descriptors but its three streams; killed and waited for if it still runs at
// the end of the scope.
class Program {
 public:
  explicit Program(const ProgramStart& start);  // throws std::system_error, whose code says why
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  // Readable once it has ended.
  int end_descriptor() const noexcept { return end_.number(); }
  // Blocks until it has ended; as waitpid(2) gives it, and a failure where that does not. Then what is left of its own
  // group is killed.
  int wait();

 private:
  void stop();

  const bool own_group_;
  pid_t id_ = -1;
  Descriptor end_;
};

// Blocks until there is something to read, or the end. False when the deadline passes first. Throws std::system_error.
bool wait_readable(int descriptor, std::chrono::steady_clock::time_point deadline);

}  // namespace sallyport::core
