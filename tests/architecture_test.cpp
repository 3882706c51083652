// Holds the house's rules against the source itself: who may include whom, how long things may be, what must not be
// written. A rule that has to give is changed here, in sight, with its reason.
#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <sstream>

#include "tests/support/catch.hpp"
#include "tests/support/source_tree.hpp"

using namespace sallyport::tests;

namespace {

constexpr std::size_t lines_to_look_at = 300;
constexpr std::size_t lines_at_most = 500;
constexpr std::size_t test_lines_at_most = 700;  // tables of cases
constexpr std::size_t function_lines_at_most = 70;
constexpr std::size_t test_function_lines_at_most = 100;
constexpr std::size_t table_lines_at_most = 150;  // a function that is nothing but a switch or a list

// What each room may include of the others. "auth/principal.hpp" is a single door.
const std::map<std::string, std::vector<std::string>> may_see = {
    {"core", {}},
    {"tls", {"core/"}},
    {"http", {"core/"}},
    {"envelope", {"core/"}},
    {"auth", {"core/"}},
    {"routing", {"core/", "http/message.hpp", "http/sse.hpp", "auth/principal.hpp"}},
    {"logging", {"core/", "envelope/"}},
    {"gateway/config", {"core/", "tls/", "http/", "envelope/", "auth/", "routing/", "logging/"}},
    {"gateway", {"core/", "tls/", "http/", "envelope/", "auth/", "routing/", "logging/", "gateway/config/"}},
    {"gateway/commands", {"core/", "tls/", "http/", "envelope/", "auth/", "routing/", "logging/", "gateway/"}},
};

// Headers that are slow, dangerous or none of the others' business, and the only files that may reach them, directly
// or through other headers.
struct Fence {
  std::string header;  // beginning of its name
  std::vector<std::string> allowed;
};
const std::vector<Fence> fences = {
    {"<boost/beast", {"http/writer.cpp", "tests/http/second_opinion_test.cpp"}},
    {"<openssl/ssl.h", {"tls/"}},
    {"<openssl/evp.h",
     {"core/crypto.cpp", "core/evp_key.", "core/hybrid_key.cpp", "core/pkcs8.cpp", "core/private_key.cpp",
      "core/public_key.cpp", "core/rsa_token.cpp", "tls/"}},
    {"<yaml-cpp/", {"gateway/config/yaml_tree.cpp"}},
    {"<CLI/", {"gateway/commands/"}},
    {"<prometheus/", {"gateway/"}},
    {"<spdlog/", {"gateway/"}},
};

const std::vector<SourceFile>& sources() {
  static const auto files = read_tree(SOURCE_DIR, {".cpp", ".hpp"});
  return files;
}

// The innermost that a file stands in; empty: none.
std::string room_of(std::string_view name) {
  for (std::size_t end = name.rfind('/'); end != name.npos && end > 0; end = name.rfind('/', end - 1)) {
    if (const std::string room(name.substr(0, end)); may_see.contains(room)) return room;
  }
  return {};
}

bool is_product(const SourceFile& file) { return !room_of(file.name).empty(); }

bool begins_with_one_of(std::string_view text, const std::vector<std::string>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](const auto& one) { return text.starts_with(one); });
}

// A word stands alone: no letter, digit or '_' on either side of it.
std::size_t find_word(std::string_view text, std::string_view word, std::size_t from = 0) {
  const auto part_of_word = [&](std::size_t at) {
    return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_');
  };
  for (std::size_t at = text.find(word, from); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const bool open_left = !part_of_word(at) || at == 0 || !part_of_word(at - 1);
    const bool open_right = !part_of_word(at + word.size() - 1) || !part_of_word(at + word.size());
    if (open_left && open_right) return at;
  }
  return std::string_view::npos;
}

std::string place(const SourceFile& file, std::size_t offset) {
  const auto line = 1 + std::count(file.text.begin(), file.text.begin() + static_cast<long>(offset), '\n');
  return file.name + ":" + std::to_string(line);
}

using Findings = std::vector<std::string>;

std::string list(const Findings& findings) {
  std::string text;
  for (const std::string& finding : findings) text += "\n  " + finding;
  return text;
}

#define NOTHING_FOUND(findings)             \
  do {                                      \
    const Findings found_here = (findings); \
    INFO("found:" << list(found_here));     \
    CHECK(found_here.empty());              \
  } while (false)

Findings doors_that_should_not_be_there(const std::vector<SourceFile>& files) {
  Findings findings;
  for (const SourceFile& file : files) {
    if (!is_product(file)) continue;
    const std::string room = room_of(file.name);
    for (const std::string& include : includes_of(file.text)) {
      if (include.front() != '"') continue;
      const std::string name = include.substr(1, include.size() - 2);
      if (room_of(name) != room && !begins_with_one_of(name, may_see.at(room)))
        findings.push_back(file.name + " includes " + name);
    }
  }
  return findings;
}

Findings fences_climbed(const std::vector<SourceFile>& files) {
  const IncludeGraph graph(files);
  Findings findings;
  for (const SourceFile& file : files) {
    if (!is_product(file)) continue;
    for (const std::string& header : graph.reached_from(file.name)) {
      for (const Fence& fence : fences) {
        if (header.starts_with(fence.header) && !begins_with_one_of(file.name, fence.allowed)) {
          findings.push_back(file.name + " reaches " + header);
        }
      }
    }
  }
  return findings;
}

template <class Which>
Findings words_in_code(const std::vector<SourceFile>& files, const std::vector<std::string>& words, Which which) {
  Findings findings;
  for (const SourceFile& file : files) {
    if (!which(file)) continue;
    const std::string code = code_only(file.text);
    for (const std::string& word : words) {
      const std::size_t at = find_word(code, word);
      if (at != std::string::npos) findings.push_back(place(file, at) + " uses " + word);
    }
  }
  return findings;
}

// Of the tests, but for the harness's own waiting and the disk and names that are slow when a test says so.
bool is_to_wait_for_conditions(const SourceFile& file) {
  return file.name.starts_with("tests/") &&
         !begins_with_one_of(
             file.name, {"tests/support/waiting.hpp", "tests/support/moody_disk.cpp", "tests/support/slow_names.cpp"});
}

// A Secret is opened with reveal…(); a line that also writes somewhere a person reads is looked at twice.
Findings secrets_that_may_be_printed(const std::vector<SourceFile>& files) {
  Findings findings;
  for (const SourceFile& file : files) {
    if (!is_product(file)) continue;
    const std::string code = code_only(file.text);
    for (std::size_t at = code.find("reveal"); at != std::string::npos; at = code.find("reveal", at + 1)) {
      const std::size_t from = code.rfind('\n', at) + 1;
      const std::string line = code.substr(from, code.find('\n', at) - from);
      for (const std::string word : {"printf", "cout", "cerr", "spdlog", "runtime_error", "to_string"}) {
        if (line.find(word) != std::string::npos) findings.push_back(place(file, at) + " may print a secret");
      }
    }
  }
  return findings;
}

Findings long_functions(const std::vector<SourceFile>& files) {
  Findings findings;
  for (const SourceFile& file : files) {
    for (const FunctionSpan& function : functions_of(file.text)) {
      const std::size_t most = function.table             ? table_lines_at_most
                               : file.folder() == "tests" ? test_function_lines_at_most
                                                          : function_lines_at_most;
      if (function.name == "TEST_CASE" || function.length <= most) continue;
      findings.push_back(file.name + ":" + std::to_string(function.line) + " " + function.name + " has " +
                         std::to_string(function.length) + " lines");
    }
  }
  return findings;
}

Findings files_longer_than(std::size_t most, std::size_t most_of_tests, const std::vector<SourceFile>& files) {
  Findings findings;
  for (const SourceFile& file : files) {
    if (file.lines() > (file.folder() == "tests" ? most_of_tests : most))
      findings.push_back(file.name + " has " + std::to_string(file.lines()) + " lines");
  }
  return findings;
}

// The words behind the label in each "integration(LABEL TAG…)" of a list.
std::set<std::string> tags_run(const std::string& list) {
  const std::string call = "\nintegration(";
  std::set<std::string> tags;
  for (std::size_t at = list.find(call); at != std::string::npos; at = list.find(call, at + 1)) {
    const std::size_t from = at + call.size();
    std::istringstream words(list.substr(from, list.find(')', from) - from));
    std::string word;
    words >> word;
    while (words >> word) tags.insert(word);
  }
  return tags;
}

// A case is run by its tag: one that has none, or one that no ctest names, never runs.
Findings integration_cases_not_run(const std::vector<SourceFile>& files, const std::string& list) {
  const std::string folder = "tests/integration/";
  Findings findings;
  std::set<std::string> used;
  for (const SourceFile& file : files) {
    if (!file.name.starts_with(folder)) continue;
    const std::string& marks = file.text;
    for (std::size_t at = marks.find("\nTEST_CASE("); at != std::string::npos;) {
      const std::size_t next = marks.find("\nTEST_CASE(", at + 1), end = marks.find("\") {\n", at);
      const std::size_t open = marks.rfind('[', end);
      const bool tagged = end < next && open > at && marks[open - 1] == '"' && marks[end - 1] == ']';
      if (!tagged) findings.push_back(place(file, at + 1) + " has no tag of its own");
      if (tagged) used.insert(marks.substr(open + 1, end - open - 2));
      at = next;
    }
  }
  const std::set<std::string> run = tags_run(list);
  for (const std::string& tag : used) {
    if (!run.contains(tag)) findings.push_back("no ctest runs [" + tag + "]");
  }
  for (const std::string& tag : run) {
    if (!used.contains(tag)) findings.push_back("nothing is tagged [" + tag + "]");
  }
  return findings;
}

// Named by a list of its own folder, or with its folder by another's. A fuzz target is named by its stem.
bool is_built(const std::string& name, const std::vector<SourceFile>& lists) {
  const path file = name;
  const auto names = [&](const SourceFile& list) {
    const std::string target = "fuzz_target(" + file.stem().string();
    if (path(list.name).parent_path() != file.parent_path()) {
      return find_word(list.text, (file.parent_path().filename() / file.filename()).string()) != std::string::npos;
    }
    return find_word(list.text, file.filename().string()) != std::string::npos ||
           find_word(list.text, target) != std::string::npos;
  };
  return std::any_of(lists.begin(), lists.end(), names);
}

Findings tests_not_built(const std::vector<SourceFile>& files, const std::vector<SourceFile>& lists) {
  Findings findings;
  for (const SourceFile& file : files) {
    if (!file.name.starts_with("tests/") || !file.name.ends_with(".cpp")) continue;
    if (!is_built(file.name, lists)) findings.push_back(file.name + " is in no list of what is built");
  }
  return findings;
}

}  // namespace

TEST_CASE("every room includes only the floors below it") { NOTHING_FOUND(doors_that_should_not_be_there(sources())); }

TEST_CASE("slow and dangerous headers stay behind their fences") { NOTHING_FOUND(fences_climbed(sources())); }

TEST_CASE("the architecture's checks can fail") {
  const std::vector<SourceFile> bad = {
      {"auth/a.cpp", "#include \"http/message.hpp\"\n#include \"tls/openssl.hpp\"\n"},
      {"tls/openssl.hpp", "#pragma once\n#include <openssl/ssl.h>\n"},
      {"gateway/config/c.cpp", "#include \"gateway/server.hpp\"\n#include \"gateway/commands/d.hpp\"\n"},
      {"gateway/server.hpp", "#include \"gateway/config/c.hpp\"\n#include \"gateway/commands/d.hpp\"\n"},
      {"gateway/commands/d.hpp", "#include \"gateway/server.hpp\"\n#include \"tests/support/d.hpp\"\n"},
      {"core/b.cpp", "int f() {\n  co_spawn(x, y, asio::detached);\n  printf(\"%s\", token.reveal_text());\n}\n"},
  };
  CHECK(doors_that_should_not_be_there(bad) == Findings{"auth/a.cpp includes http/message.hpp",
                                                        "auth/a.cpp includes tls/openssl.hpp",
                                                        "gateway/config/c.cpp includes gateway/server.hpp",
                                                        "gateway/config/c.cpp includes gateway/commands/d.hpp",
                                                        "gateway/server.hpp includes gateway/commands/d.hpp",
                                                        "gateway/commands/d.hpp includes tests/support/d.hpp"});
  CHECK(fences_climbed(bad) == Findings{"auth/a.cpp reaches <openssl/ssl.h>"});
  CHECK(words_in_code(bad, {"detached"}, is_product) == Findings{"core/b.cpp:2 uses detached"});
  CHECK(secrets_that_may_be_printed(bad).size() == 1);
  std::string body;
  for (int i = 0; i < 70; ++i) body += "  f();\n";
  const std::vector<SourceFile> tall = {{"core/c.cpp", "namespace n {\nvoid g() {\n" + body + "}\n}\n"}};
  CHECK(long_functions(tall) == Findings{"core/c.cpp:2 g has 72 lines"});
  const std::vector<SourceFile> cases = {
      {"tests/integration/a_test.cpp",
       "\nTEST_CASE(\"one\", \"[log]\") {\n}\nTEST_CASE(\"two\") {\n}\nTEST_CASE(\"3\", \"[other]\") {\n}\n"}};
  CHECK(integration_cases_not_run(cases, "\nintegration(log log disk)\n") ==
        Findings{"tests/integration/a_test.cpp:4 has no tag of its own", "no ctest runs [other]",
                 "nothing is tagged [disk]"});
  CHECK(tests_not_built(cases, {{"tests/integration/tests.cmake", "b_a_test.cpp"}}).size() == 1);
  CHECK(tests_not_built(cases, {{"tests/integration/tests.cmake", "${here}/a_test.cpp"}}).empty());
}

TEST_CASE("braces in text and comments do not confuse the counting") {
  const auto found = functions_of(
      "// { not code\nstruct S {\n  int f() const { return '{'; }\n  char c = '\\'';\n};\n"
      "void g(int x = 1'000) {\n  auto s = R\"({{{)\";\n  if (x) { f(\"}\"); }\n}\n");
  REQUIRE(found.size() == 2);
  CHECK(found[0].name == "f");
  CHECK(found[0].length == 1);
  CHECK(found[1].name == "g");
  CHECK(found[1].line == 6);
  CHECK(found[1].length == 4);
}

TEST_CASE("nobody detaches a coroutine, shares itself, sleeps on a thread or shells out") {
  NOTHING_FOUND(words_in_code(sources(),
                              {"detached", "shared_from_this", "enable_shared_from_this", "sleep_for", "sleep_until",
                               "system(", "popen(", "strcpy(", "sprintf(", "rand("},
                              is_product));
}

TEST_CASE("no test sleeps where it could wait for a condition") {
  NOTHING_FOUND(words_in_code(sources(), {"sleep_for", "sleep_until", "sleep(", "usleep(", "nanosleep("},
                              is_to_wait_for_conditions));
}

TEST_CASE("no line opens a secret and prints it") { NOTHING_FOUND(secrets_that_may_be_printed(sources())); }

TEST_CASE("functions are short") { NOTHING_FOUND(long_functions(sources())); }

TEST_CASE("files are short") {
  const Findings worth_a_look = files_longer_than(lines_to_look_at, lines_at_most, sources());
  if (!worth_a_look.empty()) WARN("over " << lines_to_look_at << " lines:" << list(worth_a_look));
  NOTHING_FOUND(files_longer_than(lines_at_most, test_lines_at_most, sources()));
}

TEST_CASE("every header is included once, and every source is built") {
  Findings findings;
  for (const SourceFile& file : sources()) {
    if (file.name.ends_with(".hpp") && file.text.find("#pragma once") == std::string::npos) {
      findings.push_back(file.name + " has no #pragma once");
    }
    if (!is_product(file) || !file.name.ends_with(".cpp")) continue;
    const std::string room = room_of(file.name);
    const std::string lists = read_file(path(SOURCE_DIR) / room / "CMakeLists.txt");
    const std::string short_name = file.name.substr(room.size() + 1);
    if (find_word(lists, short_name) == std::string::npos) findings.push_back(file.name + " is in no CMakeLists.txt");
  }
  NOTHING_FOUND(findings);
}

TEST_CASE("every test is built, and every case of the real process is run") {
  NOTHING_FOUND(tests_not_built(sources(), read_tree(SOURCE_DIR, {"CMakeLists.txt", "tests.cmake"})));
  NOTHING_FOUND(integration_cases_not_run(sources(), read_file(path(SOURCE_DIR) / "tests/integration/tests.cmake")));
}

TEST_CASE("each room says its job and whom it may see") {
  Findings findings;
  for (const auto& room : may_see) {
    const std::string text = read_file(path(SOURCE_DIR) / room.first / "CMakeLists.txt");
    const std::size_t second = text.find('\n') + 1;
    if (!text.starts_with("# ") || !std::string_view(text).substr(second).starts_with("# May see: ")) {
      findings.push_back(room.first + "/CMakeLists.txt does not open with the two lines");
    }
  }
  NOTHING_FOUND(findings);
}

TEST_CASE("nothing is left to do later, and no machine's paths are written down") {
  // Put together here, so that this file does not find itself.
  const std::vector<std::string> words = {
      std::string("TO") + "DO",   std::string("FIX") + "ME",  std::string("X") + "XX",       std::string("HA") + "CK",
      std::string("/wo") + "rk/", std::string("/ho") + "me/", std::string("/tmp/") + "build"};
  Findings findings;
  for (const SourceFile& file :
       read_tree(SOURCE_DIR, {".cpp", ".hpp", ".md", ".txt", ".cmake", ".yaml", ".yml", ".mjs", ".py", ".sh", ""})) {
    for (const std::string& word : words) {
      const std::size_t at = find_word(file.text, word);
      if (at != std::string::npos) findings.push_back(place(file, at) + " says " + word);
    }
  }
  NOTHING_FOUND(findings);
}
