// Finds the few JSON fields that the gateway reads in a request's body, while the body arrives, without a tree and
// without a contiguous copy of the body; and decides what must change in the body for the upstream. No I/O.
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

// The API that a path belongs to. It decides the form of errors, of usage and of a broken stream's last event.
enum class Family : std::uint8_t {
  openai_chat,
  openai_completions,
  openai_embeddings,
  openai_responses,
  anthropic_messages,
  other,
};

// The family of a path; nullopt for a path whose calls name no model, which only a path route can serve. Compares exact
// paths, in lower case, without a query. /v1/rerank, /v1/moderations, /tokenize … are Family::other with a model.
std::optional<Family> model_family(std::string_view path) noexcept;

inline constexpr std::size_t model_name_limit = 256;       // bytes without JSON escapes
inline constexpr std::size_t stream_options_limit = 4096;  // bytes as written; also for the other fields that are read

struct ModelCall {
  std::string model;  // as the client wrote it, without JSON escapes
  bool stream = false;
  bool asks_usage = false;  // stream_options.include_usage is there, and neither false nor null
  // What it says of its answers; absent when it does not, or says no number that a server could take. At most 2^53.
  std::optional<std::uint64_t> max_tokens, max_completion_tokens, max_output_tokens, n, best_of;

  // Positions in the body, in bytes from its start, and sizes in bytes.
  std::uint64_t model_offset = 0, model_size = 0;  // the value with its quotes
  std::optional<std::uint64_t> options_offset;     // the value of stream_options; nullopt when absent
  std::uint64_t options_size = 0;
  std::string options;              // the text of stream_options as written
  std::uint64_t object_offset = 0;  // just after the opening '{'
};

// Replaces body[offset, offset+remove) with `insert`. A list of splices is sorted and has no overlaps.
struct Splice {
  std::uint64_t offset = 0;
  std::uint64_t remove = 0;
  std::string insert;
};

// The most tokens that all answers to a call on this path may have, by the fields that its API reads; `each` for an
// answer whose length is not stated. Never wraps. 0 for a path whose calls generate no text.
std::uint64_t expected_output(const ModelCall& call, std::string_view path, std::uint64_t each) noexcept;

// Whether the gateway must ask for usage itself, and must hide the resulting event from the client. A stream of
// openai_chat or openai_completions reports usage only when stream_options.include_usage is set.
bool must_ask_usage(const ModelCall& call, Family family) noexcept;

// The changes to the body for the upstream: its own name for the model, when that differs, and
// stream_options.include_usage when must_ask_usage().
std::vector<Splice> splices_for(const ModelCall& call, std::string_view upstream_model, Family family);

// Reads a JSON object piece by piece. It checks the structure strictly at every depth (the depth is limited), so that
// no server can see another "model" than the one found here.
class ModelCallReader {
 public:
  ModelCallReader();
  ~ModelCallReader();
  // Reads the next piece, which need not live longer than the call. Errors: malformed_json; duplicate_field ("model",
  // "stream", "stream_options" or a max-tokens key twice at top level, or in other letter case; of "n" and "best_of",
  // which servers judge by themselves, the last counts).
  core::Result<void> feed(core::ConstBytes piece);
  // Ends the body. Errors: model_missing (also when empty or null); malformed_json (also when the body is
  // not an object, the model is not a string or over its limit, stream is none of true, false and null, or
  // stream_options is over its limit); duplicate_field (include_usage twice in stream_options); feed()'s error again.
  core::Result<ModelCall> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::routing
