// A client's bytes: a request's head, then its body.
#include "tests/fuzz/message.hpp"

using namespace sallyport;
using namespace sallyport::fuzz;

namespace sallyport::http {

// Found by argument where messages are read.
static std::string said_by(const RequestHead& head) {
  std::string text;
  for (const auto part : {head.method, head.target, head.path, head.host}) text.append(part).append("\n");
  text += std::to_string(head.minor_version) + (head.keep_alive ? " keep" : "") + (head.expects_continue ? " 100" : "");
  return text + "\n" + fuzz::said_by(head.fields) + fuzz::said_by(head.framing);
}

}  // namespace sallyport::http

namespace {

auto parse_within(const http::HeadLimits& limits) {
  return [&limits](std::string_view text, http::RequestHead& head) {
    return http::parse_request_head(text, limits, head);
  };
}

// A head that was accepted and is written by http/writer is accepted as the same. As HTTP/1.1, which asks more
// than 1.0.
void check_written_again(std::string_view text) {
  http::RequestHead head, again;
  const auto length = parse_within(narrow)(text, head);
  if (!length || !*length || head.minor_version != 1) return;
  std::string written, checked;
  http::append_request_line(written, head.method, head.target);
  checked = written;
  for (const http::Field& field : head.fields) {
    http::append_read_field(written, field);
    http::append_field(checked, field.name, field.value);
  }
  claim(checked == written, "a field that was read breaks no line");
  http::append_end_of_head(written);
  const auto second = parse_within(wide)(written, again);
  claim(second && *second && **second == written.size(), "a head that was read can be written and read");
  claim(said_by(again) == said_by(head), "it says the same then");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ConstBytes input = input_of(data, size);
  check_cuttings<http::RequestHead>(input, parse_within(narrow));
  check_written_again(core::text_of(input));
  return 0;
}
