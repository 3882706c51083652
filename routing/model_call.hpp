// The few JSON fields the gateway reads from a request's body, found while the body arrives, without building a tree
// and without holding the body together. Sans-I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/result.hpp"

namespace sallyport::routing {

// The API a path belongs to: decides the shape of errors, of usage and of a broken stream's last event.
enum class Family : std::uint8_t {
  openai_chat,
  openai_completions,
  openai_embeddings,
  openai_responses,
  anthropic_messages,
  other,
};

// Which family a path belongs to; nullopt for a path that carries no model (then only a path route can serve it).
// Exact paths, all in lower case, without the query; /v1/rerank, /v1/moderations, /tokenize … are Family::other with a
// model.
std::optional<Family> model_family(std::string_view path) noexcept;

inline constexpr std::size_t model_name_limit = 256;       // bytes, escapes undone
inline constexpr std::size_t stream_options_limit = 4096;  // bytes as written; the same for every field that is read

struct ModelCall {
  std::string model;  // as the client wrote it, JSON escapes undone
  bool stream = false;
  bool asks_usage = false;       // stream_options.include_usage is there, and neither false nor null
  std::uint64_t max_tokens = 0;  // the largest of max_completion_tokens, max_output_tokens, max_tokens; 0 when absent

  // Where things stand in the body, in bytes from its start.
  std::uint64_t model_offset = 0, model_size = 0;  // the value with its quotes
  std::optional<std::uint64_t> options_offset;     // stream_options' value
  std::uint64_t options_size = 0;
  std::string options;              // its text as written
  std::uint64_t object_offset = 0;  // just after the opening '{'
};

// Replaces body[offset, offset+remove) by `insert`. Sorted, not overlapping.
struct Splice {
  std::uint64_t offset = 0;
  std::uint64_t remove = 0;
  std::string insert;
};

// Whether the gateway must ask for usage itself, and keep the answer to that from the client: a stream of OpenAI's
// older families tells it only when stream_options.include_usage says so.
bool must_ask_usage(const ModelCall& call, Family family) noexcept;

// What must change for the upstream: its name of the model, when that differs, and stream_options.include_usage where
// it must be asked.
std::vector<Splice> splices_for(const ModelCall& call, std::string_view upstream_model, Family family);

// Reads a JSON object piece by piece. A strict reader of structure at every depth (bounded), so that no server can see
// another "model" than the one found here.
class ModelCallReader {
 public:
  ModelCallReader();
  ~ModelCallReader();
  // Errors: malformed_json, duplicate_field ("model", "stream", "stream_options" or a max-tokens key twice at top
  // level, or in another letter case).
  core::Result<void> feed(core::ConstBytes piece);
  // The body is over. Errors: model_missing (also empty or null); malformed_json (also: no object, a model that is no
  // string or over its limit, a stream that is none of true, false, null); duplicate_field (in stream_options).
  core::Result<ModelCall> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::routing
