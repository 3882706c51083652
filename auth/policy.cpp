#include "auth/policy.hpp"

#include <algorithm>

namespace sallyport::auth {
namespace {

// Not <cctype>, which depends on the process's locale.
bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_visible(char c) noexcept { return c > ' ' && c <= '~'; }

}  // namespace

bool is_principal_name(std::string_view text) noexcept {
  constexpr std::string_view marks = "._@/+:-";
  if (text.empty() || text.size() > max_name_size || text.starts_with("tk-")) return false;
  if (!is_letter_or_digit(text.front())) return false;  // a command line would take a leading '-' for an option
  return std::ranges::all_of(text, [&](char c) { return is_letter_or_digit(c) || marks.find(c) != marks.npos; });
}

bool is_pattern(std::string_view text) noexcept {
  if (text.empty() || text.size() > max_pattern_size || !std::ranges::all_of(text, is_visible)) return false;
  return text.find('*') >= text.size() - 1;  // no '*' (npos), or the last character
}

bool matches(std::string_view pattern, std::string_view name) noexcept {
  if (name.empty() || !is_pattern(pattern)) return false;
  if (!pattern.ends_with('*')) return pattern == name;
  pattern.remove_suffix(1);
  return name.starts_with(pattern);
}

bool any_matches(const std::vector<std::string>& patterns, std::string_view name) noexcept {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) { return matches(pattern, name); });
}

}  // namespace sallyport::auth
