#include "core/find_byte.hpp"

#include <string>

#include "tests/support/catch.hpp"

using sallyport::core::find_byte;

namespace {

constexpr auto wanted = [](auto c) { return c == '"' || (c >= 0 && c < 0x20); };

}  // namespace

TEST_CASE("the first byte of a kind is found wherever it stands in a text of any length") {
  for (std::size_t size = 0; size <= 70; ++size) {
    const std::string plain(size, 'a');
    CHECK(find_byte(plain, wanted) == size);
    for (std::size_t at = 0; at < size; ++at) {
      INFO(size << " " << at);
      std::string text = plain;
      text[size - 1] = '\n';
      text[at] = '"';
      REQUIRE(find_byte(text, wanted) == at);
    }
  }
}

TEST_CASE("every value of a byte is of the same kind alone and in a block") {
  for (int value = 0; value < 256; ++value) {
    INFO(value);
    const auto byte = static_cast<char>(value);
    const std::size_t found = value < 0x20 || byte == '"' ? 0 : 1;
    CHECK(find_byte(std::string(1, byte), wanted) == found);
    CHECK(find_byte(std::string(16, byte), wanted) == found * 16);
  }
}
