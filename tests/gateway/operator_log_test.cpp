#include "gateway/operator_log.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "core/descriptor.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::gateway;
using nlohmann::json;

namespace {

json read_line(std::string_view event, OperatorLogger::Fields fields) {
  return json::parse("{" + format_event(LogFormat::json, event, fields) + "}", nullptr, false);
}

// What `work` writes there.
std::string on_stderr(const std::function<void()>& work) {
  const core::Descriptor before(::dup(STDERR_FILENO)), file(::memfd_create("stderr", MFD_CLOEXEC));
  REQUIRE(::dup2(file.number(), STDERR_FILENO) >= 0);
  work();
  ::dup2(before.number(), STDERR_FILENO);
  std::string text(4096, '\0');
  const ssize_t size = ::pread(file.number(), text.data(), text.size(), 0);
  REQUIRE(size >= 0);
  text.resize(static_cast<std::size_t>(size));
  return text;
}

}  // namespace

TEST_CASE("an event is its name and its fields") {
  CHECK(format_event(LogFormat::text, "ready", {}) == "ready");
  CHECK(format_event(LogFormat::text, "listening",
                     {{"listener", "public"},
                      {"address", std::string("[::1]:8443")},
                      {"tls", true},
                      {"workers", 4u},
                      {"offset", -2},
                      {"seconds", 0.5}}) ==
        "listening listener=public address=[::1]:8443 tls=true workers=4 offset=-2 seconds=0.5");
  const json line = read_line("listening", {{"listener", "public"}, {"tls", false}, {"workers", 4u}, {"seconds", 0.5}});
  CHECK(line ==
        json({{"event", "listening"}, {"listener", "public"}, {"tls", false}, {"workers", 4}, {"seconds", 0.5}}));
}

TEST_CASE("no value can forge a line, a field or a terminal command") {
  const std::string hostile[] = {"a\nWARNING forged",
                                 "a b=c",
                                 "\x1b[2J",
                                 "quo\"te",
                                 "back\\slash",
                                 "",
                                 std::string("nul\0l", 5),
                                 "\xc2\x9b"
                                 "31m",
                                 "\xe2\x80\xae"
                                 "txt.exe",
                                 "\xff\xfe",
                                 "tab\t",
                                 "\r",
                                 "\x7f"};
  for (const std::string& value : hostile) {
    const std::string text = format_event(LogFormat::text, "event", {{"value", value}, {"last", "x"}});
    INFO(text);
    for (const char letter : text) CHECK((letter >= 0x20 && letter < 0x7f));
    CHECK(text.starts_with("event value=\""));
    CHECK(text.ends_with("\" last=x"));

    const std::string line = format_event(LogFormat::json, "event", {{"value", value}});
    for (const char letter : line) CHECK((letter >= 0x20 && letter < 0x7f));
    const json parsed = read_line("event", {{"value", value}});
    REQUIRE(parsed.is_object());
    CHECK(parsed.size() == 2);
  }
  CHECK(read_line("event", {{"value", hostile[0]}})["value"] == hostile[0]);
  CHECK(format_event(LogFormat::text, "e", {{"v", "a\nb\"\\\x1b"}}) == R"(e v="a\nb\"\\\x1b")");
}

TEST_CASE("braces in a value are no format") {
  CHECK(format_event(LogFormat::text, "e", {{"v", "{}%v%s"}}) == "e v=\"{}%v%s\"");
}

TEST_CASE("a value is cut at its limit") {
  const std::string limit(1024, 'a');
  CHECK(format_event(LogFormat::text, "e", {{"v", limit}}) == "e v=" + limit);
  CHECK(format_event(LogFormat::text, "e", {{"v", limit + "b"}}) == "e v=" + limit);
}

TEST_CASE("numbers that JSON cannot write are null") {
  CHECK(read_line("e", {{"v", std::numeric_limits<double>::infinity()}})["v"].is_null());
  CHECK(read_line("e", {{"v", std::numeric_limits<double>::quiet_NaN()}})["v"].is_null());
}

TEST_CASE("a secret cannot be a field") {
  CHECK_FALSE(std::is_constructible_v<LogField, std::string_view, const core::Secret&>);
  CHECK(std::is_constructible_v<LogField, std::string_view, std::string_view>);
}

TEST_CASE("levels below the configured one are not written, and a reload changes it") {
  const std::string written = on_stderr([] {
    OperatorLogger logger({LogFormat::text, LogLevel::warning});
    logger.info("first");
    logger.warning("second");
    logger.configure({LogFormat::json, LogLevel::info});
    logger.info("third");
  });
  CHECK(written.find("first") == written.npos);
  CHECK(written.find("Z warning second\n") != written.npos);
  CHECK(written.find(R"("level":"info","event":"third"})") != written.npos);
}
