// JSON's strings and numbers, whole in memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::routing {

// Undoes the escapes of a JSON string's inside (without its quotes; grammar and UTF-8 already checked by JsonScanner).
// Nothing when it names half of a surrogate pair or U+0000: servers read those differently.
std::optional<std::string> unescape_json(std::string_view inside);

// `text` as a JSON string with its quotes. What is not UTF-8 must not come here (configured names do not).
std::string quote_json(std::string_view text);

// A JSON integer from 0 to 2^53 (what every reader holds exactly); nothing for anything else.
std::optional<std::uint64_t> count_of(std::string_view json);

}  // namespace sallyport::routing
