// A request's JSON: what we read of it, and what we change in it.
#include <nlohmann/json.hpp>

#include <optional>
#include <string>

#include "routing/model_call.hpp"
#include "routing/spliced_body.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace sallyport;
using namespace sallyport::fuzz;
using nlohmann::json;
using routing::ModelCall;

namespace {

core::Result<ModelCall> read(const Pieces& pieces) {
  routing::ModelCallReader reader;
  for (const core::Bytes& piece : pieces) {
    if (const auto fed = reader.feed(piece); !fed) return fed.error();
  }
  return reader.finish();
}

std::string said_by(const core::Result<ModelCall>& call) {
  if (!call) return std::to_string(static_cast<int>(call.error().reason));
  std::string text = call->model + "\n" + call->options;
  const auto no_options = static_cast<std::uint64_t>(-1);
  for (const std::uint64_t number :
       {std::uint64_t{call->stream}, std::uint64_t{call->asks_usage}, call->model_offset, call->model_size,
        call->options_offset.value_or(no_options), call->options_size, call->object_offset}) {
    text += " " + std::to_string(number);
  }
  for (const auto& number :
       {call->max_tokens, call->max_completion_tokens, call->max_output_tokens, call->n, call->best_of}) {
    text += number ? " " + std::to_string(*number) : " none";
  }
  return text;
}

// What the other reader makes of it. Nothing for two things that are JSON (RFC 8259) and it cannot hold: a number that
// overflows a double, and half of a surrogate pair.
std::optional<json> second_opinion(std::string_view text) try {
  return json::parse(text);
} catch (const json::out_of_range&) {
  return std::nullopt;
} catch (const json::parse_error& error) {
  claim(std::string_view(error.what()).find("surrogate") != std::string_view::npos, "what we accept is JSON");
  return std::nullopt;
}

void check_count(const std::optional<std::uint64_t>& read, const json& body, const char* key) {
  constexpr std::uint64_t largest_count = 1ull << 53;
  const auto value = body.find(key);
  if (value == body.end() || value->is_null() || value->is_boolean() || value->is_structured()) {
    claim(!read, "what is no number is none");
  } else if (value->is_number_unsigned()) {
    claim(read == std::min(value->get<std::uint64_t>(), largest_count), "both read the same number");
  }
}

void check_agreement(const ModelCall& call, const json& body) {
  claim(body.is_object() && body.contains("model") && body["model"].is_string(), "a call names a model");
  claim(body["model"].get<std::string>() == call.model, "both read the same model");
  claim(body.value("stream", json()) == json(true) == call.stream, "both read the same stream");
  check_count(call.max_tokens, body, "max_tokens");
  check_count(call.max_completion_tokens, body, "max_completion_tokens");
  check_count(call.max_output_tokens, body, "max_output_tokens");
  check_count(call.n, body, "n");
  check_count(call.best_of, body, "best_of");
  routing::expected_output(call, "/v1/completions", UINT64_MAX);
  const json options = body.value("stream_options", json());
  const json usage = options.is_object() ? options.value("include_usage", json()) : json();
  claim((usage != json() && usage != json(false)) == call.asks_usage, "both see whether usage is asked for");
}

std::string spliced(const ModelCall& call, const std::string& name, const Pieces& pieces, std::size_t size) {
  routing::SplicedBody body(size, routing::splices_for(call, name, routing::Family::openai_chat));
  std::string out;
  for (const core::Bytes& piece : pieces) {
    for (const core::ConstBytes view : body.pass(piece)) out += core::text_of(view);
  }
  claim(out.size() == body.size(), "a changed body is as long as was said");
  return out;
}

// The changed body is the same JSON but for the model, and usage that is asked for.
void check_splices(const ModelCall& call, json body, core::ConstBytes input) {
  const std::string name = "up\"stream\\\n\xc3\xa9";
  const std::string out = spliced(call, name, whole(input), input.size());
  for (const Pieces& pieces : cuttings(input)) {
    claim(spliced(call, name, pieces, input.size()) == out, "cutting a body changes nothing in what goes out");
  }
  body["model"] = name;
  const json options = body.value("stream_options", json());
  if (call.stream && (options.is_object() || options.is_null())) {
    if (!call.asks_usage) body["stream_options"]["include_usage"] = true;
  }
  const json changed = json::parse(out, nullptr, false);
  claim(!changed.is_discarded() && changed == body, "what goes out is the call with its changes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ConstBytes input = input_of(data, size);
  const auto call = read(whole(input));
  for (const Pieces& pieces : cuttings(input)) {
    claim(said_by(read(pieces)) == said_by(call), "cutting a body changes nothing in what is read");
  }
  if (!call) return 0;
  const auto body = second_opinion(core::text_of(input));
  if (!body) return 0;
  check_agreement(*call, *body);
  check_splices(*call, *body, input);
  return 0;
}
