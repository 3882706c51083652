// An answer's content, of which tokens are counted as it passes. The first byte says in which way.
#include <optional>
#include <string>

#include "routing/usage_meter.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace sallyport;
using namespace sallyport::fuzz;
using routing::UsageMeter;

namespace {

struct Way {
  routing::Family family;
  bool event_stream, hide;
};

Way way_of(std::uint8_t byte) {
  constexpr unsigned families = static_cast<unsigned>(routing::Family::other) + 1;
  return {static_cast<routing::Family>(byte % families), (byte & 0x40) != 0, (byte & 0x20) != 0};
}

struct Outcome {
  std::string out;
  std::uint64_t events = 0;
  std::vector<std::uint64_t> usage;  // empty: none was told
};

void append(std::string& out, const std::vector<core::ConstBytes>& views) {
  for (const core::ConstBytes view : views) out += core::text_of(view);
}

Outcome pass(const Way& way, const Pieces& pieces) {
  UsageMeter meter(way.family, way.event_stream, way.hide);
  Outcome outcome;
  for (const core::Bytes& piece : pieces) {
    const std::size_t before = outcome.out.size();
    append(outcome.out, &piece == &pieces.back() ? meter.pass_last(piece) : meter.pass(piece));
    if (way.hide) continue;
    claim(std::string_view(outcome.out).substr(before) == core::text_of(piece),
          "what passes goes on at once, as it is");
  }
  outcome.events = meter.events();
  if (const auto& usage = meter.usage()) {
    outcome.usage = {usage->prompt_tokens, usage->completion_tokens, usage->total_tokens};
    claim(usage->total_tokens >= usage->prompt_tokens + usage->completion_tokens,
          "the total is no less than its parts");
  }
  return outcome;
}

// The data of each event that has some, by the words of the specification and without haste:
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
std::vector<std::string> events_of(std::string_view text) {
  std::vector<std::string> events;
  std::optional<std::string> data;
  const auto end_event = [&] {
    if (data && !data->empty()) events.push_back(*data);
    data.reset();
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + (text.substr(end).starts_with("\r\n") ? 2 : 1)));
    if (line.empty()) end_event();
    std::string_view value = line.substr(std::min(line.size(), line.find(':')));
    if (line.substr(0, line.size() - value.size()) != "data") continue;
    value.remove_prefix(value.starts_with(": ") ? 2 : value.starts_with(":") ? 1 : 0);
    data = data ? *data + "\n" + std::string(value) : std::string(value);
  }
  end_event();  // one that lost its blank line still counts
  return events;
}

// What is left out is an event with usage, whole; what is left is in order.
void check_hidden(const std::vector<std::string>& all, const std::vector<std::string>& left) {
  auto next = left.begin();
  for (const std::string& event : all) {
    if (next != left.end() && *next == event) {
      ++next;
      continue;
    }
    claim(event.find("\"usage\"") != event.npos, "only what tells usage is hidden");
  }
  claim(next == left.end(), "nothing is made up");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Way way = way_of(data[0]);
  const core::ConstBytes input = input_of(data, size).subspan(1);
  const Outcome outcome = pass(way, whole(input));
  const auto left = events_of(outcome.out);
  if (way.event_stream) {
    const auto all = events_of(core::text_of(input));
    claim(outcome.events == all.size(), "every event is counted once");
    check_hidden(all, left);
  }
  for (const Pieces& pieces : cuttings(input)) {
    const Outcome other = pass(way, pieces);
    // By events, not by bytes: the LF of a blank line that was cut after its CR stays when its event is left out.
    claim(events_of(other.out) == left, "cutting an answer changes nothing in what passes");
    claim(other.events == outcome.events && other.usage == outcome.usage, "nor in what is counted");
  }
  return 0;
}
