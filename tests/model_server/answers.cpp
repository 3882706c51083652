#include "tests/model_server/answers.hpp"

#include <algorithm>
#include <cmath>

namespace sallyport::model_server {
namespace {

constexpr std::string_view model_names[] = {"llama-3.1-8b-instruct", "bge-small-embed"};
constexpr long created = 1'767'225'600;  // 2026-01-01, so that answers can be compared

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::size_t from = 0;
  while ((from = text.find_first_not_of(" \t\r\n", from)) != std::string_view::npos) {
    const std::size_t to = std::min(text.find_first_of(" \t\r\n", from), text.size());
    words.emplace_back(text.substr(from, to - from));
    from = to;
  }
  return words;
}

// The text of a message's content, which is a string or a list of parts.
std::string content_text(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (content.is_array()) {
    for (const Json& part : content) {
      if (part.is_object() && part.value("text", Json()).is_string()) text += part["text"].get<std::string>() + " ";
    }
  }
  return text;
}

// What was asked last, wherever this family keeps it.
std::string prompt_of(const Json& request) {
  for (const char* key : {"messages", "input"}) {
    const auto list = request.find(key);
    if (list == request.end()) continue;
    if (list->is_string()) return list->get<std::string>();
    if (list->is_array() && !list->empty() && list->back().is_object()) {
      return content_text(list->back().value("content", Json()));
    }
  }
  return content_text(request.value("prompt", Json()));
}

// Says the prompt back, so that whoever reads the answer can see that it went all the way.
std::vector<std::string> reply_words(std::string_view prompt, std::size_t most) {
  std::vector<std::string> words = {"You", "said:"};
  for (std::string& word : split_words(prompt)) words.push_back(std::move(word));
  if (words.size() > most) words.resize(std::max<std::size_t>(most, 1));
  for (std::size_t i = 1; i < words.size(); ++i) words[i].insert(0, 1, ' ');
  return words;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += word;
  return text;
}

std::string event(const Json& data, std::string_view name = "") {
  std::string text;
  if (!name.empty()) text = "event: " + std::string(name) + "\n";
  return text + "data: " + data.dump() + "\n\n";
}

// Everything the families' answers are made of.
struct Call {
  Json request;
  std::string model;
  std::vector<std::string> words;
  std::size_t prompt_tokens = 0;
  bool stream = false;
  bool usage_wanted = false;

  Json usage() const {
    return {{"prompt_tokens", prompt_tokens},
            {"completion_tokens", words.size()},
            {"total_tokens", prompt_tokens + words.size()}};
  }
  Json anthropic_usage() const { return {{"input_tokens", prompt_tokens}, {"output_tokens", words.size()}}; }
};

Json chat_chunk(const Call& call, Json choices) {
  Json chunk = {{"id", "chatcmpl-1"},
                {"object", "chat.completion.chunk"},
                {"created", created},
                {"model", call.model},
                {"choices", std::move(choices)}};
  if (call.usage_wanted) chunk["usage"] = nullptr;  // as OpenAI does in all but the last event
  return chunk;
}

Json chat_choice(Json delta, Json finish_reason) {
  return Json::array({{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish_reason)}}});
}

Answer chat(const Call& call) {
  Answer answer;
  if (!call.stream) {
    const Json message = {{"role", "assistant"}, {"content", join(call.words)}};
    answer.body = Json{{"id", "chatcmpl-1"},
                       {"object", "chat.completion"},
                       {"created", created},
                       {"model", call.model},
                       {"choices", Json::array({{{"index", 0}, {"message", message}, {"finish_reason", "stop"}}})},
                       {"usage", call.usage()}}
                      .dump();
    return answer;
  }
  answer.events.push_back(event(chat_chunk(call, chat_choice({{"role", "assistant"}, {"content", ""}}, nullptr))));
  for (const std::string& word : call.words) {
    answer.events.push_back(event(chat_chunk(call, chat_choice({{"content", word}}, nullptr))));
  }
  answer.events.push_back(event(chat_chunk(call, chat_choice(Json::object(), "stop"))));
  if (call.usage_wanted) {
    Json last = chat_chunk(call, Json::array());
    last["usage"] = call.usage();
    answer.events.push_back(event(last));
  }
  answer.events.push_back("data: [DONE]\n\n");
  return answer;
}

Answer completion(const Call& call) {
  const auto piece = [&](const std::string& text, Json finish_reason) {
    const Json choice = {{"index", 0}, {"text", text}, {"logprobs", nullptr}, {"finish_reason", finish_reason}};
    return Json{{"id", "cmpl-1"},
                {"object", "text_completion"},
                {"created", created},
                {"model", call.model},
                {"choices", Json::array({choice})}};
  };
  Answer answer;
  if (!call.stream) {
    Json whole = piece(join(call.words), "stop");
    whole["usage"] = call.usage();
    answer.body = whole.dump();
    return answer;
  }
  for (const std::string& word : call.words) answer.events.push_back(event(piece(word, nullptr)));
  Json last = piece("", "stop");
  if (call.usage_wanted) last["usage"] = call.usage();
  answer.events.push_back(event(last));
  answer.events.push_back("data: [DONE]\n\n");
  return answer;
}

Answer embeddings(const Call& call) {
  const Json input = call.request.value("input", Json());
  const std::size_t count = input.is_array() ? input.size() : 1;
  Json data = Json::array();
  for (std::size_t i = 0; i < count; ++i) {
    Json vector = Json::array();
    for (int k = 0; k < 8; ++k) vector.push_back(std::round(std::sin(double(i * 8 + k + 1)) * 1e4) / 1e4);
    data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", vector}});
  }
  const Json usage = {{"prompt_tokens", call.prompt_tokens}, {"total_tokens", call.prompt_tokens}};
  return {200, Json{{"object", "list"}, {"data", data}, {"model", call.model}, {"usage", usage}}.dump(), {}};
}

Json response_object(const Call& call, std::string_view status) {
  Json output = Json::array();
  Json usage = nullptr;
  if (status == "completed") {
    const Json part = {{"type", "output_text"}, {"text", join(call.words)}, {"annotations", Json::array()}};
    output.push_back({{"id", "msg-1"},
                      {"type", "message"},
                      {"status", "completed"},
                      {"role", "assistant"},
                      {"content", Json::array({part})}});
    usage = {{"input_tokens", call.prompt_tokens},
             {"output_tokens", call.words.size()},
             {"total_tokens", call.prompt_tokens + call.words.size()}};
  }
  return {{"id", "resp-1"},      {"object", "response"}, {"created_at", created}, {"status", status},
          {"model", call.model}, {"output", output},     {"usage", usage}};
}

Answer response(const Call& call) {
  Answer answer;
  if (!call.stream) {
    answer.body = response_object(call, "completed").dump();
    return answer;
  }
  int sequence = 0;
  const auto add = [&](std::string_view type, Json more) {
    Json data = {{"type", type}, {"sequence_number", sequence++}};
    data.update(more);
    answer.events.push_back(event(data, type));
  };
  add("response.created", {{"response", response_object(call, "in_progress")}});
  for (const std::string& word : call.words) {
    add("response.output_text.delta",
        {{"item_id", "msg-1"}, {"output_index", 0}, {"content_index", 0}, {"delta", word}});
  }
  add("response.completed", {{"response", response_object(call, "completed")}});
  return answer;
}

Json anthropic_message(const Call& call, Json content, Json stop_reason, Json usage) {
  return {{"id", "msg_1"},      {"type", "message"},          {"role", "assistant"},      {"model", call.model},
          {"content", content}, {"stop_reason", stop_reason}, {"stop_sequence", nullptr}, {"usage", usage}};
}

Answer anthropic(const Call& call) {
  Answer answer;
  if (!call.stream) {
    const Json content = Json::array({{{"type", "text"}, {"text", join(call.words)}}});
    answer.body = anthropic_message(call, content, "end_turn", call.anthropic_usage()).dump();
    return answer;
  }
  const auto add = [&](std::string_view type, Json more) {
    Json data = {{"type", type}};
    data.update(more);
    answer.events.push_back(event(data, type));
  };
  const Json first_usage = {{"input_tokens", call.prompt_tokens}, {"output_tokens", 1}};
  add("message_start", {{"message", anthropic_message(call, Json::array(), nullptr, first_usage)}});
  add("content_block_start", {{"index", 0}, {"content_block", {{"type", "text"}, {"text", ""}}}});
  for (const std::string& word : call.words) {
    add("content_block_delta", {{"index", 0}, {"delta", {{"type", "text_delta"}, {"text", word}}}});
  }
  add("content_block_stop", {{"index", 0}});
  add("message_delta", {{"delta", {{"stop_reason", "end_turn"}, {"stop_sequence", nullptr}}},
                        {"usage", {{"output_tokens", call.words.size()}}}});
  add("message_stop", Json::object());
  return answer;
}

Answer refusal(bool of_anthropic, unsigned status, std::string_view type, std::string_view message) {
  const Json body =
      of_anthropic ? Json{{"type", "error"}, {"error", {{"type", type}, {"message", message}}}}
                   : Json{{"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", nullptr}}}};
  return {status, body.dump(), {}};
}

Answer models() {
  Json data = Json::array();
  for (const std::string_view name : model_names) {
    data.push_back({{"id", name}, {"object", "model"}, {"created", created}, {"owned_by", "model-server"}});
  }
  return {200, Json{{"object", "list"}, {"data", data}}.dump(), {}};
}

Answer answer_of_family(const Call& call, std::string_view path) {
  if (path == "/v1/chat/completions") return chat(call);
  if (path == "/v1/completions") return completion(call);
  if (path == "/v1/embeddings") return embeddings(call);
  if (path == "/v1/responses") return response(call);
  if (path == "/v1/messages") return anthropic(call);
  return refusal(false, 404, "not_found_error", "Nothing is served at this path.");
}

}  // namespace

Answer answer(std::string_view method, std::string_view path, std::string_view body, std::size_t words) {
  path = path.substr(0, path.find('?'));
  if (method == "GET" && path == "/v1/models") return models();
  const bool of_anthropic = path == "/v1/messages";
  if (method != "POST") return refusal(of_anthropic, 405, "invalid_request_error", "Only POST is served here.");

  Call call;
  call.request = Json::parse(body, nullptr, false);
  if (!call.request.is_object())
    return refusal(of_anthropic, 400, "invalid_request_error", "The body is no JSON object.");
  const Json model = call.request.value("model", Json());
  if (!model.is_string()) return refusal(of_anthropic, 400, "invalid_request_error", "The field model is missing.");
  call.model = model.get<std::string>();
  if (call.model == "missing") return refusal(of_anthropic, 404, "not_found_error", "This model is not loaded.");
  if (call.model == "failing") return refusal(of_anthropic, 500, "server_error", "The model failed.");

  const std::string prompt = prompt_of(call.request);
  call.prompt_tokens = std::max<std::size_t>(split_words(prompt).size(), 1);
  call.words = reply_words(prompt, words);
  call.stream = call.request.value("stream", Json()) == true;
  const Json options = call.request.value("stream_options", Json());
  call.usage_wanted = options.is_object() && options.value("include_usage", Json()) == true;

  Answer given = answer_of_family(call, path);
  given.cut = call.model == "cutting";
  given.new_keys = call.model == "rekeying";
  return given;
}

}  // namespace sallyport::model_server
