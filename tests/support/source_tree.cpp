#include "tests/support/source_tree.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace sallyport::tests {
namespace {

bool is_left_out(const std::string& folder) {
  return folder.starts_with(".") || folder == "node_modules" || folder.starts_with("build");
}

bool ends_in(const std::string& file, const std::string& ending) {
  return ending.empty() ? file.find('.') == std::string::npos : file.ends_with(ending);
}

// Walks the text once; in_code() says which characters are code.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text), out_(text) {}

  std::string run() {
    while (at_ < text_.size()) step();
    return std::move(out_);
  }

 private:
  void step() {
    if (starts("//")) return blank_until(text_.find('\n', at_), 0);
    if (starts("/*")) return blank_until(text_.find("*/", at_ + 2), 2);
    if (starts("R\"")) {
      const std::string_view delimiter = text_.substr(at_ + 2, text_.find('(', at_) - at_ - 2);
      const std::string end = ")" + std::string(delimiter) + "\"";
      return blank_until(text_.find(end, at_), end.size());
    }
    const char mark = text_[at_];
    const bool digit_separator = mark == '\'' && at_ > 0 && std::isxdigit(static_cast<unsigned char>(text_[at_ - 1]));
    if (mark == '"' || (mark == '\'' && !digit_separator)) return blank_literal(mark);
    ++at_;
  }

  void blank_literal(char mark) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != mark && text_[end] != '\n') end += text_[end] == '\\' ? 2 : 1;
    blank_until(end, 1);
  }

  void blank_until(std::size_t end, std::size_t mark) {
    end = std::min(end == std::string_view::npos ? text_.size() : end + mark, text_.size());
    for (; at_ < end; ++at_) {
      if (text_[at_] != '\n') out_[at_] = ' ';
    }
  }

  bool starts(std::string_view mark) const { return text_.substr(at_).starts_with(mark); }

  std::string_view text_;
  std::string out_;
  std::size_t at_ = 0;
};

std::size_t line_at(std::string_view text, std::size_t offset) {
  return 1 + static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<long>(offset), '\n'));
}

// The statement that a '{' belongs to: from the last ';', '{' or '}' before it.
std::string_view head_before(std::string_view code, std::size_t brace, std::size_t& from) {
  const std::size_t mark = brace == 0 ? std::string_view::npos : code.find_last_of(";{}", brace - 1);
  from = code.find_first_not_of(" \t\n", mark == std::string_view::npos ? 0 : mark + 1);
  // Preprocessor lines before it are no part of it.
  while (from < brace && code[from] == '#') {
    const std::size_t next = code.find('\n', from);
    from = code.find_first_not_of(" \t\n", next == std::string_view::npos ? brace : next);
  }
  return from < brace ? code.substr(from, brace - from) : std::string_view{};
}

bool opens_scope(std::string_view head) {
  static constexpr std::array words = {"namespace", "class", "struct", "enum", "union", "extern"};
  if (head.empty()) return false;
  if (head.starts_with("template") && head.find(')') == std::string_view::npos) return true;
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return head.starts_with(word) && (head.size() == word.size() || !std::isalnum(head[word.size()]));
  });
}

std::string name_in(std::string_view head) {
  const std::string_view before = head.substr(0, head.find('('));
  const std::size_t end = before.find_last_not_of(" \n");
  const std::size_t start = before.find_last_of(" \n*&", end);
  return std::string(before.substr(start == std::string_view::npos ? 0 : start + 1, end - start));
}

bool is_table(std::string_view body) {
  return body.starts_with("switch (") || body.starts_with("return {") || body.starts_with("static const");
}

std::size_t closing_brace(std::string_view code, std::size_t open) {
  int depth = 0;
  for (std::size_t at = open; at < code.size(); ++at) {
    if (code[at] == '{') ++depth;
    if (code[at] == '}' && --depth == 0) return at;
  }
  return code.size() - 1;
}

}  // namespace

std::size_t SourceFile::lines() const { return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')); }

std::vector<SourceFile> read_tree(const path& root, const std::vector<std::string>& endings) {
  std::vector<SourceFile> files;
  std::filesystem::recursive_directory_iterator entries(root), end;
  for (; entries != end; ++entries) {
    const std::string file = entries->path().filename();
    if (entries->is_directory() && is_left_out(file)) {
      entries.disable_recursion_pending();
    } else if (entries->is_regular_file() &&
               std::any_of(endings.begin(), endings.end(), [&](auto& ending) { return ends_in(file, ending); })) {
      files.push_back({std::filesystem::relative(entries->path(), root), read_file(entries->path())});
    }
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

std::string code_only(std::string_view text) { return Scanner(text).run(); }

std::vector<std::string> includes_of(std::string_view text) {
  constexpr std::string_view word = "#include ";
  std::vector<std::string> found;
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    if (at > 0 && text[at - 1] != '\n') continue;
    const std::string_view line = text.substr(at + word.size(), text.find('\n', at) - at - word.size());
    const std::size_t close = line.find_first_of("\">", 1);
    if (close != std::string_view::npos) found.emplace_back(line.substr(0, close + 1));
  }
  return found;
}

IncludeGraph::IncludeGraph(const std::vector<SourceFile>& files) {
  for (const SourceFile& file : files) direct_[file.name] = includes_of(file.text);
}

std::set<std::string> IncludeGraph::reached_from(const std::string& name) const {
  std::set<std::string> reached;
  std::vector<std::string> open = {name};
  while (!open.empty()) {
    const auto file = direct_.find(open.back());
    open.pop_back();
    if (file == direct_.end()) continue;
    for (const std::string& include : file->second) {
      if (reached.insert(include).second) open.push_back(include.substr(1, include.size() - 2));
    }
  }
  return reached;
}

std::vector<FunctionSpan> functions_of(std::string_view text) {
  const std::string code = code_only(text);
  std::vector<FunctionSpan> found;
  std::size_t at = code.find('{');
  while (at != std::string::npos) {
    std::size_t from = 0;
    const std::string_view head = head_before(code, at, from);
    const bool function = !opens_scope(head) && head.find('(') != std::string_view::npos;
    if (opens_scope(head)) {
      at = code.find('{', at + 1);  // what is inside is looked at one by one
      continue;
    }
    const std::size_t close = closing_brace(code, at);
    if (function) {
      const std::size_t first = line_at(code, from);
      const std::size_t body = code.find_first_not_of(" \n", at + 1);
      found.push_back({name_in(head), first, line_at(code, close) - first + 1, is_table(code.substr(body, 12))});
    }
    at = code.find('{', close + 1);
  }
  return found;
}

}  // namespace sallyport::tests
