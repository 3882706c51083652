// Reads the tokens used from an answer's bytes while they pass, and removes the usage event that the gateway, not the
// client, has asked for. No I/O.
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
  // event_stream: the answer is text/event-stream; else it is a plain JSON body. With Family::other and no event stream
  // the body passes unread. hide_usage_event: the gateway asked for usage and the client did not.
  UsageMeter(Family family, bool event_stream, bool hide_usage_event);
  ~UsageMeter();

  // Takes the next decoded piece of the body and gives the bytes to send to the client now: views into `piece` or into
  // the meter, valid until the next call. Without hide_usage_event that is always `piece` itself. With it, the bytes of
  // an incomplete event are held back (at most 64 KiB, then they pass), so that the usage event can be dropped whole.
  const std::vector<core::ConstBytes>& pass(core::ConstBytes piece);
  // The same for the body's last piece, which may be empty; gives what was held back as well.
  const std::vector<core::ConstBytes>& pass_last(core::ConstBytes piece);

  const std::optional<Usage>& usage() const noexcept;  // as known so far; nullopt while none was found
  // Events of at most 1 MiB that have data; at the body's end also one without its blank line. 0 for plain bodies.
  std::uint64_t events() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::routing
