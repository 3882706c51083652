#include "gateway/config/config_text.hpp"

#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::gateway;
using namespace std::chrono_literals;

TEST_CASE("a size is bytes or a power of two of them") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("512") == 512);
  CHECK(parse_size("32KiB") == 32u * 1024);
  CHECK(parse_size("64MiB") == 64u << 20);
  CHECK(parse_size("2GiB") == 2ull << 30);
  CHECK(parse_size("16777215TiB") == 16777215ull << 40);
  for (const auto* wrong : {"", " ", "KiB", "-1", "+1", "1.5MiB", "64MB", "64 MiB", "64mib", "16777216TiB",
                            "18446744073709551616", "1KiB ", "0x10"}) {
    INFO(wrong);
    CHECK_FALSE(parse_size(wrong));
  }
}

TEST_CASE("a duration has a unit, and ten years are the most") {
  CHECK(parse_duration("0") == 0ns);
  CHECK(parse_duration("0s") == 0ns);
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("10s") == 10s);
  CHECK(parse_duration("5m") == 5min);
  CHECK(parse_duration("1h") == 1h);
  CHECK(parse_duration("30d") == 30 * 24h);
  CHECK(parse_duration("3650d") == 3650 * 24h);
  for (const auto* wrong : {"", "s", "10", "-1s", "1.5s", "1 s", "1S", "3651d", "99999999999999999999s", "1us", "1y"}) {
    INFO(wrong);
    CHECK_FALSE(parse_duration(wrong));
  }
}

TEST_CASE("a duration is shown in the largest unit that loses nothing, and reads back") {
  CHECK(text_of(core::Duration(90s)) == "90s");
  CHECK(text_of(core::Duration(3600s)) == "1h");
  CHECK(text_of(core::Duration(48h)) == "2d");
  CHECK(text_of(core::Duration(0s)) == "0s");
  CHECK(text_of(core::Duration(1500ms)) == "1500ms");
  for (const auto* text : {"1ms", "999ms", "7s", "61m", "23h", "400d"}) CHECK(text_of(*parse_duration(text)) == text);
}

TEST_CASE("an address is numeric and has a port") {
  CHECK(text_of(*parse_address("127.0.0.1:8443")) == "127.0.0.1:8443");
  CHECK(parse_address("[::1]:1")->host == "::1");
  CHECK(text_of(*parse_address("[::]:65535")) == "[::]:65535");
  CHECK(parse_address("0.0.0.0:0")->port == 0);
  for (const auto* wrong :
       {"", ":", "127.0.0.1", "127.0.0.1:", ":8443", "localhost:80", "::1:80", "[::1]", "[::1]:", "[127.0.0.1]:80",
        "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8a", "1.2.3:80", "[::1]80"}) {
    INFO(wrong);
    CHECK_FALSE(parse_address(wrong));
  }
  CHECK(is_loopback(*parse_address("127.9.9.9:1")));
  CHECK(is_loopback(*parse_address("[::1]:1")));
  CHECK_FALSE(is_loopback(*parse_address("10.0.0.1:1")));
  CHECK_FALSE(is_loopback(*parse_address("[::]:1")));
}

TEST_CASE("an endpoint is a scheme, a host and a port, and nothing else") {
  std::string problem;
  CHECK(parse_endpoint("https://llama.internal", problem)->port == 443);
  CHECK(parse_endpoint("http://llama.internal", problem)->port == 80);
  CHECK(parse_endpoint("http://llama.internal", problem)->plaintext);
  const auto six = parse_endpoint("https://[fd00::5]:8000", problem);
  REQUIRE(six);
  CHECK(six->host == "fd00::5");
  CHECK(six->port == 8000);
  CHECK_FALSE(six->plaintext);
  for (const auto* wrong : {"", "10.0.0.5:8000", "https://", "https://:8000", "https://a:0", "https://a:65536",
                            "https://a/v1", "https://a/", "https://a?x", "https://user@a", "https://a b",
                            "https://fd00::5", "https://[a]:1", "ftp://a", "HTTPS://a"}) {
    INFO(wrong);
    problem.clear();
    CHECK_FALSE(parse_endpoint(wrong, problem));
    CHECK_FALSE(problem.empty());
  }
}

TEST_CASE("a name is short, visible and starts with a letter or digit") {
  CHECK(is_name("meta-llama/Llama-3.1-8B_Instruct:q4@x+y"));
  CHECK(is_name(std::string(128, 'a')));
  CHECK_FALSE(is_name(std::string(129, 'a')));
  for (const auto* wrong : {"", "a b", "-a", "/a", "a*", "a\n", "a\x1b[31m", "é", "a\"b"}) CHECK_FALSE(is_name(wrong));
}

TEST_CASE("a slip of the finger finds the word that was meant, another word does not") {
  const std::vector<std::string> keys = {"name", "address", "tls", "plaintext"};
  CHECK(nearest("adress", keys) == "address");
  CHECK(nearest("nmae", keys) == "name");
  CHECK(nearest("plain_text", keys) == "plaintext");
  CHECK(nearest("tsl", keys) == "tls");
  CHECK(nearest("upstream", keys).empty());
  CHECK(nearest("xyz", keys).empty());
  CHECK(nearest(std::string(10'000, 'a'), keys).empty());
}
