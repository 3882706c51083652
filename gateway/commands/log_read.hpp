// What `sallyport log cat`, `tail` and `export` do: exchanges from a log to stdout, or to the program `age`.
#pragma once

#include <string>
#include <vector>

#include "gateway/commands/key_reference.hpp"
#include "gateway/commands/log_view.hpp"

namespace sallyport::gateway {

struct LogReadOptions {
  std::string directory, since, until;
  KeyOptions keys;
  LogFilter filter;
  bool content = false, json = false, follow = false;
  std::vector<std::string> age;  // recipients of an export
  std::string out;
  std::size_t last = 10;  // exchanges that `tail` begins with
};

// Each gives the exit code: 1 when some place of the log could not be read. Throws std::runtime_error when there is no
// log, no key, or nobody who takes the output.
int cat_log(const LogReadOptions& options);
int export_log(const LogReadOptions& options);
int tail_log(const LogReadOptions& options);  // with `follow`, until whoever reads the output is gone

}  // namespace sallyport::gateway
