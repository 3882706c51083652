#include "gateway/config/yaml_tree.hpp"

#include <chrono>

#include "tests/support/catch.hpp"

using namespace sallyport::gateway;
using Kind = YamlNode::Kind;

namespace {

std::string refusal(const std::string& text) {
  std::vector<Problem> problems;
  if (parse_yaml(text, problems)) return "";
  REQUIRE(problems.size() == 1);
  return problems[0].what;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

std::string repeated(const std::string& piece, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += piece;
  return text;
}

}  // namespace

TEST_CASE("maps, sequences and scalars come with their places") {
  std::vector<Problem> problems;
  const auto root = parse_yaml("a: 1\nlist:\n  - x\n  - {b: 'off', c: }\n", problems);
  REQUIRE(root);
  CHECK(problems.empty());
  REQUIRE(root->kind == Kind::map);
  REQUIRE(root->keys.size() == 2);
  CHECK(root->keys[1].text == "list");
  CHECK(root->keys[1].place.line == 2);
  CHECK(root->items[0].text == "1");
  CHECK(root->items[0].place.column == 4);
  const YamlNode& list = root->items[1];
  REQUIRE(list.items.size() == 2);
  CHECK(list.items[0].place.line == 3);
  CHECK(list.items[0].place.column == 5);
  CHECK(list.items[1].items[0].text == "off");
  CHECK(list.items[1].items[1].kind == Kind::null);
}

TEST_CASE("an empty text is an empty document") {
  std::vector<Problem> problems;
  for (const auto* text : {"", "\n", "# only words\n"}) {
    const auto root = parse_yaml(text, problems);
    REQUIRE(root);
    CHECK(root->kind == Kind::null);
  }
  CHECK(problems.empty());
}

TEST_CASE("a key given twice is found, with both lines, and reading goes on") {
  std::vector<Problem> problems;
  const auto root = parse_yaml("a: 1\nb: 2\na: 3\n", problems);
  REQUIRE(root);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].place.line == 3);
  CHECK(contains(problems[0].what, "line 1"));
}

TEST_CASE("what could expand, run or hide is refused") {
  CHECK(contains(refusal("a: &x 1\nb: *x\n"), "anchors"));
  CHECK(contains(refusal("a: *x\n"), "the referenced anchor is not defined"));
  CHECK(contains(refusal("a: !!binary aGk=\n"), "tags"));
  CHECK(contains(refusal("a: !secret x\n"), "tags"));
  CHECK(contains(refusal("a: !!map {}\n"), "tags"));
  CHECK(contains(refusal("a: 1\n---\nb: 2\n"), "second YAML document"));
  CHECK(contains(refusal("? [a, b]\n: 1\n"), "plain text"));
  CHECK(contains(refusal("? {a: b}\n: 1\n"), "plain text"));
  CHECK(contains(refusal(std::string("a: \0b", 5)), "control character"));
  CHECK(contains(refusal("a: \x1b[31m"), "control character"));
  CHECK(contains(refusal(std::string("\xff\xfe"
                                     "a\0",
                                     4)),
                 "control character"));  // UTF-16
  CHECK(contains(refusal("a: [1, 2"), "ends before"));
  CHECK(contains(refusal("a: [1, 2\n"), "ends before"));
  CHECK(contains(refusal("a: 'never closed"), "ends before"));
  CHECK(contains(refusal("a: 'never closed\nb: 1\n"), "ends before"));
  CHECK(contains(refusal("a: \"never closed\n"), "ends before"));
  CHECK(contains(refusal("a: b: c"), "not valid YAML"));
  CHECK(contains(refusal("a: b: c"), "needs quotes"));
  CHECK(contains(refusal("a: %x"), "needs quotes"));
  CHECK(contains(refusal("a:\n   - b: 1\n  - c: 2\n"), "is the line indented as those beside it?"));
  CHECK(contains(refusal("a:\n  b: 1\n c: 2\n"), "is the line indented as those beside it?"));
  CHECK(contains(refusal("a: {b: 1\nc: 2\n"), "closed"));
  CHECK(contains(refusal("a: [1, 2\nc: 2\n"), "closed"));
  CHECK(contains(refusal("a:\n\tb: 1\n"), "indent with spaces"));
  CHECK_FALSE(refusal("\tа: 1\n").empty());
}

TEST_CASE("a bomb of aliases is refused at its first anchor") {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char letter = 'b'; letter < 'k'; ++letter) {
    const std::string before = "*" + std::string(1, static_cast<char>(letter - 1));
    bomb += std::string(1, letter) + ": &" + letter + " [" + before + repeated("," + before, 8) + "]\n";
  }
  CHECK(contains(refusal(bomb), "anchors"));
}

TEST_CASE("depth, count, keys and size have limits") {
  const auto nested = [](std::size_t depth) { return repeated("[", depth) + repeated("]", depth); };
  CHECK(refusal(nested(yaml_depth_limit)).empty());
  CHECK(contains(refusal(nested(yaml_depth_limit + 1)), "deeply"));

  CHECK(refusal("[" + repeated("a,", yaml_node_limit - 1) + "]").empty());
  CHECK(contains(refusal("[" + repeated("a,", yaml_node_limit) + "]"), "too many"));

  const auto keys = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "k" + std::to_string(i) + ": 1\n";
    return text;
  };
  CHECK(refusal(keys(yaml_key_limit)).empty());
  CHECK(contains(refusal(keys(yaml_key_limit + 1)), "one key too many"));

  CHECK(refusal("a: " + std::string(yaml_size_limit - 3, 'x')).empty());
  CHECK(contains(refusal("a: " + std::string(yaml_size_limit - 2, 'x')), "larger than"));
}

TEST_CASE("hostile text is read or refused, soon") {
  int refused = 0;
  const auto before = std::chrono::steady_clock::now();
  for (const auto* piece :
       {"[", "{",    "? ", "- ", "{a: ",  "[[],",  "? - ",     "a: {", "'",   "\"",  "|",   ">", "!", "&", "*",
        "%", "- - ", ": ", "#",  "---\n", "a:\n ", "\xc3\xa9", "?\n",  "-\n", "[\n", "{\n", ",", "]", "}"}) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{1000}, std::size_t{100'000}}) {
      std::vector<Problem> problems;
      INFO(piece << " x " << count);
      const auto root = parse_yaml(repeated(piece, count), problems);
      if (root) continue;
      CHECK(problems.size() >= 1);
      ++refused;
    }
  }
  CHECK(refused > 40);
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(60));
}

TEST_CASE("a text cut at any place is read or refused, never more") {
  const std::string text = "listeners:\n  - {name: \"a\\n\", tls: {certificates: [{chain: 'x'}]}}\nlog: |\n  lines\n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    std::vector<Problem> problems;
    if (!parse_yaml(text.substr(0, size), problems)) CHECK(problems.size() == 1);
  }
}
