// What is wrong with a configuration, and where: words for the person who wrote the file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sallyport::gateway {

// Both count from 1; 0 is "no place in particular".
struct Place {
  std::size_t line = 0;
  std::size_t column = 0;
};

enum class Severity : std::uint8_t { error, warning };

struct Problem {
  std::string file;
  Place place;
  std::string path;  // "listeners[0].tls.certificates"; empty for the file as a whole
  std::string what;  // what is wrong and what to do
  Severity severity = Severity::error;
};

// "gateway.yaml:12:5: listeners[0].tls: what is wrong": the form editors and CI logs make clickable.
inline std::string text_of(const Problem& problem) {
  std::string text = problem.file;
  if (problem.place.line != 0) {
    text += ":" + std::to_string(problem.place.line) + ":" + std::to_string(problem.place.column);
  }
  text += ": ";
  if (problem.severity == Severity::warning) text += "warning: ";
  if (!problem.path.empty()) text += problem.path + ": ";
  return text + problem.what;
}

inline bool has_errors(const std::vector<Problem>& problems) {
  for (const Problem& problem : problems) {
    if (problem.severity == Severity::error) return true;
  }
  return false;
}

}  // namespace sallyport::gateway
