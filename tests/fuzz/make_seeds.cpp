// Where the targets begin, from what the tests hold: make_seeds DIRECTORY writes DIRECTORY/TARGET/NUMBER.
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "auth/token_line.hpp"
#include "logging/checkpoint.hpp"
#include "tests/http/vectors.hpp"
#include "tests/logging/segment_fixture.hpp"

namespace {

using namespace sallyport;
using namespace std::string_literals;
using Seeds = std::map<std::string, std::vector<std::string>>;  // by target

const std::string chunks =
    "Transfer-Encoding: chunked\r\n\r\n"
    "4\r\nfour\r\n6;name=\"value\"\r\n six\r\n\r\nA\r\n0123456789\r\n0\r\nExpires: never\r\nx-sum:1\r\n\r\n";

void add_messages(Seeds& seeds) {
  for (const auto& one : http::testing::accepted_requests()) seeds["request"].push_back(one.bytes);
  for (const auto& one : http::testing::refused_requests()) seeds["request"].push_back(one.bytes);
  seeds["request"].push_back("POST /v1/chat/completions HTTP/1.1\r\nHost: gate\r\n" + chunks);
  for (const auto& one : http::testing::accepted_responses()) seeds["response"].push_back("P" + one.bytes);
  for (const auto& one : http::testing::refused_responses()) seeds["response"].push_back("P" + one.bytes);
  seeds["response"].push_back("PHTTP/1.1 200 OK\r\n" + chunks);
}

void add_json(Seeds& seeds) {
  seeds["model_call"] = {
      R"({"model":"llama","stream":true,"max_tokens":5,"messages":[{"role":"user",)"
      R"("content":"caf\u00e9 \ud83d\ude00"}]})",
      R"({ "stream_options" : { "include_usage" : false } , "stream":true, "model" : "a\/b" })",
      R"({"stream":true,"stream_options":{},"model":"\u0061","max_completion_tokens":9007199254740992,"x":-1.5e+3})",
      R"({"stream":true,"stream_options":null,"model":"m","max_output_tokens":1e3,"y":[[],{},"",0,null,false]})",
  };
  const std::string chat =
      "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}\n\n"
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\ndata: "
      "[DONE]\n\n";
  const std::string messages =
      "event: message_start\r\ndata: "
      "{\"message\":{\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":2}}}\r\n\r\n"
      ": a comment\rdata:{\"usage\":\rdata:{\"output_tokens\":7}}\r\r";
  const std::string plain = R"({"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})";
  for (const char way : "\x60\x42\x40\x64\x00\x20\x04"s) {
    for (const std::string& body : {chat, messages, plain}) seeds["usage"].push_back(way + body);
  }
}

void add_log(Seeds& seeds) {
  const core::Bytes segment = logging::read_whole(
      std::filesystem::path(SOURCE_DIR) / "tests/vectors/log_v1_signed" / logging::segment_name(2), 1 << 20);
  tests::MemorySource source(segment);
  logging::FrameWalker walker(source);
  if (walker.open() != logging::HeaderProblem::none) throw std::runtime_error("the golden log cannot be read");
  while (walker.next() == logging::FrameWalker::Step::frame) {
    const std::string_view text = logging::note_in(walker.frame());
    if (text.empty()) continue;
    seeds["log_texts"].push_back(std::string(text));
    seeds["log_texts"].push_back(logging::parse_note(text).value().text);
  }
  logging::TenantKey tenant;
  tenant.number = 2;
  tenant.name = "acme";
  seeds["log_texts"].push_back(std::string(core::text_of(logging::encode_tenants({tenant}))));
  seeds["log_edits"] = {"\0\0\1\0\1"s, "\2\0\3\0\1"s, "\1\0\0\100\1"s, "\0\1\2\0\0"s, "\2\2\2\0\30\3\3\100\70"s};
}

void add_tls(Seeds& seeds) {
  const std::string ticket = "\4\0\0\3abc"s, key_update = "\30\0\0\1\1"s;
  seeds["tls_messages"] = {"\0"s + ticket, "\0"s + ticket + ticket + key_update, "\1"s + key_update};
  // Content, with padding, large; a key update; a ticket in two parts; a goodbye; an unknown type; garbage; damage.
  const std::string good = "\0\5hello\11\6stream\372\0\0\3end"s;
  for (const std::string& then :
       {""s, "\3\4\4\0\0\6\3\6ticket"s, "\4\2\1\0"s, "\305\1x"s, "\6\5\27\3\3\0\2"s, "\7\1x"s}) {
    for (const char role : {'\0', '\1'}) seeds["tls_stream"].push_back(role + good + then + "\0\1!"s);
  }
}

void add_words(Seeds& seeds) {
  const auto add = [&](char which, std::initializer_list<std::string> texts) {
    for (const std::string& text : texts) seeds["words"].push_back(which + text);
  };
  add('\0', {std::string(auth::make_token_text().reveal_text())});
  add('\1', {R"({"version":1,"id":"tk-0123456789abcdef","name":"team-a","hash":")" + std::string(64, 'a') +
                 R"(","created":"2026-01-31T08:00:00Z","expires":"2027-01-31T00:00:00Z","models":["llama*"],)" +
                 R"("routes":["audio*"],"limits":{"requests_per_minute":60},"tenant":"acme"})",
             R"({"version":1,"revoke":"tk-0123456789abcdef","at":"2026-03-01T12:00:00Z"})"});
  add('\2', {"2027-01-31T08:00:00Z", "2028-02-29"});
  add('\3', {"/v1/models?a=b", "http://gate:80/x", "https://[2001:db8::1]:8443/", "https://10.0.0.1"});
  add('\4', {"/v1/files/", "/caf%C3%A9", "/a.b/..c/d../...", "/a%2Eb", "/%2563hat"});
  add('\5', {"127.0.0.1:8443", "[::1]:8443", "64MiB", "250ms", "3600s", "https://llama.internal", "http://[::1]:8000"});
  add('\6', {"+OK\r\n", "-ERR no\r\n+OK\r\n", "*2\r\n:-7\r\n:60000000000000\r\n"});
  add('\7', {"aGVsbG8=", "aGVsbG8", "0011ff"});
}

// The sections of the full example one at a time, without comments: small inputs change faster.
void add_configuration(Seeds& seeds) {
  std::istringstream full(tests::read_file(std::filesystem::path(SOURCE_DIR) / "configs" / "full.yaml"));
  auto& sections = seeds["configuration"];
  for (std::string line; std::getline(full, line);) {
    if (sections.empty() || (!line.empty() && line.front() >= 'a')) sections.emplace_back();
    sections.back() += line.substr(0, line.find(" #")) + "\n";
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 2;
  Seeds seeds;
  add_messages(seeds);
  add_json(seeds);
  add_log(seeds);
  add_tls(seeds);
  add_words(seeds);
  add_configuration(seeds);
  for (const auto& [target, texts] : seeds) {
    const std::filesystem::path directory = std::filesystem::path(words[1]) / target;
    std::filesystem::create_directories(directory);
    for (std::size_t i = 0; i < texts.size(); ++i) tests::write_file(directory / std::to_string(i), texts[i]);
  }
}
