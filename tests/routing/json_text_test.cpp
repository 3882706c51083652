#include "routing/json_text.hpp"

#include <nlohmann/json.hpp>

#include "tests/support/catch.hpp"

using namespace sallyport;

TEST_CASE("JSON strings lose their escapes as another reader undoes them") {
  for (const std::string text :
       {R"("plain")", R"("\"\\\/\b\f\n\r\t")", R"("\u0041\u00e9\u20ac\ud83d\ude00!")", R"("")"}) {
    const auto unescaped = routing::unescape_json(std::string_view(text).substr(1, text.size() - 2));
    REQUIRE(unescaped);
    CHECK(*unescaped == nlohmann::json::parse(text).get<std::string>());
  }
  for (const std::string_view text :
       {R"(\ud83d)", R"(\ude00)", R"(\ud83dx)", R"(\ud83d\u0041)", R"(\u0000)", R"(\ud83d\ud83d)"}) {
    CHECK_FALSE(routing::unescape_json(text));
  }
}

TEST_CASE("Text is quoted so that another reader gives it back") {
  for (const std::string text : {"", "llama", "a\"b\\c/d", "\n\t\x01\x1f", "\xc3\xa9\xf0\x9f\x98\x80"}) {
    CHECK(nlohmann::json::parse(routing::quote_json(text)).get<std::string>() == text);
  }
}

TEST_CASE("Counts go from 0 to 2^53") {
  CHECK(routing::count_of("0") == 0u);
  CHECK(routing::count_of("9007199254740992") == 1ull << 53);
  for (const auto* text : {"9007199254740993", "18446744073709551616", "-1", "1.0", "1e3", "", "null", "\"1\"", "1 "}) {
    INFO(text);
    CHECK_FALSE(routing::count_of(text));
  }
}
