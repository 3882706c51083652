// Converts JSON strings and numbers that are whole in memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::routing {

// Undoes the escapes in a JSON string, given without its quotes; JsonScanner has already checked grammar and UTF-8.
// nullopt when an escape is half of a surrogate pair or U+0000, because servers read those differently.
std::optional<std::string> unescape_json(std::string_view inside);

// `text` as a JSON string with its quotes. The text must be UTF-8, as configured names are.
std::string quote_json(std::string_view text);

// The value of a JSON integer from 0 to 2^53, which every reader can represent exactly; nullopt for anything else, also
// for 1.0 and 1e3. JsonScanner has already checked the grammar.
std::optional<std::uint64_t> count_of(std::string_view json);

}  // namespace sallyport::routing
