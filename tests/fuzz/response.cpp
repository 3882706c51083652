// A model server's bytes: an answer's head, then its body. The first byte says to which request: 'H' to HEAD.
#include "tests/fuzz/message.hpp"

using namespace sallyport;
using namespace sallyport::fuzz;

namespace sallyport::http {

// Found by argument where messages are read.
static std::string said_by(const ResponseHead& head) {
  std::string text = std::to_string(head.status) + " " + std::string(head.reason) + "\n";
  text += std::to_string(head.minor_version) + (head.keep_alive ? " keep" : "");
  return text + "\n" + fuzz::said_by(head.fields) + fuzz::said_by(head.framing);
}

}  // namespace sallyport::http

namespace {

auto parse_within(const http::HeadLimits& limits, std::string_view method) {
  return [&limits, method](std::string_view text, http::ResponseHead& head) {
    return http::parse_response_head(text, limits, method, head);
  };
}

void check_written_again(std::string_view text, std::string_view method) {
  http::ResponseHead head, again;
  const auto length = parse_within(narrow, method)(text, head);
  if (!length || !*length || head.minor_version != 1) return;
  if (head.reason.empty()) head.reason = http::standard_reason(head.status);  // as the writer does
  std::string written;
  http::append_status_line(written, head.status, head.reason);
  for (const http::Field& field : head.fields) http::append_field(written, field.name, field.value);
  http::append_end_of_head(written);
  const auto second = parse_within(wide, method)(written, again);
  claim(second && *second && **second == written.size(), "a head that was read can be written and read");
  claim(said_by(again) == said_by(head), "it says the same then");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view method = data[0] == 'H' ? "HEAD" : "POST";
  const core::ConstBytes input = input_of(data, size).subspan(1);
  check_cuttings<http::ResponseHead>(input, parse_within(narrow, method));
  check_written_again(core::text_of(input), method);
  return 0;
}
