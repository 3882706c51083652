// The repository's own source, as text: for the tests that hold the house's rules.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_directory.hpp"

namespace sallyport::tests {

struct SourceFile {
  std::string name;  // from the repository's root: "core/clock.hpp"
  std::string text;
  std::string folder() const { return name.substr(0, name.find('/')); }
  std::size_t lines() const;
};

// Every file of ours below `root` whose name ends in one of `endings` ("" takes files without a dot), build folders
// and what git ignores left out.
std::vector<SourceFile> read_tree(const path& root, const std::vector<std::string>& endings);

// The text with comments and the content of literals blanked out; lines and columns stay where they are.
std::string code_only(std::string_view text);

// #include "…" and <…>, with the marks: "\"core/clock.hpp\"", "<vector>".
std::vector<std::string> includes_of(std::string_view text);

// Everything a file of ours includes, directly or through other files of ours.
class IncludeGraph {
 public:
  explicit IncludeGraph(const std::vector<SourceFile>& files);
  std::set<std::string> reached_from(const std::string& name) const;

 private:
  std::map<std::string, std::vector<std::string>> direct_;
};

struct FunctionSpan {
  std::string name;
  std::size_t line = 0;
  std::size_t length = 0;  // lines, from the signature's first to the closing brace
  bool table = false;      // its body is one switch, or one list of values
};
// Found by counting braces: what a reader would call a function, lambdas counted as part of the one around them.
std::vector<FunctionSpan> functions_of(std::string_view text);

}  // namespace sallyport::tests
