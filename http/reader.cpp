#include "http/reader.hpp"

#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>

#include "http/authority.hpp"
#include "http/grammar.hpp"
#include "http/head_scan.hpp"

namespace sallyport::http {
namespace {

namespace beast = boost::beast::http;
using core::Reason;
using Length = std::optional<std::size_t>;

std::string_view view(boost::beast::string_view text) noexcept { return {text.data(), text.size()}; }

// What the fields say about framing and the connection, gathered while Beast names them.
struct Facts {
  unsigned hosts = 0;
  unsigned lengths = 0;
  unsigned codings = 0;
  std::string_view host;
  std::string_view length;
  std::string_view coding;
  bool close = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool expects_other = false;

  void note(beast::field name, std::string_view value) noexcept {
    switch (name) {
      case beast::field::host:
        ++hosts;
        host = value;
        break;
      case beast::field::content_length:
        ++lengths;
        length = value;
        break;
      case beast::field::transfer_encoding:
        ++codings;
        coding = value;
        break;
      case beast::field::connection:
        close = close || list_has(value, "close");
        keep_alive = keep_alive || list_has(value, "keep-alive");
        break;
      case beast::field::expect:
        (same_name(value, "100-continue") ? expects_continue : expects_other) = true;
        break;
      default:
        break;
    }
  }
};

// RFC 9112 §9.3: "close" wins over everything, and only 1.1 persists by itself.
bool persists(unsigned minor_version, const Facts& facts) noexcept {
  return !facts.close && (minor_version == 1 || facts.keep_alive);
}

// Beast's parser over a scanned head, storing fields as views. It never sees a body.
template <bool is_request, class Head>
class HeadParser final : public beast::basic_parser<is_request> {
 public:
  explicit HeadParser(Head& head) : head_(head) {
    head_.fields.clear();
    this->skip(true);
    this->body_limit(boost::none);
  }

  // The parts of one complete head, each with its final CRLF. In two steps, so that the start line may be another.
  bool accepts(std::string_view start_line, std::string_view fields) {
    this->header_limit(static_cast<std::uint32_t>(start_line.size() + fields.size() + 1));
    boost::beast::error_code error;
    if (this->put({start_line.data(), start_line.size()}, error) != start_line.size()) return false;
    if (error != beast::error::need_more) return false;
    return this->put({fields.data(), fields.size()}, error) == fields.size() && !error && this->is_header_done();
  }

  const Facts& facts() const noexcept { return facts_; }

 private:
  using Text = boost::beast::string_view;
  using Error = boost::beast::error_code;

  void on_request_impl(beast::verb, Text method, Text target, int version, Error&) override {
    if constexpr (is_request) {
      head_.method = view(method);
      head_.target = view(target);
      head_.minor_version = version == 11 ? 1 : 0;
    }
  }
  void on_response_impl(int status, Text reason, int version, Error&) override {
    if constexpr (!is_request) {
      head_.status = static_cast<unsigned>(status);
      head_.reason = reason.empty() ? std::string_view{} : view(reason);
      head_.minor_version = version == 11 ? 1 : 0;
    }
  }
  void on_field_impl(beast::field name, Text name_text, Text value, Error&) override {
    head_.fields.add(view(name_text), view(value));
    facts_.note(name, view(value));
  }
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(Text, Error&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text, Error&) override { return 0; }
  void on_finish_impl(Error&) override {}
  // Beast asks for this one since Boost 1.90.
  virtual void on_trailer_field_impl(beast::field, Text, Text, Error&) {}

  Head& head_;
  Facts facts_;
};

// 1*DIGIT without leading zeros, at most 19 of them so that it fits wherever it is counted.
std::optional<std::uint64_t> read_length(std::string_view digits) noexcept {
  if (digits.empty() || digits.size() > 19 || (digits.front() == '0' && digits.size() > 1)) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// RFC 9112 §6.1 and §6.2: one of nothing, one Content-Length, or exactly "chunked" on HTTP/1.1.
core::Result<Framing> declared_framing(unsigned minor_version, const Facts& facts) {
  if (facts.codings > 0) {
    if (facts.lengths > 0 || facts.codings > 1 || minor_version == 0) return Reason::malformed_request;
    if (!same_name(facts.coding, "chunked")) return Reason::transfer_coding_unsupported;
    return Framing{BodyKind::chunked, 0};
  }
  if (facts.lengths == 0) return Framing{};
  const auto size = facts.lengths == 1 ? read_length(facts.length) : std::nullopt;
  if (!size) return Reason::malformed_request;
  return Framing{BodyKind::sized, *size};
}

// RFC 9112 §3.2: one valid Host, which 1.0 may leave out, and the same as an absolute target's authority.
bool set_target_and_host(RequestHead& head, const Facts& facts) noexcept {
  const auto target = read_target(head.method, head.target);
  if (!target || facts.hosts > 1 || (facts.hosts == 0 && head.minor_version == 1)) return false;
  if (facts.hosts == 1) {
    if (!valid_authority(facts.host)) return false;
    if (!target->authority.empty() && !same_name(target->authority, facts.host)) return false;
  }
  head.host = facts.hosts == 1 ? facts.host : target->authority;
  head.target = target->origin;
  head.path = head.target.substr(0, head.target.find('?'));
  return true;
}

core::Result<void> interpret(RequestHead& head, const Facts& facts) {
  if (!set_target_and_host(head, facts)) return Reason::malformed_request;
  const auto framing = declared_framing(head.minor_version, facts);
  if (!framing) return framing.error();
  if (facts.expects_other) return Reason::expectation_unsupported;
  head.framing = *framing;
  head.keep_alive = persists(head.minor_version, facts);
  const bool has_body = framing->kind == BodyKind::chunked || framing->size > 0;
  head.expects_continue = facts.expects_continue && has_body && head.minor_version == 1;  // RFC 9110 §10.1.1
  return {};
}

core::Result<void> interpret(ResponseHead& head, const Facts& facts, std::string_view request_method) {
  if (head.status < 100 || head.status > 599 || head.status == 101) return Reason::upstream_malformed;
  const auto framing = declared_framing(head.minor_version, facts);
  if (!framing) return Reason::upstream_malformed;
  head.framing = *framing;
  const bool framing_forbidden = head.status < 200 || head.status == 204;  // RFC 9110 §8.6, RFC 9112 §6.1
  if (framing_forbidden && (framing->kind == BodyKind::chunked || framing->size > 0)) return Reason::upstream_malformed;
  if (framing_forbidden || head.status == 304 || request_method == "HEAD") {
    head.framing = {};
  } else if (framing->kind == BodyKind::none) {
    head.framing = {BodyKind::until_close, 0};
  }
  head.keep_alive = persists(head.minor_version, facts) && head.framing.kind != BodyKind::until_close;
  return {};
}

// A head that has not ended within these bytes: it cannot end within the limit once that many have come.
core::Result<Length> incomplete(std::string_view received, const HeadLimits& limits) {
  if (received.size() >= limits.bytes) return Reason::head_too_large;
  return Length{};
}

// Beast insists on the space before an empty reason phrase.
constexpr std::size_t status_line_without_space = std::string_view("HTTP/1.1 200\r\n").size();
std::array<char, status_line_without_space + 1> with_space(std::string_view line) noexcept {
  std::array<char, status_line_without_space + 1> spaced{};
  line.copy(spaced.data(), line.size() - 2);
  std::string_view(" \r\n").copy(spaced.data() + line.size() - 2, 3);
  return spaced;
}

bool parse(HeadParser<false, ResponseHead>& parser, std::string_view line, std::string_view fields) {
  if (line.size() != status_line_without_space) return parser.accepts(line, fields);
  const auto spaced = with_space(line);
  return parser.accepts({spaced.data(), spaced.size()}, fields);
}

}  // namespace

core::Result<Length> parse_request_head(std::string_view received, const HeadLimits& limits, RequestHead& head) {
  const std::string_view text = received.substr(0, limits.bytes);
  // RFC 9112 §2.2: one empty line before a request line is ignored; old clients send it after a body.
  if (text == "\r") return incomplete(received, limits);
  const std::size_t start = text.starts_with("\r\n") ? 2 : 0;
  const auto line = scan_request_line(text.substr(start), limits);
  if (!line) return line.error();
  if (!*line) return incomplete(received, limits);
  const auto fields = scan_fields(text.substr(start + **line), limits);
  if (!fields) return fields.error();
  if (!*fields) return incomplete(received, limits);

  HeadParser<true, RequestHead> parser(head);
  if (!parser.accepts(text.substr(start, **line), text.substr(start + **line, **fields))) {
    return Reason::malformed_request;
  }
  if (const auto meaning = interpret(head, parser.facts()); !meaning) return meaning.error();
  return Length{start + **line + **fields};
}

core::Result<Length> parse_response_head(std::string_view received, const HeadLimits& limits,
                                         std::string_view request_method, ResponseHead& head) {
  const std::string_view text = received.substr(0, limits.bytes);
  const auto line = scan_status_line(text);
  if (!line) return Reason::upstream_malformed;
  const auto fields = *line ? scan_fields(text.substr(**line), limits) : Scan<std::size_t>(Length{});
  if (!fields) return Reason::upstream_malformed;
  if (!*fields) {
    if (received.size() >= limits.bytes) return Reason::upstream_malformed;
    return Length{};
  }

  HeadParser<false, ResponseHead> parser(head);
  if (!parse(parser, text.substr(0, **line), text.substr(**line, **fields))) return Reason::upstream_malformed;
  if (const auto meaning = interpret(head, parser.facts(), request_method); !meaning) return meaning.error();
  return Length{**line + **fields};
}

}  // namespace sallyport::http
