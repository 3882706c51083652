// Boost.Beast's parser as a second opinion on every head that ours accepts. It is laxer (docs/http.md), so it must
// accept them all, and it must find the same in them.
#include <boost/beast/http/basic_parser.hpp>
#include <utility>

#include "tests/http/vectors.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport::http;
using namespace sallyport::http::testing;

namespace {

namespace beast = boost::beast::http;
using Text = boost::beast::string_view;
using Error = boost::beast::error_code;

template <bool is_request>
class BeastParser final : public beast::basic_parser<is_request> {
 public:
  explicit BeastParser(std::string_view head, bool never_a_body = false) {
    this->header_limit(static_cast<std::uint32_t>(head.size() + 1));
    this->body_limit(boost::none);
    this->skip(never_a_body);
    Error error;
    while (!error && !this->is_header_done() && !head.empty()) {
      head.remove_prefix(this->put({head.data(), head.size()}, error));
    }
    accepts = !error && this->is_header_done();
  }

  bool accepts = false;
  std::string method, target, reason;
  unsigned status = 0, minor_version = 0;
  std::vector<std::pair<std::string, std::string>> fields;

 private:
  void on_request_impl(beast::verb, Text method_text, Text target_text, int version, Error&) override {
    method = method_text;
    target = target_text;
    minor_version = static_cast<unsigned>(version - 10);
  }
  void on_response_impl(int code, Text reason_text, int version, Error&) override {
    status = static_cast<unsigned>(code);
    reason = reason_text;
    minor_version = static_cast<unsigned>(version - 10);
  }
  void on_field_impl(beast::field, Text name, Text value, Error&) override { fields.emplace_back(name, value); }
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(Text, Error&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text, Error&) override { return 0; }
  void on_finish_impl(Error&) override {}
  virtual void on_trailer_field_impl(beast::field, Text, Text, Error&) {}  // asked for since Boost 1.90
};

// Beast takes Proxy-Connection for Connection, which it is not (RFC 9112 §C.2.2), and lets keep-alive win over close
// on 1.0.
template <bool is_request, class Head>
void compare_persistence(const BeastParser<is_request>& second, const Head& head) {
  if (head.fields.find("proxy-connection")) return;
  if (head.keep_alive) REQUIRE(second.keep_alive());
  if (head.minor_version == 1) REQUIRE(second.keep_alive() == head.keep_alive);
}

template <bool is_request, class Head>
void compare(const BeastParser<is_request>& second, const Head& head) {
  REQUIRE(second.accepts);
  REQUIRE(second.minor_version == head.minor_version);
  std::vector<std::pair<std::string, std::string>> fields;
  for (const Field& field : head.fields) fields.emplace_back(field.name, field.value);
  REQUIRE(second.fields == fields);
  if (head.framing.kind == BodyKind::chunked) REQUIRE(second.chunked());
  if (head.framing.kind == BodyKind::sized) REQUIRE(second.content_length().value() == head.framing.size);
  compare_persistence(second, head);
}

// Bytes that mean something to somebody.
constexpr char telling[] = "\0\t\n\r\x7f\x80\x85\xa0\xff ,:;#%/?@[\\_01a";
constexpr std::string_view others(telling, sizeof telling - 1);
static_assert(others.size() == 24);  // as docs/adr/0004 says

// Calls `check` with the text as it is, with each byte of it left out or changed to each of `others`, and with each of
// `others` put in before each byte and at the end. How many of these heads were compared.
template <class Check>
std::size_t with_changes(const std::string& right, Check check) {
  std::size_t compared = check(right);
  for (std::size_t at = 0; at <= right.size(); ++at) {
    std::string text = right;
    text.insert(at, 1, '\0');
    for (const char other : others) {
      text[at] = other;
      compared += check(text);
    }
    if (at == right.size()) break;
    text.erase(at, 1);
    for (const char other : others) {
      text[at] = other;
      compared += check(text);
    }
    text.erase(at, 1);
    compared += check(text);
  }
  return compared;
}

// Whether there was something to compare: ours accepts the head.
bool compare_request(std::string_view bytes) {
  RequestHead head;
  const auto length = parse_request_head(bytes, {}, head);
  if (!length || !*length) return false;
  std::string_view text = bytes.substr(0, **length);
  if (text.starts_with("\r\n")) text.remove_prefix(2);
  INFO(text);
  const BeastParser<true> second(text);
  compare(second, head);
  REQUIRE(second.method == head.method);
  const bool absolute = second.target != "*" && !second.target.starts_with('/');
  if (!absolute) REQUIRE(second.target == head.target);
  if (head.framing.kind == BodyKind::none) REQUIRE_FALSE(second.content_length().has_value());
  return true;
}

bool compare_response(std::string_view bytes, std::string_view request_method) {
  ResponseHead head;
  const auto length = parse_response_head(bytes, {}, request_method, head);
  if (!length || !*length) return false;
  std::string text(bytes.substr(0, **length));
  // Beast insists on the space before an empty reason phrase.
  constexpr std::size_t code_end = std::string_view("HTTP/1.1 200").size();
  if (text[code_end] == '\r') text.insert(code_end, 1, ' ');
  INFO(text);
  const BeastParser<false> second(text, request_method == "HEAD");
  compare(second, head);
  REQUIRE(second.status == head.status);
  REQUIRE(second.reason == head.reason);
  return true;
}

}  // namespace

TEST_CASE("every request head that is accepted is accepted and read alike by a second parser") {
  std::size_t compared = 0;
  for (const auto& vector : accepted_requests()) compared += with_changes(vector.bytes, compare_request);
  for (const auto& vector : refused_requests()) compared += with_changes(vector.bytes, compare_request);
  CHECK(compared >= 40000);  // or ours refuses what it should compare
}

TEST_CASE("every response head that is accepted is accepted and read alike by a second parser") {
  std::size_t compared = 0;
  const auto with_changes_of = [&](const std::string& bytes, const std::string& request_method) {
    compared +=
        with_changes(bytes, [&](std::string_view changed) { return compare_response(changed, request_method); });
  };
  for (const auto& vector : accepted_responses()) with_changes_of(vector.bytes, vector.request_method);
  for (const auto& vector : refused_responses()) with_changes_of(vector.bytes, vector.request_method);
  CHECK(compared >= 22000);
}
