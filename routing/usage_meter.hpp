// Tokens used, read from an answer's passing bytes; and the event the gateway asked for itself, taken out again.
// Sans-I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "routing/model_call.hpp"

namespace sallyport::routing {

struct Usage {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t total_tokens = 0;
};

class UsageMeter {
 public:
  // event_stream: the answer is text/event-stream, else a plain JSON body (any other content is passed unread: give
  // Family::other and event_stream false). hide_usage_event: the gateway asked for usage, the client did not.
  UsageMeter(Family family, bool event_stream, bool hide_usage_event);
  ~UsageMeter();

  // Takes the next decoded piece of the body and gives what the client is to get now: views into `piece` or into the
  // meter, valid until the next call. Without hide_usage_event that is always `piece` itself, at once. With it, an
  // incomplete event's bytes are held (at most 64 KiB, then passed) so that the usage event can be dropped whole.
  const std::vector<core::ConstBytes>& pass(core::ConstBytes piece);
  // The same for the body's last piece, which may be empty: what is still held comes with it.
  const std::vector<core::ConstBytes>& pass_last(core::ConstBytes piece);

  const std::optional<Usage>& usage() const noexcept;
  std::uint64_t events() const noexcept;  // whole events seen; 0 for plain bodies

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::routing
