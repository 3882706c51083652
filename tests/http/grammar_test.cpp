#include "http/grammar.hpp"

#include <string>

#include "tests/support/catch.hpp"

using namespace sallyport::http;

TEST_CASE("what a value and a target may hold is the same for one byte as for many at once") {
  for (unsigned value = 0; value < 256; ++value) {
    INFO(value);
    const bool in_value = value == '\t' || (value >= 0x20 && value != 0x7f);
    const bool in_target = value > 0x20 && value < 0x7f && value != '#';
    for (const std::size_t size : {1, 16, 40}) {
      const std::string text(size, static_cast<char>(value));
      CHECK(grammar::value_length(text) == (in_value ? size : 0));
      CHECK(grammar::target_length(text) == (in_target ? size : 0));
    }
  }
}
