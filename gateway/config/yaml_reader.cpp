#include "gateway/config/yaml_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "gateway/config/config_text.hpp"

namespace sallyport::gateway {
namespace {

std::string join(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

std::string_view kind_name(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::null:
      return "empty";
    case YamlNode::Kind::scalar:
      return "a single value";
    case YamlNode::Kind::sequence:
      return "a list";
    case YamlNode::Kind::map:
      return "a group of keys";
  }
  return "";
}

// A private key pasted where a file's name belongs must not end up on a screen or in a CI log.
std::string shown(const std::string& text) {
  constexpr std::size_t limit = 60;
  if (text.find("PRIVATE KEY") != text.npos || text.find("SECRET-KEY") != text.npos) return "(a private key)";
  std::string safe = "'";
  for (const char letter : text.substr(0, limit)) safe += letter >= 0x20 && letter < 0x7f ? letter : '?';
  return safe + (text.size() > limit ? "…'" : "'");
}

}  // namespace

void Reading::problem(const std::string& path, std::string what, Severity severity) {
  Place place;
  for (std::string above = path;; above.resize(above.find_last_of(".["))) {
    if (const auto found = places.find(above); found != places.end()) {
      place = found->second;
      break;
    }
    if (above.find_last_of(".[") == above.npos) break;
  }
  problems.push_back({file.string(), place, path, std::move(what), severity});
}

Value::Value(const YamlNode& node, std::string path, std::string pattern, Reading& reading)
    : node_(&node), path_(std::move(path)), pattern_(std::move(pattern)), reading_(&reading) {
  reading_->places.emplace(path_, node.place);
}

void Value::refuse(std::string_view expected) const {
  const bool scalar = kind() == YamlNode::Kind::scalar;
  problem("is " + (scalar ? shown(node_->text) : std::string(kind_name(kind()))) + "; " + std::string(expected));
}

bool Value::text(std::string& out) const {
  if (kind() != YamlNode::Kind::scalar || node_->text.empty()) return refuse("give one line of text"), false;
  if (node_->text.find_first_of("\n\r") != std::string::npos) return refuse("give one line of text"), false;
  out = node_->text;
  return true;
}

bool Value::text_or_variable(std::string& out) const {
  std::string given;
  if (!text(given)) return false;
  if (!given.starts_with("env:")) return out = std::move(given), true;
  const char* variable = std::getenv(given.c_str() + 4);
  if (variable == nullptr) return refuse("that environment variable is not set"), false;
  return out = variable, true;
}

bool Value::file(std::filesystem::path& out) const {
  std::string name;
  if (!text(name)) return false;
  if (name.starts_with("file:")) name.erase(0, 5);
  if (name.starts_with("-----BEGIN") || name.starts_with("env:")) return refuse("give the name of a file"), false;
  out = (reading_->file.parent_path() / name).lexically_normal();
  return true;
}

bool Value::size(std::uint64_t& out, std::uint64_t least, std::uint64_t most) const {
  const auto parsed = kind() == YamlNode::Kind::scalar ? parse_size(node_->text) : std::nullopt;
  if (!parsed) return refuse("a size is bytes, or a whole number with KiB, MiB or GiB, such as 64MiB"), false;
  if (*parsed < least) return refuse("it must be at least " + std::to_string(least) + " bytes"), false;
  if (*parsed > most) return refuse("it must be at most " + std::to_string(most) + " bytes"), false;
  out = *parsed;
  return true;
}

bool Value::count(std::uint64_t& out, std::uint64_t least, std::uint64_t most) const {
  const std::string& digits = node_->text;
  std::uint64_t parsed = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
  const bool whole = kind() == YamlNode::Kind::scalar && !digits.empty() && error == std::errc{} &&
                     rest == digits.data() + digits.size();
  if (!whole || parsed < least || parsed > most) {
    return refuse("give a whole number from " + std::to_string(least) + " to " + std::to_string(most)), false;
  }
  out = parsed;
  return true;
}

bool Value::duration(core::Duration& out, core::Duration least) const {
  const auto parsed = kind() == YamlNode::Kind::scalar ? parse_duration(node_->text) : std::nullopt;
  if (!parsed) return refuse("a duration is a whole number with a unit, such as 250ms, 10s, 5m, 1h or 30d"), false;
  if (*parsed < least) return refuse("it must be at least " + text_of(least)), false;
  out = *parsed;
  return true;
}

bool Value::section(const std::function<void(Section&)>& read) const {
  if (kind() != YamlNode::Kind::map) return refuse("give a group of keys"), false;
  Section section(*this);
  read(section);
  section.refuse_unknown_keys();
  return true;
}

bool Value::each(const std::function<void(const Value&)>& read) const {
  if (kind() != YamlNode::Kind::sequence) return refuse("give a list (lines that start with '- ')"), false;
  for (std::size_t i = 0; i < node_->items.size(); ++i) {
    read(Value(node_->items[i], path_ + "[" + std::to_string(i) + "]", pattern_ + "[]", *reading_));
  }
  return true;
}

const YamlNode* Section::find(std::string_view key) const noexcept {
  for (std::size_t i = 0; i < value_.node_->keys.size(); ++i) {
    if (value_.node_->keys[i].text == key) return &value_.node_->items[i];
  }
  return nullptr;
}

std::string Section::path_of(std::string_view key) const { return join(value_.path_, key); }

bool Section::with(std::string_view key, Need need, const std::function<bool(const Value&)>& read) {
  const std::string pattern = join(value_.pattern_, key);
  asked_.emplace_back(key);
  value_.reading_->known_keys.insert(pattern);
  const YamlNode* node = find(key);
  if (node == nullptr) {
    if (need == Need::required) problem("has no `" + std::string(key) + "`, which is needed");
    return false;
  }
  value_.reading_->used_keys.insert(pattern);
  const Value value(*node, path_of(key), pattern, *value_.reading_);
  if (node->kind == YamlNode::Kind::null) return value.problem("has no value; give one or take the key out"), false;
  return read(value);
}

bool Section::text(std::string_view key, std::string& out, Need need) {
  return with(key, need, [&](const Value& value) { return value.text(out); });
}

bool Section::name(std::string_view key, std::string& out, bool (Value::*read)(std::string&) const) {
  return with(key, Need::required, [&](const Value& value) {
    std::string text;
    if (!(value.*read)(text)) return false;
    if (!is_name(text)) return value.refuse("a name is 1 to 128 letters, digits and . _ : / @ + -"), false;
    out = std::move(text);
    return true;
  });
}

bool Section::texts(std::string_view key, std::vector<std::string>& out) {
  return each(key, [&](const Value& value) {
    std::string text;
    if (value.text(text)) out.push_back(std::move(text));
  });
}

bool Section::file(std::string_view key, std::filesystem::path& out, Need need) {
  return with(key, need, [&](const Value& value) { return value.file(out); });
}

bool Section::size(std::string_view key, std::uint64_t& out, std::uint64_t least) {
  return with(key, Need::optional, [&](const Value& value) { return value.size(out, least); });
}

bool Section::duration(std::string_view key, core::Duration& out, core::Duration least) {
  return with(key, Need::optional, [&](const Value& value) { return value.duration(out, least); });
}

bool Section::section(std::string_view key, const std::function<void(Section&)>& read, Need need) {
  return with(key, need, [&](const Value& value) { return value.section(read); });
}

bool Section::each(std::string_view key, const std::function<void(const Value&)>& read, Need need) {
  return with(key, need, [&](const Value& value) {
    if (need == Need::required && value.kind() == YamlNode::Kind::sequence && value.node_->items.empty()) {
      return value.problem("is empty; at least one is needed"), false;
    }
    return value.each(read);
  });
}

bool Section::plaintext_allowed() {
  bool allowed = false;
  choice("plaintext", allowed, {{"allowed", true}});
  return allowed;
}

void Section::refuse_unknown_keys() const {
  for (const YamlKey& key : value_.node_->keys) {
    if (std::find(asked_.begin(), asked_.end(), key.text) != asked_.end()) continue;
    const std::string_view meant = nearest(key.text, asked_);
    std::string what = "is not a key that is known here";
    if (key.text == "<<") {
      what = "has a merge key (<<), which is not read here; write the keys out";
    } else if (!meant.empty()) {
      what += "; did you mean '" + std::string(meant) + "'?";
    } else {
      what += "; the keys are";
      for (std::size_t i = 0; i < asked_.size(); ++i) what += (i == 0 ? " " : ", ") + asked_[i];
    }
    Reading& reading = *value_.reading_;
    const bool plain = is_name(key.text);
    const std::string path = plain ? path_of(key.text) : key.text == "<<" ? value_.path_ : path_of("?");
    reading.problems.push_back({reading.file.string(), key.place, path, what});
  }
}

}  // namespace sallyport::gateway
