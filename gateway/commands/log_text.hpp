// Text of which the commands that read logs make what they print.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::gateway {

// For a terminal.
inline constexpr std::string_view red = "\x1b[31m", green = "\x1b[32m", yellow = "\x1b[33m", dim = "\x1b[2m",
                                  plain = "\x1b[0m";

// A line of JSON; what is not UTF-8 in it is replaced.
std::string one_line(const nlohmann::ordered_json& object);

// Numbers in order: "1-4, 7".
std::string ranges(const std::vector<std::uint64_t>& numbers);

// Names, made printable: "acme, globex".
std::string listed(const std::vector<std::string>& names);

// Text from outside that must not steer the terminal: control characters become "\x1b". Line breaks stay when asked.
std::string printable(std::string_view text, bool keep_line_breaks = false);

}  // namespace sallyport::gateway
