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
enum class Family : std::uint8_t { openai_chat, openai_completions, openai_embeddings, openai_responses, anthropic_messages, other };

// Which family a path belongs to; nullopt for a path that carries no model (then only a path route can serve it).
// /v1/rerank, /v1/audio/*, /v1/images/*, /v1/moderations, /tokenize … with a JSON body are Family::other with a model.
std::optional<Family> model_family(std::string_view path) noexcept;

struct ModelCall {
  std::string model;          // as the client wrote it, JSON escapes undone
  bool stream = false;
  bool asks_usage = false;    // stream_options.include_usage is true
  std::uint64_t max_tokens = 0;  // max_completion_tokens, max_output_tokens or max_tokens; 0 when absent

  // Where things stand in the body, in bytes from its start.
  std::uint64_t model_offset = 0, model_size = 0;  // the value with its quotes
  std::optional<std::uint64_t> options_offset;     // stream_options' value
  std::uint64_t options_size = 0;
  std::string options;                             // its raw text (bounded)
  std::uint64_t object_offset = 0;                 // just after the opening '{'
};

// Replaces body[offset, offset+remove) by `insert`. Sorted, not overlapping.
struct Splice {
  std::uint64_t offset = 0;
  std::uint64_t remove = 0;
  std::string insert;
};

// What must change for the upstream: its name of the model; and, for a stream whose client did not ask for usage,
// stream_options.include_usage (only families that know it).
std::vector<Splice> splices_for(const ModelCall& call, std::string_view upstream_model, bool ask_usage);

// Reads a JSON object piece by piece. A strict reader of structure at every depth (bounded), so that no server can see
// another "model" than the one found here.
class ModelCallReader {
 public:
  ModelCallReader();
  ~ModelCallReader();
  ModelCallReader(ModelCallReader&&) noexcept;
  // Errors: malformed_json, duplicate_field ("model", "stream", "stream_options" or a max-tokens key twice at top level).
  core::Result<void> feed(core::ConstBytes piece);
  // The body is over. Errors: malformed_json, model_missing.
  core::Result<ModelCall> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::routing
