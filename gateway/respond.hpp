// The one table that turns a Reason into what a client is told. Nobody else picks a status, a code or words, and no
// words carry anything a client or an upstream sent.
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "routing/model_call.hpp"

namespace sallyport::gateway {

struct Refusal {
  unsigned status;
  std::string_view type;  // OpenAI's error.type
  std::string_view code;  // OpenAI's error.code
  std::string_view message;
};

const Refusal& refusal_for(core::Reason reason) noexcept;

// The body, in the family's own shape: OpenAI's four-key object, or Anthropic's.
void append_error_body(std::string& out, routing::Family family, core::Reason reason);

// A failure in mid-stream: the family's terminal server-sent event, blank line included.
void append_error_event(std::string& out, routing::Family family, core::Reason reason);

}  // namespace sallyport::gateway
