#include "routing/usage_meter.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "http/sse.hpp"
#include "routing/json_scanner.hpp"
#include "routing/json_text.hpp"

namespace sallyport::routing {
namespace {

constexpr std::size_t event_limit = 1024 * 1024;  // a larger event passes unread
constexpr std::size_t hold_limit = 64 * 1024;     // bytes held back of an incomplete event that may have to be dropped
constexpr std::size_t usage_limit = 64 * 1024;    // bytes of the "usage" in a plain answer

constexpr std::array<std::string_view, 1> plain_keys{"usage"};

// A cheap test for every event: whether an object follows `"usage"` anywhere. Within a string the quotes would be
// escaped. Servers that are asked for usage write `"usage":null` into all events but the last.
bool may_have_usage(std::string_view event) {
  constexpr std::string_view key = R"("usage")";
  // Not find(), which would stop at each of the event's many quotes.
  while (const void* const found = ::memmem(event.data(), event.size(), key.data(), key.size())) {
    event.remove_prefix(static_cast<std::size_t>(static_cast<const char*>(found) - event.data()) + key.size());
    const auto colon = event.find_first_not_of(" \t\r\n");
    if (colon == event.npos || event[colon] != ':') continue;
    const auto value = event.find_first_not_of(" \t\r\n", colon + 1);
    if (value != event.npos && event[value] == '{') return true;
  }
  return false;
}

// Adds up usage objects under the names that each family uses. An object with a negative, fractional or huge number is
// ignored whole.
class Counts {
 public:
  explicit Counts(Family family) : cache_is_extra_(family == Family::anthropic_messages) {}

  void read(std::string_view usage) {
    constexpr std::array<std::string_view, 7> keys{
        "prompt_tokens", "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "completion_tokens",
        "output_tokens", "total_tokens",
    };
    const auto values = values_of(usage, keys);
    std::array<std::optional<std::uint64_t>, keys.size()> counts;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (values[i].empty() || values[i] == "null") continue;
      counts[i] = count_of(values[i]);
      if (!counts[i]) return;
    }
    // Anthropic reports the input when the message starts; later events report the output counted from the start.
    update(input_, counts[0] ? counts[0] : counts[1]);
    update(cache_created_, counts[2]);
    update(cache_read_, counts[3]);
    update(output_, counts[4] ? counts[4] : counts[5]);
    update(total_, counts[6]);
    const bool any = std::any_of(counts.begin(), counts.end(), [](const auto& count) { return count.has_value(); });
    if (any) usage_ = sum();
  }

  const std::optional<Usage>& usage() const noexcept { return usage_; }

 private:
  static void update(std::uint64_t& count, const std::optional<std::uint64_t>& value) { count = value.value_or(count); }

  // OpenAI's prompt tokens include those from a cache; Anthropic's do not.
  Usage sum() const {
    const auto prompt = input_ + (cache_is_extra_ ? cache_created_ + cache_read_ : 0);
    return {prompt, output_, std::max(total_, prompt + output_)};
  }

  bool cache_is_extra_;
  std::uint64_t input_ = 0, cache_created_ = 0, cache_read_ = 0, output_ = 0, total_ = 0;
  std::optional<Usage> usage_;
};

bool is_empty_array(std::string_view json) {
  return json.size() >= 2 && json.front() == '[' && json.find_first_not_of(" \t\r\n", 1) == json.size() - 1;
}

}  // namespace

struct UsageMeter::State {
  State(Family family, bool stream, bool hide)
      : event_stream(stream), unread(!stream && family == Family::other), hide_usage_event(hide), counts(family) {}

  const bool event_stream, unread, hide_usage_event;
  Counts counts;
  std::uint64_t events = 0;
  std::vector<core::ConstBytes> out;

  JsonScanner plain{plain_keys, usage_limit};

  http::SseSplitter splitter{event_limit};
  std::string held;       // the incomplete event so far
  std::string completed;  // the event that began in an earlier piece and ended in this one
  std::string data;       // scratch for http::event_data
  bool released = false;  // the bytes of `held` have passed, so the event can no longer be dropped

  bool passing() const noexcept { return !hide_usage_event || released; }
  void emit(std::string_view bytes);
  void take_part(std::string_view part);
  void take_end(std::string_view part);
  void take_rest();
  bool read_event(std::string_view event);
  void read_plain_usage();
};

void UsageMeter::State::emit(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto view = core::bytes_of(bytes);
  if (!out.empty() && out.back().data() + out.back().size() == view.data()) {
    out.back() = {out.back().data(), out.back().size() + view.size()};
  } else {
    out.push_back(view);
  }
}

// Takes the beginning or middle of an event whose end has not arrived: the last part of a piece.
void UsageMeter::State::take_part(std::string_view part) {
  const bool passed = passing();
  if (passed) emit(part);
  if (passed && splitter.event_too_long()) {
    held.clear();
    return;
  }
  held.append(part);
  if (!passed && held.size() > hold_limit) {
    released = true;
    emit(held);
  }
}

// Takes the rest of an event, including its blank line.
void UsageMeter::State::take_end(std::string_view part) {
  std::string_view event = part;
  if (!held.empty()) {
    held.append(part);
    completed.swap(held);
    held.clear();
    event = completed;
  }
  const bool passed = passing();
  const bool usage_event = !splitter.event_too_long() && read_event(event);
  if (passed || !usage_event) emit(passed ? part : event);
  released = false;
}

// Takes what is held at the body's end: an event without its blank line still counts.
void UsageMeter::State::take_rest() {
  const bool usage_event = !splitter.event_too_long() && read_event(held);
  if (!passing() && !usage_event) emit(held);
}

// Counts and reads one event. True for the event that a server adds at a stream's end because usage was asked for.
bool UsageMeter::State::read_event(std::string_view event) {
  const std::string_view text = http::event_data(event, data);
  if (text.empty()) return false;
  ++events;
  if (!may_have_usage(text)) return false;
  constexpr std::array<std::string_view, 4> keys{"usage", "choices", "response", "message"};
  const auto [usage, choices, response, message] = values_of(text, keys);
  for (const auto object : {usage, values_of(response, plain_keys)[0], values_of(message, plain_keys)[0]}) {
    if (object.starts_with('{')) counts.read(object);
  }
  return usage.starts_with('{') && is_empty_array(choices);
}

void UsageMeter::State::read_plain_usage() {
  if (!plain.finish()) return;
  const auto* usage = plain.member(0);
  if (usage && usage->whole()) counts.read(usage->text);
}

UsageMeter::UsageMeter(Family family, bool event_stream, bool hide_usage_event)
    : state_(std::make_unique<State>(family, event_stream, hide_usage_event)) {}
UsageMeter::~UsageMeter() = default;

const std::vector<core::ConstBytes>& UsageMeter::pass(core::ConstBytes piece) {
  State& state = *state_;
  state.out.clear();
  if (!state.event_stream) {
    state.emit(core::text_of(piece));
    if (!state.unread) (void)state.plain.feed(piece);  // an answer that is not JSON has no usage
    return state.out;
  }
  for (std::string_view text = core::text_of(piece); !text.empty();) {
    const auto end = state.splitter.find_event_end(text);
    if (end == http::SseSplitter::npos) {
      state.take_part(text);
      break;
    }
    state.take_end(text.substr(0, end));
    text.remove_prefix(end);
  }
  return state.out;
}

const std::vector<core::ConstBytes>& UsageMeter::pass_last(core::ConstBytes piece) {
  pass(piece);
  State& state = *state_;
  if (state.event_stream) {
    state.take_rest();
  } else if (!state.unread) {
    state.read_plain_usage();
  }
  return state.out;
}

const std::optional<Usage>& UsageMeter::usage() const noexcept { return state_->counts.usage(); }
std::uint64_t UsageMeter::events() const noexcept { return state_->events; }

}  // namespace sallyport::routing
