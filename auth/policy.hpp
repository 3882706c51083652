// The form of the names and patterns in a grant, and what a pattern matches. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sallyport::auth {

inline constexpr std::size_t max_name_size = 64;
inline constexpr std::size_t max_pattern_size = 256;
inline constexpr std::size_t max_patterns = 256;  // in one list

// A principal's name: 1 to max_name_size letters, digits and "._@/+:-", the first a letter or digit. No other character
// is allowed, because the name appears in records, metrics and tables. "tk-…" is reserved for token ids.
bool is_principal_name(std::string_view text) noexcept;

// A whole name, or a prefix and one '*' as the last character; "*" alone stands for every name. 1 to max_pattern_size
// characters of visible ASCII.
bool is_pattern(std::string_view text) noexcept;

// Case-sensitive. Text that is not a pattern matches nothing, nothing matches an empty name, and an empty list allows
// nothing.
bool matches(std::string_view pattern, std::string_view name) noexcept;
bool any_matches(const std::vector<std::string>& patterns, std::string_view name) noexcept;

}  // namespace sallyport::auth
