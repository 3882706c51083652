#include "routing/model_call.hpp"

#include <nlohmann/json.hpp>

#include <string>

#include "routing/json_scanner.hpp"
#include "routing/spliced_body.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using core::Reason;
using nlohmann::json;
using routing::Family;
using routing::ModelCall;

namespace {

core::Result<ModelCall> read(std::string_view body, std::size_t split = 0) {
  routing::ModelCallReader reader;
  for (const auto piece : {body.substr(0, split), body.substr(split)}) {
    if (const auto fed = reader.feed(core::bytes_of(piece)); !fed) return fed.error();
  }
  return reader.finish();
}

// The one answer that every split of the body gives.
core::Result<ModelCall> read_at_every_split(const std::string& body) {
  const auto whole = read(body);
  for (std::size_t split = 1; split < body.size(); ++split) {
    const auto halves = read(body, split);
    INFO(body << " split at " << split);
    REQUIRE(halves.has_value() == whole.has_value());
    if (!whole) {
      REQUIRE(halves.error() == whole.error());
      continue;
    }
    REQUIRE(halves->model == whole->model);
    REQUIRE(halves->model_offset == whole->model_offset);
    REQUIRE(halves->model_size == whole->model_size);
    REQUIRE(halves->options == whole->options);
    REQUIRE(halves->options_offset == whole->options_offset);
    REQUIRE(halves->max_tokens == whole->max_tokens);
    REQUIRE(halves->n == whole->n);
  }
  return whole;
}

Reason refusal(const std::string& body) {
  const auto call = read_at_every_split(body);
  return call ? Reason::none : call.error().reason;
}

std::string pass(routing::SplicedBody& spliced, std::string_view body, std::size_t piece_size) {
  std::string out;
  for (; !body.empty(); body.remove_prefix(std::min(piece_size, body.size()))) {
    for (const auto view : spliced.pass(core::bytes_of(body.substr(0, piece_size)))) out += core::text_of(view);
  }
  return out;
}

// The body that goes upstream; the same for every size of pieces, and as long as was said.
std::string spliced(const std::string& body, std::string_view upstream_model, Family family) {
  const auto call = read(body);
  REQUIRE(call.has_value());
  const routing::SplicedBody unread(body.size(), routing::splices_for(*call, upstream_model, family));
  routing::SplicedBody whole = unread;
  const std::string out = pass(whole, body, body.size());
  CHECK(whole.size() == out.size());
  for (std::size_t size = 1; size < body.size(); ++size) {
    routing::SplicedBody writer = unread;
    REQUIRE(pass(writer, body, size) == out);
  }
  return out;
}

}  // namespace

TEST_CASE("A path belongs to its family and no other spelling of it does") {
  CHECK(routing::model_family("/v1/chat/completions") == Family::openai_chat);
  CHECK(routing::model_family("/v1/completions") == Family::openai_completions);
  CHECK(routing::model_family("/v1/embeddings") == Family::openai_embeddings);
  CHECK(routing::model_family("/v1/responses") == Family::openai_responses);
  CHECK(routing::model_family("/v1/messages") == Family::anthropic_messages);
  CHECK(routing::model_family("/v1/messages/count_tokens") == Family::anthropic_messages);
  for (const auto* path :
       {"/v1/rerank", "/v1/score", "/v1/moderations", "/v1/audio/speech", "/v1/images/generations", "/tokenize"}) {
    CHECK(routing::model_family(path) == Family::other);
  }
  for (const auto* path :
       {"", "/", "/v1/models", "/v1/chat/completions/", "/v1/Chat/completions", "/chat/completions", "//v1/completions",
        "/v1/responses/resp_1", "/v1/chat%2fcompletions", "/v1/audio/transcriptions"}) {
    CHECK_FALSE(routing::model_family(path).has_value());
  }
}

TEST_CASE("The few fields are read wherever they stand, at every split") {
  const std::string body =
      R"( { "messages":[{"role":"user","content":"\"model\":\"x\""}], "mod\u0065l" : "ll\u0061ma-\"3\"" ,)"
      R"("stream":true,"stream_options": {"include_usage" : true },"max_tokens":16,"max_completion_tokens":32} )";
  const auto call = read_at_every_split(body);
  REQUIRE(call.has_value());
  CHECK(call->model == "llama-\"3\"");
  CHECK(call->stream);
  CHECK(call->asks_usage);
  CHECK(call->max_tokens == 16);
  CHECK(call->max_completion_tokens == 32);
  CHECK_FALSE(call->n);
  CHECK(call->object_offset == 2);
  CHECK(body.substr(call->model_offset, call->model_size) == R"("ll\u0061ma-\"3\"")");
  REQUIRE(call->options_offset.has_value());
  CHECK(body.substr(*call->options_offset, call->options_size) == call->options);
  CHECK(call->options == R"({"include_usage" : true })");
}

TEST_CASE("Absent, null and odd fields mean what they should") {
  const auto plain = read(R"({"model":"m"})");
  REQUIRE(plain.has_value());
  CHECK_FALSE(plain->stream);
  CHECK_FALSE(plain->asks_usage);
  CHECK_FALSE(plain->max_tokens);
  CHECK_FALSE(plain->options_offset.has_value());

  for (const std::string value :
       {"null", "-1", "true", "\"\"", "\"many\"", "\"7 \"", "\"nan\"", "[]", "[7]", "1e999", "{\"a\":1}", "-1e300"}) {
    const auto call = read(R"({"model":"m","max_output_tokens":)" + value + "}");
    REQUIRE(call.has_value());
    INFO(value);
    CHECK_FALSE(call->max_output_tokens);
  }
  for (const std::string value : {"null", "false"}) {
    const auto call =
        read(R"({"model":"m","stream":)" + value + R"(,"stream_options":{"include_usage":)" + value + "}}");
    REQUIRE(call.has_value());
    CHECK_FALSE(call->stream);
    CHECK_FALSE(call->asks_usage);
  }
}

TEST_CASE("A number counts in every form that a server may take for one, up to 2^53") {
  constexpr std::uint64_t most = 1ull << 53;
  const std::pair<std::string, std::uint64_t> numbers[] = {
      {"0", 0},        {"7", 7},          {"\"7\"", 7},
      {"7.0", 7},      {"1e3", 1000},     {"\"1e3\"", 1000},
      {"1.5", 1},      {"-0", 0},         {"9007199254740993", most},
      {"1e300", most}, {"\"inf\"", most}, {"340282366920938463463374607431768211456", most},
  };
  for (const auto& [text, number] : numbers) {
    INFO(text);
    const auto call = read(R"({"model":"m","max_tokens":)" + text + R"(,"n":)" + text + "}");
    REQUIRE(call.has_value());
    CHECK(call->max_tokens == number);
    CHECK(call->n == number);
  }
  CHECK_FALSE(read(R"({"model":"m","n":)" + std::string(5000, '7') + "}")->n);  // no server takes that
}

TEST_CASE("Of n and best_of, which may come twice, the last counts, and only as they are written") {
  for (const std::string key : {"n", "best_of"}) {
    const auto call = read_at_every_split(R"({")" + key + R"(":5,"model":"m",")" + key + "\":17}");
    REQUIRE(call.has_value());
    const auto& counted = key == "n" ? call->n : call->best_of;
    CHECK(counted == 17);
    const auto gone = read_at_every_split(R"({")" + key + R"(":5,"model":"m",")" + key + "\":[1,2]}");
    REQUIRE(gone.has_value());
    CHECK_FALSE(gone->n);
    CHECK_FALSE(gone->best_of);
  }
  const auto upper = read(R"({"model":"m","N":5,"Best_of":5,"n":2})");
  REQUIRE(upper.has_value());
  CHECK(upper->n == 2);
  CHECK_FALSE(upper->best_of);
}

TEST_CASE("What is expected of answers is what the path's own API lets them have") {
  const auto expected = [](const std::string& path, const std::string& more, std::uint64_t each = 1000) {
    return routing::expected_output(read(R"({"model":"m")" + more + "}").value(), path, each);
  };
  const std::string chat = "/v1/chat/completions", completions = "/v1/completions", responses = "/v1/responses";
  const std::string messages = "/v1/messages";
  for (const std::string& path : {chat, completions, responses, messages}) CHECK(expected(path, "") == 1000);
  for (const char* path : {"/v1/embeddings", "/v1/rerank", "/v1/messages/count_tokens", "/v1/audio/speech", "/other"}) {
    CHECK(expected(path, R"(,"max_tokens":7,"n":9)") == 0);
  }
  const std::string all = R"(,"max_tokens":2,"max_completion_tokens":3,"max_output_tokens":5,"n":7,"best_of":11)";
  CHECK(expected(chat, all) == 3 * 7);
  CHECK(expected(completions, all) == 2 * 11);
  CHECK(expected(responses, all) == 5);
  CHECK(expected(messages, all) == 2);
  CHECK(expected(chat, R"(,"max_output_tokens":1)") == 1000);  // its server would not heed it
  CHECK(expected(completions, R"(,"max_completion_tokens":1)") == 1000);
  CHECK(expected(responses, R"(,"max_tokens":1)") == 1000);
  CHECK(expected(chat, R"(,"n":4)") == 4000);
  CHECK(expected(chat, R"(,"n":0)") == 1000);
  CHECK(expected(chat, R"(,"n":-4)") == 1000);
  CHECK(expected(chat, R"(,"max_tokens":0)") == 0);
  CHECK(expected(chat, R"(,"max_tokens":-1)") == 1000);  // without limit, for llama.cpp
  CHECK(expected(chat, R"(,"max_tokens":1e300,"n":1e300)") == UINT64_MAX);
  CHECK(expected(completions, R"(,"n":4)", UINT64_MAX / 2) == UINT64_MAX);
}

TEST_CASE("A body without a model is told from one that is malformed") {
  CHECK(refusal("{}") == Reason::model_missing);
  CHECK(refusal(R"({"messages":[]})") == Reason::model_missing);
  CHECK(refusal(R"({"model":""})") == Reason::model_missing);
  CHECK(refusal(R"({"model":null})") == Reason::model_missing);
  CHECK(refusal(R"({"x":{"model":"m"}})") == Reason::model_missing);
  CHECK(read("").error() == core::Error(Reason::malformed_json));
  for (const std::string body :
       {"[]", "null", R"("model")", R"([{"model":"m"}])", R"({"model":1})", R"({"model":["m"]})",
        R"({"model":{"a":"m"}})", R"({"model":true})", R"({"model":"m")", R"({"model":"m"}})", R"({"model":"m",})",
        R"({"model":"\ud800"})", R"({"model":"a\u0000b"})", "{\"model\":\"\xff\"}", "\xef\xbb\xbf{\"model\":\"m\"}",
        R"({"model":"m"}{"model":"n"})", R"({"model":NaN})", R"(model=m)"}) {
    INFO(body);
    CHECK(refusal(body) == Reason::malformed_json);
  }
  CHECK(refusal(std::string("{\0\"\0m\0", 6)) == Reason::malformed_json);  // UTF-16
}

TEST_CASE("A stream that is neither true nor false is refused") {
  for (const std::string value : {"1", "0", "\"true\"", "[]", "{}", "\"\""}) {
    CHECK(refusal(R"({"model":"m","stream":)" + value + "}") == Reason::malformed_json);
  }
}

TEST_CASE("A model name is read up to its limit and refused one byte longer, however it is written") {
  const std::string name(routing::model_name_limit, 'm');
  REQUIRE(read(R"({"model":")" + name + "\"}").has_value());
  CHECK(read(R"({"model":")" + name + "\"}")->model == name);
  CHECK(read(R"({"model":")" + name + "m\"}").error() == core::Error(Reason::malformed_json));
  std::string escaped;
  for (std::size_t i = 0; i < name.size(); ++i) escaped += "\\u006d";
  CHECK(read(R"({"model":")" + escaped + "\"}")->model == name);
  CHECK(read(R"({"model":")" + escaped + "m\"}").error() == core::Error(Reason::malformed_json));
  CHECK(read(R"({"model":")" + std::string(1 << 20, 'm') + "\"}").error() == core::Error(Reason::malformed_json));
}

TEST_CASE("stream_options are read up to their limit and refused one byte longer") {
  const auto body = [](std::size_t size) {
    return R"({"model":"m","stream_options":{")" + std::string(size - 6, 'x') + "\":1}}";
  };
  CHECK(read(body(routing::stream_options_limit)).has_value());
  CHECK(read(body(routing::stream_options_limit + 1)).error() == core::Error(Reason::malformed_json));
}

TEST_CASE("No field that is read may come twice") {
  for (const std::string key :
       {"model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens"}) {
    const std::string value = key == "model" ? "\"m\"" : "null";
    const auto twice = [&](const std::string& second) {
      return R"({")" + key + "\":" + value + R"(,"messages":[],")" + second + "\":" + value + "}";
    };
    CHECK(refusal(twice(key)) == Reason::duplicate_field);
    CHECK(refusal(twice("\\u006d" + key.substr(1))) ==
          (key[0] == 'm' ? Reason::duplicate_field : Reason::model_missing));
    std::string upper = key;
    upper[0] = static_cast<char>(upper[0] - 'a' + 'A');
    CHECK(refusal(twice(upper)) == Reason::duplicate_field);
  }
  CHECK(refusal(R"({"model":"m","mod\u0065l":"n"})") == Reason::duplicate_field);
  CHECK(refusal(R"({"model":"m","stream_options":{"include_usage":false,"include_usage":true}})") ==
        Reason::duplicate_field);
}

TEST_CASE("The upstream's model name takes the place of the client's, everything else stays") {
  const std::string body = R"({ "model" : "a\u0062c" , "messages":[1.0,  "x\/y"],"stream":true})";
  CHECK(spliced(body, "b", Family::other) == R"({ "model" : "b" , "messages":[1.0,  "x\/y"],"stream":true})");
  CHECK(spliced(body, "we\"ird\\\n", Family::other).find(R"("we\"ird\\\u000a")") != std::string::npos);
  CHECK(spliced(body, "abc", Family::other) == body);
}

TEST_CASE("Usage is asked for in a stream whose client did not, and only there") {
  struct Case {
    std::string body;
    json options;
  };
  const json asked = {{"include_usage", true}};
  const std::vector<Case> cases = {
      {R"({"model":"m","stream":true})", asked},
      {R"( {  "stream":true,"model":"m","messages":[]})", asked},
      {R"({"stream_options":null,"model":"m","stream":true})", asked},
      {R"({"model":"m","stream":true,"stream_options":{}})", asked},
      {R"({"model":"m","stream":true,"stream_options":{ }})", asked},
      {R"({"stream":true,"stream_options": {"include_usage" : false},"model":"m"})", asked},
      {R"({"stream":true,"stream_options":{"include_usage":null},"model":"m"})", asked},
      {R"({"stream":true,"stream_options":{"include_\u0075sage":false},"model":"m"})", asked},
      {R"({"stream":true,"model":"m","stream_options": { "x" : {"include_usage":false} } })",
       {{"include_usage", true}, {"x", {{"include_usage", false}}}}},
      {R"({"stream":true,"stream_options":{"include_usage":true},"model":"m"})", asked},
      {R"({"stream":true,"stream_options":[],"model":"m"})", json::array()},
      {R"({"stream":true,"stream_options":"x","model":"m"})", "x"},
      {R"({"stream":false,"model":"m"})", nullptr},
      {R"({"stream":false,"stream_options":{"a":1},"model":"m"})", {{"a", 1}}},
      {R"({"model":"m"})", nullptr},
  };
  for (const auto& [body, options] : cases) {
    INFO(body);
    const auto out = json::parse(spliced(body, "upstream/model", Family::openai_chat));
    auto expected = json::parse(body);
    expected["model"] = "upstream/model";
    expected.erase("stream_options");
    if (!options.is_null()) expected["stream_options"] = options;
    CHECK(out == expected);

    const auto not_asked = json::parse(spliced(body, "upstream/model", Family::anthropic_messages));
    expected = json::parse(body);
    expected["model"] = "upstream/model";
    CHECK(not_asked == expected);
  }
}

TEST_CASE("A splice at the edges of a body and splices side by side are applied") {
  for (std::size_t size = 1; size <= 6; ++size) {
    routing::SplicedBody writer(6, {{0, 1, "ab"}, {1, 2, ""}, {3, 0, "cd"}, {5, 1, "z"}});
    CHECK(writer.size() == 7);
    CHECK(pass(writer, "123456", size) == "abcd45z");
  }
}
