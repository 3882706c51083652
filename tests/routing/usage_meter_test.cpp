#include "routing/usage_meter.hpp"

#include <string>

#include "tests/support/catch.hpp"

using namespace sallyport;
using routing::Family;
using routing::Usage;
using routing::UsageMeter;

namespace {

struct Outcome {
  std::string out;
  std::optional<Usage> usage;
  std::uint64_t events = 0;
};

struct Way {
  Family family = Family::openai_chat;
  bool event_stream = true;
  bool hide = false;
};

void append(std::string& out, const std::vector<core::ConstBytes>& views) {
  for (const auto view : views) out += core::text_of(view);
}

// Each piece in a buffer of its own that ends before the next: a view kept too long is seen by the sanitizer.
Outcome pass(const Way& way, std::string_view body, std::size_t first, std::size_t rest) {
  UsageMeter meter(way.family, way.event_stream, way.hide);
  Outcome outcome;
  const auto take = [&](std::string_view text, auto how) {
    const std::string piece(text);
    const auto& views = (meter.*how)(core::bytes_of(piece));
    if (!way.hide) REQUIRE((piece.empty() || (views.size() == 1 && core::text_of(views[0]).data() == piece.data())));
    append(outcome.out, views);
  };
  for (std::size_t size = first; !body.empty() && size <= body.size(); size = rest) {
    take(body.substr(0, size), &UsageMeter::pass);
    body.remove_prefix(size);
  }
  take(body, &UsageMeter::pass_last);
  outcome.usage = meter.usage();
  outcome.events = meter.events();
  return outcome;
}

// The outcome that every split gives.
Outcome pass(const Way& way, const std::string& body) {
  const auto whole = pass(way, body, body.size(), body.size());
  for (std::size_t split = 0; split <= 2 * body.size(); ++split) {
    const bool halves = split <= body.size();
    const auto other = halves ? pass(way, body, split, body.size()) : pass(way, body, 1, split - body.size());
    INFO("split " << split << " of " << body.size());
    REQUIRE(other.out == whole.out);
    REQUIRE(other.events == whole.events);
    REQUIRE(other.usage.has_value() == whole.usage.has_value());
    if (!whole.usage) continue;
    REQUIRE(other.usage->prompt_tokens == whole.usage->prompt_tokens);
    REQUIRE(other.usage->completion_tokens == whole.usage->completion_tokens);
    REQUIRE(other.usage->total_tokens == whole.usage->total_tokens);
  }
  return whole;
}

void check_usage(const std::optional<Usage>& usage, std::uint64_t prompt, std::uint64_t completion,
                 std::uint64_t total) {
  REQUIRE(usage.has_value());
  CHECK(usage->prompt_tokens == prompt);
  CHECK(usage->completion_tokens == completion);
  CHECK(usage->total_tokens == total);
}

const std::string chunk_one =
    R"(data: {"id":"c","choices":[{"index":0,"delta":{"content":"say \"usage\": {"},"finish_reason":null}],"usage":null})"
    "\n\n";
const std::string chunk_two = R"(data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
                              "\n\n";
const std::string usage_chunk =
    R"(data: {"id":"c","choices":[ ],"usage" : {"prompt_tokens":12,"completion_tokens":5,"total_tokens":17,)"
    R"("prompt_tokens_details":{"cached_tokens":8}}})"
    "\n\n";
const std::string done = "data: [DONE]\n\n";

}  // namespace

TEST_CASE("A chat stream's usage is read and nothing is changed, at every split") {
  const std::string body = chunk_one + ": keep-alive\n\n" + chunk_two + usage_chunk + done;
  const auto outcome = pass({}, body);
  CHECK(outcome.out == body);
  CHECK(outcome.events == 4);
  check_usage(outcome.usage, 12, 5, 17);
}

TEST_CASE("The usage event that the gateway asked for is taken out whole, and nothing else, at every split") {
  for (const auto family : {Family::openai_chat, Family::openai_completions}) {
    const auto outcome = pass({family, true, true}, chunk_one + chunk_two + usage_chunk + ": x\n\n" + done);
    CHECK(outcome.out == chunk_one + chunk_two + ": x\n\n" + done);
    check_usage(outcome.usage, 12, 5, 17);
  }
}

TEST_CASE("A usage event with other line ends, or in several data lines, is taken out too") {
  const std::string carriage_returns = "data: {\"choices\":[],\r\ndata: \"usage\":{\"prompt_tokens\":1}}\r\n\r\n";
  const Way way{Family::openai_chat, true, true};
  for (std::size_t split = 0; split <= carriage_returns.size(); ++split) {
    const auto outcome = pass(way, carriage_returns + done, split, 1000);
    INFO(split);
    // Cut between the CR and LF of its blank line, the LF belongs to the next event, where it means nothing.
    CHECK(outcome.out == (split + 1 == carriage_returns.size() ? "\n" + done : done));
    check_usage(outcome.usage, 1, 0, 1);
  }
  check_usage(pass(way, "data:{\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\r\r").usage, 1, 0, 1);
}

TEST_CASE("An event with usage that also has a choice, or has no choices, is not taken out") {
  for (const std::string event : {R"({"choices":[{"index":0}],"usage":{"prompt_tokens":3,"completion_tokens":4}})",
                                  R"({"usage":{"prompt_tokens":3,"completion_tokens":4}})",
                                  R"({"choices":[[]],"usage":{"prompt_tokens":3,"completion_tokens":4}})",
                                  R"({"choices":null,"usage":{"prompt_tokens":3,"completion_tokens":4}})"}) {
    const std::string body = "data: " + event + "\n\n" + done;
    const auto outcome = pass({Family::openai_chat, true, true}, body);
    CHECK(outcome.out == body);
    check_usage(outcome.usage, 3, 4, 7);
  }
}

TEST_CASE("Events without usage are not taken out, whatever they look like") {
  for (const std::string event :
       {R"({"choices":[]})", R"({"choices":[],"usage":null})", R"({"choices":[],"usage":[]})",
        R"({"choices":[],"usage":{"prompt_tokens":1)", R"({"choices":[],"x":{"usage":{}}})", "[DONE]",
        R"({"error":{"message":"\"usage\":{"}})", R"([{"choices":[],"usage":{}}])"}) {
    const std::string body = "data: " + event + "\n\n" + "id: 7\nevent: x\n\n\n\n" + done;
    const auto outcome = pass({Family::openai_chat, true, true}, body);
    CHECK(outcome.out == body);
    CHECK_FALSE(outcome.usage.has_value());
  }
}

TEST_CASE("An event that lost its blank line at the end of the stream still counts") {
  const std::string body = chunk_one + usage_chunk.substr(0, usage_chunk.size() - 2);
  check_usage(pass({}, body).usage, 12, 5, 17);
  const auto hidden = pass({Family::openai_chat, true, true}, body);
  CHECK(hidden.out == chunk_one);
  check_usage(hidden.usage, 12, 5, 17);
  CHECK(pass({Family::openai_chat, true, true}, chunk_one + "data: {\"cho").out == chunk_one + "data: {\"cho");
}

TEST_CASE("An incomplete event is held up to the limit and passed past it") {
  constexpr std::size_t hold_limit = 64 * 1024;
  const auto usage_event = [](std::size_t size) {
    const std::string head = R"(data: {"choices":[],"usage":{"prompt_tokens":2},"x":")", tail = "\"}\n\n";
    return head + std::string(size - head.size() - tail.size(), 'x') + tail;
  };
  const Way way{Family::openai_chat, true, true};
  CHECK((pass(way, usage_event(hold_limit + 1) + done, hold_limit, hold_limit).out == done));
  const auto longer = usage_event(hold_limit + 2);
  const auto outcome = pass(way, longer + done, hold_limit + 1, hold_limit);
  CHECK((outcome.out == longer + done));
  check_usage(outcome.usage, 2, 0, 2);
  CHECK((pass(way, longer + longer + done, 1, 1).out == longer + longer + done));
  // The next event is held again.
  CHECK((pass(way, longer + usage_chunk + done, 1, 1).out == longer + done));
  // Whole in one piece nothing needs to be held.
  CHECK((pass(way, longer + done, longer.size(), 100).out == done));
}

TEST_CASE("Held bytes go out in the call that ends their event") {
  UsageMeter meter(Family::openai_chat, true, true);
  const auto send = [&](std::string_view text) {
    std::string out;
    append(out, meter.pass(core::bytes_of(text)));
    return out;
  };
  CHECK(send("data: a") == "");
  CHECK(send("b\n") == "");
  CHECK(send("\ndata: c\n\ndata: d") == "data: ab\n\ndata: c\n\n");
  CHECK(send("\n\n") == "data: d\n\n");
  CHECK(meter.pass_last({}).empty());
}

TEST_CASE("An event over 1 MiB is passed unread, and the next one is read") {
  const std::string head = R"(data: {"choices":[],"usage":{"prompt_tokens":2},"x":")";
  const std::string huge = head + std::string(1 << 20, 'x') + "\"}\n\n";
  for (const bool hide : {false, true}) {
    const Way way{Family::openai_chat, true, hide};
    for (const std::size_t size : {std::size_t{16000}, huge.size()}) {
      const auto unread = pass(way, huge, size, size);
      CHECK((unread.out == huge));
      CHECK_FALSE(unread.usage.has_value());
      check_usage(pass(way, huge + usage_chunk + done, size, size).usage, 12, 5, 17);
    }
  }
}

TEST_CASE("Usage that comes with every event counts as the last one says") {
  const auto event = [](int completion) {
    return R"(data: {"choices":[{}],"usage":{"prompt_tokens":9,"completion_tokens":)" + std::to_string(completion) +
           R"(,"total_tokens":)" + std::to_string(9 + completion) + "}}\n\n";
  };
  check_usage(pass({}, event(1) + event(2) + event(3) + done).usage, 9, 3, 12);
}

TEST_CASE("A Responses stream tells its usage in response.completed") {
  const std::string body =
      "event: response.created\n"
      R"(data: {"type":"response.created","response":{"id":"r","usage":null}})"
      "\n\n"
      "event: response.completed\n"
      R"(data: {"type":"response.completed","response":{"id":"r","output":[{"text":"\"usage\":{}"}],"usage":{"input_tokens":36,)"
      R"("input_tokens_details":{"cached_tokens":4},"output_tokens":87,"output_tokens_details":{"reasoning_tokens":2},)"
      R"("total_tokens":123}}})"
      "\n\n";
  const auto outcome = pass({Family::openai_responses, true, false}, body);
  CHECK(outcome.events == 2);
  check_usage(outcome.usage, 36, 87, 123);
}

TEST_CASE("An Anthropic stream's input is told first, cache and all, and its output as it goes on") {
  const std::string start =
      "event: message_start\n"
      R"(data: {"type":"message_start","message":{"id":"m","content":[],"usage":{"input_tokens":25,)"
      R"("cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"output_tokens":1}}})"
      "\n\n";
  const std::string middle =
      "event: content_block_delta\n"
      R"(data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"\"usage\":{\"output_tokens\":7}"}})"
      "\n\n";
  const auto delta = [](int output) {
    return "event: message_delta\n"
           R"(data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":)" +
           std::to_string(output) + "}}\n\n";
  };
  const Way way{Family::anthropic_messages, true, false};
  check_usage(pass(way, start + middle).usage, 1125, 1, 1126);
  check_usage(pass(way, start + middle + delta(15) + delta(40)).usage, 1125, 40, 1165);
}

TEST_CASE("A plain answer's usage is read in each family, at every split") {
  struct Case {
    Family family;
    std::string body;
    Usage usage;
  };
  const std::vector<Case> cases = {
      {Family::openai_chat,
       R"({"choices":[{"message":{"content":"\"usage\":{\"prompt_tokens\":1}"}}],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"completion_tokens_details":{"reasoning_tokens":0}}})",
       {19, 10, 29}},
      {Family::openai_completions,
       R"( { "usage" : { "completion_tokens":7, "prompt_tokens":5 } , "choices":[] } )",
       {5, 7, 12}},
      {Family::openai_embeddings,
       R"({"object":"list","data":[{"embedding":[0.01,-2.5e-3]}],"model":"e","usage":{"prompt_tokens":8,"total_tokens":8}})",
       {8, 0, 8}},
      {Family::openai_responses,
       R"({"output":[],"usage":{"input_tokens":36,"output_tokens":87,"total_tokens":123}})",
       {36, 87, 123}},
      {Family::anthropic_messages,
       R"({"content":[],"usage":{"input_tokens":10,"cache_creation_input_tokens":null,"cache_read_input_tokens":5,"output_tokens":3}})",
       {15, 3, 18}},
  };
  for (const auto& [family, body, usage] : cases) {
    INFO(body);
    const auto outcome = pass({family, false, false}, body);
    CHECK(outcome.out == body);
    CHECK(outcome.events == 0);
    check_usage(outcome.usage, usage.prompt_tokens, usage.completion_tokens, usage.total_tokens);
  }
}

TEST_CASE("A plain answer without honest usage has none") {
  for (const std::string body :
       {"", "{}", "[]", "no JSON", R"({"usage":null})", R"({"usage":{}})", R"({"usage":[1]})",
        R"({"usage":{"prompt_tokens":-1}})", R"({"usage":{"prompt_tokens":1.5}})", R"({"usage":{"prompt_tokens":"1"}})",
        R"({"usage":{"prompt_tokens":9007199254740993}})", R"({"usage":{"prompt_tokens":5,"completion_tokens":-5}})",
        R"({"usage":{"prompt_tokens":5,"prompt_tokens":6}})", R"({"usage":{"prompt_tokens":5})",
        R"({"usage":{"prompt_tokens":5}} {)", R"({"usage":{"prompt_tokens":5},"usage":{"prompt_tokens":6}})"}) {
    INFO(body);
    const auto outcome = pass({Family::openai_chat, false, false}, body);
    CHECK(outcome.out == body);
    CHECK_FALSE(outcome.usage.has_value());
  }
}

TEST_CASE("Counts are read up to 2^53") {
  check_usage(pass({Family::openai_chat, false, false}, R"({"usage":{"prompt_tokens":9007199254740992}})").usage,
              1ull << 53, 0, 1ull << 53);
}

TEST_CASE("A plain answer's usage is read up to 64 KiB and left alone one byte longer") {
  const auto body = [](std::size_t size) {
    const std::string head = R"({"prompt_tokens":4,"x":")", tail = "\"}";
    return R"({"usage":)" + head + std::string(size - head.size() - tail.size(), 'x') + tail + "}";
  };
  const Way way{Family::openai_chat, false, false};
  check_usage(pass(way, body(64 * 1024), 1000, 1000).usage, 4, 0, 4);
  CHECK_FALSE(pass(way, body(64 * 1024 + 1), 1000, 1000).usage.has_value());
}

TEST_CASE("Content that nobody can read is passed unread") {
  const std::string body = R"({"usage":{"prompt_tokens":4}})";
  const auto outcome = pass({Family::other, false, false}, body);
  CHECK(outcome.out == body);
  CHECK_FALSE(outcome.usage.has_value());
}
