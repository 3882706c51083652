#include "routing/model_call.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "routing/json_scanner.hpp"
#include "routing/json_text.hpp"

namespace sallyport::routing {
namespace {

using core::Reason;

enum Field : std::size_t {
  model,
  stream,
  stream_options,
  max_tokens,
  max_completion_tokens,
  max_output_tokens,
  n,
  best_of
};
constexpr std::array<std::string_view, 8> fields{
    "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of",
};
constexpr std::size_t fields_once = Field::n;
constexpr std::array<std::string_view, 1> option_fields{"include_usage"};

struct KnownPath {
  std::string_view path;
  Family family;
  bool generates = false;  // text, as long as its call allows
};
constexpr KnownPath known_paths[] = {
    {"/v1/chat/completions", Family::openai_chat, true},
    {"/v1/completions", Family::openai_completions, true},
    {"/v1/embeddings", Family::openai_embeddings},
    {"/v1/responses", Family::openai_responses, true},
    {"/v1/messages", Family::anthropic_messages, true},
    {"/v1/messages/count_tokens", Family::anthropic_messages},
    {"/v1/rerank", Family::other},
    {"/v1/score", Family::other},
    {"/v1/moderations", Family::other},
    {"/v1/audio/speech", Family::other},
    {"/v1/images/generations", Family::other},
    {"/tokenize", Family::other},
};

std::optional<std::string> model_name(const JsonScanner::Member& member) {
  std::string_view text = member.text;
  if (!member.whole() || !text.starts_with('"')) return std::nullopt;
  auto name = unescape_json(text.substr(1, text.size() - 2));
  if (name && name->size() > model_name_limit) return std::nullopt;
  return name;
}

const KnownPath* known_path(std::string_view path) noexcept {
  for (const KnownPath& known : known_paths) {
    if (known.path == path) return &known;
  }
  return nullptr;
}

// Servers may take "7" and 7.0 for 7 (pydantic does, in vLLM and SGLang), so they count here too.
std::optional<std::uint64_t> generous_count(const JsonScanner::Member* member) {
  if (!member || !member->whole()) return std::nullopt;
  if (const auto count = count_of(member->text)) return count;
  std::string_view text = member->text;
  if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(number >= 0)) return std::nullopt;
  constexpr double most = 1ull << 53;
  return static_cast<std::uint64_t>(std::min(number, most));
}

bool says_yes(std::string_view json) { return !json.empty() && json != "false" && json != "null"; }

core::Result<void> read_options(const JsonScanner::Member& member, ModelCall& call) {
  if (!member.whole()) return core::Error(Reason::malformed_json);
  JsonScanner scanner(option_fields, stream_options_limit);
  if (const auto fed = scanner.feed(core::bytes_of(member.text)); !fed) return fed.error();
  call.options_offset = member.offset;
  call.options_size = member.size;
  call.options = member.text;
  if (const auto* usage = scanner.member(0)) call.asks_usage = says_yes(usage->text);
  return {};
}

// The change to the body that asks for usage. nullopt when stream_options is not an object: the server will refuse
// that.
std::optional<Splice> usage_splice(const ModelCall& call) {
  if (!call.options_offset) return Splice{call.object_offset, 0, R"("stream_options":{"include_usage":true},)"};
  if (call.options == "null") return Splice{*call.options_offset, call.options_size, R"({"include_usage":true})"};
  JsonScanner scanner(option_fields, 0);
  if (!scanner.feed(core::bytes_of(call.options)) || !scanner.object_offset()) return std::nullopt;
  if (const auto* usage = scanner.member(0)) return Splice{*call.options_offset + usage->offset, usage->size, "true"};
  const auto inside = *scanner.object_offset();
  const bool empty = call.options[call.options.find_first_not_of(" \t\r\n", inside)] == '}';
  return Splice{*call.options_offset + inside, 0, empty ? R"("include_usage":true)" : R"("include_usage":true,)"};
}

}  // namespace

std::optional<Family> model_family(std::string_view path) noexcept {
  const KnownPath* const known = known_path(path);
  return known ? std::optional(known->family) : std::nullopt;
}

// A field that the path's API does not read is not enforced by its server, so it says nothing of the answer.
std::uint64_t expected_output(const ModelCall& call, std::string_view path, std::uint64_t each) noexcept {
  const KnownPath* const known = known_path(path);
  if (!known || !known->generates) return 0;
  const bool chat = known->family == Family::openai_chat, completions = known->family == Family::openai_completions;
  std::optional<std::uint64_t> stated =
      known->family == Family::openai_responses ? call.max_output_tokens : call.max_tokens;
  if (chat) stated = std::max(stated, call.max_completion_tokens);
  std::uint64_t answers = chat || completions ? call.n.value_or(1) : 1;
  if (completions) answers = std::max(answers, call.best_of.value_or(1));
  std::uint64_t all = 0;
  const bool wraps = __builtin_mul_overflow(stated.value_or(each), std::max<std::uint64_t>(answers, 1), &all);
  return wraps ? UINT64_MAX : all;
}

bool must_ask_usage(const ModelCall& call, Family family) noexcept {
  return call.stream && !call.asks_usage && (family == Family::openai_chat || family == Family::openai_completions);
}

std::vector<Splice> splices_for(const ModelCall& call, std::string_view upstream_model, Family family) {
  std::vector<Splice> splices;
  if (call.model != upstream_model) {
    splices.push_back({call.model_offset, call.model_size, quote_json(upstream_model)});
  }
  if (must_ask_usage(call, family)) {
    if (auto splice = usage_splice(call)) splices.push_back(std::move(*splice));
  }
  std::sort(splices.begin(), splices.end(), [](const Splice& a, const Splice& b) { return a.offset < b.offset; });
  return splices;
}

struct ModelCallReader::State {
  JsonScanner scanner{fields, stream_options_limit, fields_once};
};

ModelCallReader::ModelCallReader() : state_(std::make_unique<State>()) {}
ModelCallReader::~ModelCallReader() = default;

core::Result<void> ModelCallReader::feed(core::ConstBytes piece) { return state_->scanner.feed(piece); }

core::Result<ModelCall> ModelCallReader::finish() {
  JsonScanner& scanner = state_->scanner;
  if (const auto finished = scanner.finish(); !finished) return finished.error();
  if (!scanner.object_offset()) return core::Error(Reason::malformed_json);
  ModelCall call;
  call.object_offset = *scanner.object_offset();

  const auto* name = scanner.member(Field::model);
  if (!name || name->text == "null" || name->text == "\"\"") return core::Error(Reason::model_missing);
  auto text = model_name(*name);
  if (!text) return core::Error(Reason::malformed_json);
  call.model = std::move(*text);
  call.model_offset = name->offset;
  call.model_size = name->size;

  if (const auto* member = scanner.member(Field::stream)) {
    call.stream = member->text == "true";
    if (!call.stream && says_yes(member->text)) return core::Error(Reason::malformed_json);
  }
  if (const auto* member = scanner.member(Field::stream_options)) {
    if (const auto read = read_options(*member, call); !read) return read.error();
  }
  call.max_tokens = generous_count(scanner.member(Field::max_tokens));
  call.max_completion_tokens = generous_count(scanner.member(Field::max_completion_tokens));
  call.max_output_tokens = generous_count(scanner.member(Field::max_output_tokens));
  call.n = generous_count(scanner.member(Field::n));
  call.best_of = generous_count(scanner.member(Field::best_of));
  return call;
}

}  // namespace sallyport::routing
