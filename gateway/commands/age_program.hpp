// Text that leaves encrypted for age (age-encryption.org): it goes through the `age` program of the machine, so that it
// is in no file in the clear, and the format is age's own affair.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/program.hpp"

namespace sallyport::gateway {

class AgeProgram {
 public:
  // Starts it. `out`: the file it makes, which must not be there yet; empty: our own stdout.
  // Throws std::runtime_error when there is no such program.
  AgeProgram(const std::vector<std::string>& recipients, const std::filesystem::path& out);
  AgeProgram(const AgeProgram&) = delete;
  AgeProgram& operator=(const AgeProgram&) = delete;
  // Without finish() it is ended, and what it made is not whole.

  void write(std::string_view text);  // throws std::runtime_error when it has ended
  void finish();                      // throws std::runtime_error unless all of it was encrypted

 private:
  core::Pipe input_;
  core::Program program_;  // ends before its input does, or it would make a whole file of half an export
};

}  // namespace sallyport::gateway
