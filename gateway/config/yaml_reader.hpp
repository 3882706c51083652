// Typed reading of a YAML tree. What cannot be read is noted with its place and reading goes on, so that a person sees
// all that is wrong at once. Every key that was asked for is known; any other is an error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "gateway/config/problem.hpp"
#include "gateway/config/yaml_tree.hpp"

namespace sallyport::gateway {

// What reading one file gathers.
struct Reading {
  std::filesystem::path file;  // as named by the operator
  std::vector<Problem> problems;
  std::map<std::string, Place> places;  // "listeners[0].tls" → where it stands
  std::set<std::string> known_keys;     // "listeners[].tls": every key that was asked for
  std::set<std::string> used_keys;      // those of them that the file has

  // At the place of `path`, or of the nearest thing above it that the file has.
  void problem(const std::string& path, std::string what, Severity severity = Severity::error);
};

enum class Need : std::uint8_t { optional, required };

class Section;

// One value of the file. A view: the tree and the Reading outlive it.
class Value {
 public:
  Value(const YamlNode& node, std::string path, std::string pattern, Reading& reading);

  YamlNode::Kind kind() const noexcept { return node_->kind; }
  bool is(std::string_view word) const noexcept { return kind() == YamlNode::Kind::scalar && node_->text == word; }
  void problem(std::string what) const { reading_->problem(path_, std::move(what)); }
  // "is 'what the file says'; …", cut short when it is long.
  void refuse(std::string_view expected) const;

  // Each gives false, with a problem noted, when the value is not of that kind. `out` is then unchanged.
  bool text(std::string& out) const;
  bool text_or_variable(std::string& out) const;  // or `env:VARIABLE`: what that environment variable holds
  bool file(std::filesystem::path& out) const;    // relative to the configuration's folder
  bool size(std::uint64_t& out, std::uint64_t least = 1, std::uint64_t most = 1ull << 50) const;
  bool count(std::uint64_t& out, std::uint64_t least, std::uint64_t most) const;
  bool duration(core::Duration& out, core::Duration least) const;
  // Calls `read` and then refuses the keys it did not ask for.
  bool section(const std::function<void(Section&)>& read) const;
  bool each(const std::function<void(const Value&)>& read) const;

 private:
  friend class Section;
  const YamlNode* node_;
  std::string path_;     // "models[2].name"
  std::string pattern_;  // "models[].name"
  Reading* reading_;
};

// One map of the file. Each reader gives false when the key is absent or its value was refused.
class Section {
 public:
  explicit Section(const Value& value) : value_(value) {}

  // Calls `read` with the value, if the key is there (with a value: an empty one is refused).
  bool with(std::string_view key, Need need, const std::function<bool(const Value&)>& read);

  bool text(std::string_view key, std::string& out, Need need = Need::optional);
  // Required, of is_name's letters; `read` is the ways in which it may be given.
  bool name(std::string_view key, std::string& out, bool (Value::*read)(std::string&) const = &Value::text);
  bool texts(std::string_view key, std::vector<std::string>& out);
  bool file(std::string_view key, std::filesystem::path& out, Need need = Need::optional);
  bool size(std::string_view key, std::uint64_t& out, std::uint64_t least = 1);
  bool duration(std::string_view key, core::Duration& out, core::Duration least = std::chrono::milliseconds(1));
  bool section(std::string_view key, const std::function<void(Section&)>& read, Need need = Need::optional);
  bool each(std::string_view key, const std::function<void(const Value&)>& read, Need need = Need::optional);

  template <class Number>
  bool count(std::string_view key, Number& out, std::uint64_t least, std::uint64_t most) {
    static_assert(std::is_unsigned_v<Number>);
    return with(key, Need::optional, [&](const Value& value) {
      std::uint64_t number = 0;
      if (!value.count(number, least, std::min<std::uint64_t>(most, std::numeric_limits<Number>::max()))) return false;
      out = static_cast<Number>(number);
      return true;
    });
  }

  template <class Enum>
  bool choice(std::string_view key, Enum& out, std::initializer_list<std::pair<std::string_view, Enum>> choices) {
    return with(key, Need::optional, [&](const Value& value) {
      std::string expected;
      for (const auto& [word, meaning] : choices) {
        if (value.is(word)) return out = meaning, true;
        expected += (expected.empty() ? "use " : " or ") + std::string(word);
      }
      return value.refuse(expected), false;
    });
  }

  // `plaintext: allowed`, the only way to say that bytes may pass in the clear.
  bool plaintext_allowed();

  bool has(std::string_view key) const noexcept { return find(key) != nullptr; }
  std::string path_of(std::string_view key) const;
  void problem(std::string what) const { value_.problem(std::move(what)); }
  void problem(std::string_view key, std::string what) const {
    value_.reading_->problem(path_of(key), std::move(what));
  }
  void refuse_unknown_keys() const;

 private:
  const YamlNode* find(std::string_view key) const noexcept;

  const Value& value_;
  std::vector<std::string> asked_;
};

}  // namespace sallyport::gateway
