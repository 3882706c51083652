#include "gateway/config/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace sallyport::gateway {
namespace {

using Kind = YamlNode::Kind;

// Leaves yaml-cpp's parser from inside an event, before it can go deeper.
struct Refused {
  Place place;
  std::string what;
};

Place place_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::vector<Problem>& problems) : problems_(problems) {}

  YamlNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { begin(mark, "?", anchor, Kind::null), end(); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{place_of(mark), "aliases (*name) are not read here; write the value out"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    begin(mark, tag, anchor, Kind::scalar);
    open_.back().text = value;
    end();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(mark, tag, anchor, Kind::sequence);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(mark, tag, anchor, Kind::map);
  }
  void OnMapEnd() override { end(); }

 private:
  void begin(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Kind kind) {
    const Place place = place_of(mark);
    if (anchor != 0) throw Refused{place, "anchors (&name) are not read here; write the value out"};
    // "?" is a plain value's own tag, "!" a quoted one's, empty is a collection's.
    if (!tag.empty() && tag != "?" && tag != "!") throw Refused{place, "tags (!name) are not read here; leave it out"};
    if (open_.size() >= yaml_depth_limit) throw Refused{place, "is nested too deeply"};
    if (++nodes_ > yaml_node_limit) throw Refused{place, "has too many values"};
    open_.emplace_back();
    open_.back().kind = kind;
    open_.back().place = place;
  }

  void end() {
    YamlNode node = std::move(open_.back());
    open_.pop_back();
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (YamlNode& parent = open_.back(); parent.kind == Kind::map && parent.keys.size() == parent.items.size()) {
      add_key(parent, std::move(node));
    } else {
      parent.items.push_back(std::move(node));
    }
  }

  void add_key(YamlNode& parent, YamlNode key) {
    if (key.kind != Kind::scalar) throw Refused{key.place, "a key must be plain text"};
    const auto same = [&](const YamlKey& other) { return other.text == key.text; };
    if (const auto first = std::find_if(parent.keys.begin(), parent.keys.end(), same); first != parent.keys.end()) {
      problems_.push_back(
          {"", key.place, key.text,
           "is given twice; the first is on line " + std::to_string(first->place.line) + ". Keep one of them"});
    }
    if (parent.keys.size() >= yaml_key_limit) throw Refused{key.place, "is one key too many in this place"};
    if (parent.keys.empty()) parent.place = std::min(parent.place, key.place, earlier);
    parent.keys.push_back({std::move(key.text), key.place});
  }

  static bool earlier(const Place& a, const Place& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  }

  std::vector<Problem>& problems_;
  std::vector<YamlNode> open_;  // from the root down to what is being read
  YamlNode root_;
  std::size_t nodes_ = 0;
};

// yaml-cpp takes bytes that are no text for text; a configuration is UTF-8 without control characters.
std::optional<Problem> check_text(std::string_view text) {
  if (text.size() > yaml_size_limit) {
    return Problem{
        "", {}, "", "is larger than " + std::to_string(yaml_size_limit >> 20) + " MiB; a configuration is not"};
  }
  std::size_t line = 1, start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n') ++line, start = i + 1;
    if ((byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7f) {
      return Problem{"", {line, i - start + 1}, "", "holds a control character; it does not look like YAML text"};
    }
  }
  return std::nullopt;
}

std::string_view line_of(std::string_view text, std::size_t number) {
  for (; number > 1; --number) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

// yaml-cpp says what its parser missed, in the parser's words; what the person has to look for is most often this.
std::string advice_on(std::string_view message, std::string_view line) {
  const std::string_view indent = line.substr(0, line.find_first_not_of(" \t"));
  if (indent.find('\t') != indent.npos) return "; indent with spaces, never with tabs";
  constexpr std::pair<std::string_view, const char*> advice[] = {
      {"end of map not found", "; is the line indented as those beside it?"},
      {"end of sequence not found", "; is the line indented as those beside it?"},
      {"end of map flow not found", "; is a '{' before it closed, with commas between?"},
      {"end of sequence flow not found", "; is a '[' before it closed, with commas between?"},
      {"illegal map value", "; a value with ': ' in it needs quotes"},
      {"unknown token", "; a value that begins with %, @ or ` needs quotes"},
  };
  for (const auto& [beginning, words] : advice) {
    if (message.starts_with(beginning)) return words;
  }
  return "";
}

}  // namespace

std::optional<YamlNode> parse_yaml(std::string_view text, std::vector<Problem>& problems) {
  if (auto problem = check_text(text)) {
    problems.push_back(std::move(*problem));
    return std::nullopt;
  }
  try {
    // yaml-cpp takes the end of the text for the end of a quoted value; at an end of document it insists on the quote.
    std::istringstream input(std::string(text) + "\n...\n");
    YAML::Parser parser(input);
    TreeBuilder builder(problems);
    if (!parser.HandleNextDocument(builder)) return YamlNode{};
    YamlNode root = builder.take_root();
    TreeBuilder second(problems);
    if (parser.HandleNextDocument(second)) {
      throw Refused{second.take_root().place, "a second YAML document starts here; one file holds one configuration"};
    }
    return root;
  } catch (const Refused& refused) {
    problems.push_back({"", refused.place, "", refused.what});
  } catch (const YAML::Exception& error) {
    const Place place = place_of(error.mark);
    const auto lines = 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    if (place.line > lines) {
      problems.push_back({"", {}, "", "ends before a quote or a bracket is closed"});
    } else {
      problems.push_back(
          {"", place, "", "is not valid YAML: " + error.msg + advice_on(error.msg, line_of(text, place.line))});
    }
  } catch (const std::exception& error) {
    problems.push_back({"", {}, "", std::string("could not be read as YAML: ") + error.what()});
  }
  return std::nullopt;
}

}  // namespace sallyport::gateway
