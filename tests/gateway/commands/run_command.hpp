// Runs one of the program's commands inside the test, as main would.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

namespace sallyport::tests {

// The process's streams, for as long as a command runs.
class Redirect {
 public:
  Redirect(std::ostream& stream, std::streambuf* target) : stream_(stream), before_(stream.rdbuf(target)) {}
  Redirect(const Redirect&) = delete;
  Redirect& operator=(const Redirect&) = delete;
  ~Redirect() {
    stream_.rdbuf(before_);
    stream_.clear();
  }

 private:
  std::ostream& stream_;
  std::streambuf* before_;
};

struct Outcome {
  int exit_code = 0;
  std::string out, err;

  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    std::istringstream text(out);
    for (std::string line; std::getline(text, line);) all.push_back(line);
    return all;
  }
};

// `add(app, exit_code)` adds the commands there are. Wrong use is 2, as in main.
template <class Add>
int parse_and_run(const Add& add, std::vector<std::string> arguments) {
  CLI::App app("", "sallyport");
  int exit_code = 0;
  add(app, exit_code);
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& wrong_use) {
    return app.exit(wrong_use) == 0 ? 0 : 2;
  }
  return exit_code;
}

template <class Add>
Outcome run_command(const Add& add, std::vector<std::string> arguments) {
  std::ostringstream out, err;
  const Redirect redirect_out(std::cout, out.rdbuf()), redirect_err(std::cerr, err.rdbuf());
  const int exit_code = parse_and_run(add, std::move(arguments));
  return {exit_code, out.str(), err.str()};
}

// What stands in a file of one line, such as a public key.
inline std::string line_in(const path& file) {
  const std::string text = read_file(file);
  REQUIRE(text.find('\n') == text.size() - 1);
  return text.substr(0, text.size() - 1);
}

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace sallyport::tests
