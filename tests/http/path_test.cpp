#include "http/path.hpp"

#include <cctype>
#include <string>

#include "tests/support/catch.hpp"

using sallyport::http::decoded;
using sallyport::http::is_normal_path;

TEST_CASE("a path that every server reads alike is in normal form") {
  for (const auto* path : {"/", "*", "/v1/files/", "/v1/chat/completions", "/a.b/..c/d../...", "/.well-known/x",
                           "/caf%C3%A9", "/caf%c3%a9", "/a%20b", "/a%3Ab", "/100%25", "/a:b@c!$&'()*+,=d", "/~me/a_b-c",
                           "/a|b", "/%2563hat", "/a%3Bb"}) {
    INFO(path);
    CHECK(is_normal_path(path));
  }
}

TEST_CASE("a path that some server may read as another is not") {
  for (const auto* path : {"",
                           "v1/models",  // no path at all
                           "/v1/%63hat/completions",
                           "/%76%31/models",
                           "/%7Eme",
                           "/a%2Eb",
                           "/%5F",  // an encoded unreserved byte
                           "/.",
                           "/..",
                           "/v1/./x",
                           "/v1/audio/../x",
                           "/v1/x/..",
                           "/%2e%2e/x",
                           "/%2E%2E/x",
                           "/.%2E/x",  // dot segments
                           "//",
                           "//v1",
                           "/v1//x",
                           "/v1/x//",  // empty segments
                           "/a%2Fb",
                           "/a%2fb",
                           "/a%5Cb",
                           "/a\\b",
                           "/v1\\..\\x",  // hidden slashes
                           "/a%00",
                           "/v1/chat/completions%0A",
                           "/a%0D",
                           "/a%1F",
                           "/a%7F",
                           "/a%09b",  // control bytes
                           "/v1/chat/completions;x",
                           "/..;/x",  // parameters
                           "/a%",
                           "/a%2",
                           "/a%zz",
                           "/%%35",
                           "/a%/20"}) {  // wrong encoding
    INFO(path);
    CHECK_FALSE(is_normal_path(path));
  }
}

TEST_CASE("every encoded byte is either kept apart from its plain form or refused") {
  const std::string digits = "0123456789ABCDEF";
  const std::string refused = "-._~/\\";
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool alphanumeric = byte < 128 && std::isalnum(static_cast<int>(byte)) != 0;
    const bool control = byte < 0x20 || byte == 0x7f;
    INFO("byte " << byte);
    CHECK(is_normal_path(std::string("/a%") + digits[byte / 16] + digits[byte % 16]) ==
          !(alphanumeric || control || refused.find(c) != refused.npos));
  }
}

TEST_CASE("percent-encoding is undone, or refused where it is not one") {
  CHECK(decoded("") == "");
  CHECK(decoded("meta-llama%2FLlama-3.1-8B") == "meta-llama/Llama-3.1-8B");
  CHECK(decoded("llama3.2%3a3b") == "llama3.2:3b");
  CHECK(decoded("a/b%25") == "a/b%");
  for (const auto* text : {"%", "a%2", "%zz", "%2", "%%"}) {
    INFO(text);
    CHECK_FALSE(decoded(text).has_value());
  }
}
