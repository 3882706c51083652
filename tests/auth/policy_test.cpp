#include "auth/policy.hpp"

#include "tests/support/catch.hpp"

using namespace sallyport::auth;

TEST_CASE("a pattern without a star matches exactly its own name") {
  CHECK(matches("embed", "embed"));
  CHECK_FALSE(matches("embed", "embed2"));
  CHECK_FALSE(matches("embed2", "embed"));
  CHECK_FALSE(matches("embed", "Embed"));
}

TEST_CASE("a star at the end matches every name with that prefix") {
  CHECK(matches("llama*", "llama"));
  CHECK(matches("llama*", "llama-3.3-70b"));
  CHECK(matches("meta/llama*", "meta/llama-3"));
  CHECK(matches("llama*", "llama*"));
  CHECK_FALSE(matches("llama*", "lama"));
  CHECK_FALSE(matches("llama*", "my-llama"));
}

TEST_CASE("a star alone matches every name, and no name is not a name") {
  CHECK(matches("*", "anything"));
  CHECK_FALSE(matches("*", ""));
}

TEST_CASE("what is not a pattern matches nothing, not even itself") {
  for (const char* text : {"", "*llama", "ll*ma", "llama**", "**", "a b", "a\nb", "a\x7f", "caf\xc3\xa9"}) {
    INFO("pattern: " << text);
    CHECK_FALSE(is_pattern(text));
    CHECK_FALSE(matches(text, text));
    CHECK_FALSE(matches(text, "llama"));
  }
}

TEST_CASE("other characters that mean something elsewhere are plain here") {
  CHECK_FALSE(matches("llama.", "llama3"));
  CHECK_FALSE(matches("llama?", "llama3"));
  CHECK_FALSE(matches("[a-z]", "b"));
  CHECK(matches("a?[b]", "a?[b]"));
}

TEST_CASE("a pattern may be as long as the limit and not one longer") {
  CHECK(is_pattern(std::string(max_pattern_size, 'a')));
  CHECK_FALSE(is_pattern(std::string(max_pattern_size + 1, 'a')));
}

TEST_CASE("an empty list of patterns allows nothing") {
  CHECK_FALSE(any_matches({}, "llama"));
  CHECK(any_matches({"embed", "llama*"}, "llama-3"));
  CHECK_FALSE(any_matches({"embed", "llama*"}, "qwen"));
}

TEST_CASE("a principal's name holds nothing that means something in a table, a label or a log line") {
  for (const char* text : {"team-a", "Team_A.1", "alice@example.org", "org/team:prod+1"}) {
    INFO("name: " << text);
    CHECK(is_principal_name(text));
  }
  for (const char* text :
       {"", "team a", "team\n", "team\"", "\x1b[2J", "team,a", "{team}", "-team", ".team", "caf\xc3\xa9", "tk-mine"}) {
    INFO("name: " << text);
    CHECK_FALSE(is_principal_name(text));
  }
  CHECK(is_principal_name(std::string(max_name_size, 'a')));
  CHECK_FALSE(is_principal_name(std::string(max_name_size + 1, 'a')));
}
