#include "http/reader.hpp"

#include <charconv>

#include "http/authority.hpp"
#include "http/grammar.hpp"
#include "http/head_scan.hpp"

namespace sallyport::http {
namespace {

using core::Reason;
using Length = std::optional<std::size_t>;

// What a head's fields say about framing and the connection.
struct Facts {
  unsigned hosts = 0;
  unsigned lengths = 0;
  unsigned codings = 0;
  std::string_view host;
  std::string_view length;
  std::string_view coding;
  std::size_t connection_bytes = 0;
  bool close = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool expects_other = false;
  bool malformed = false;

  explicit Facts(const Fields& fields) noexcept {
    for (const Field& field : fields) note(field.name, field.value);
  }

 private:
  void note(std::string_view name, std::string_view value) noexcept;
  void note_connection(std::string_view value) noexcept;
};

void Facts::note(std::string_view name, std::string_view value) noexcept {
  if (same_name(name, "host")) {
    ++hosts;
    host = value;
  } else if (same_name(name, "content-length")) {
    ++lengths;
    length = value;
  } else if (same_name(name, "transfer-encoding")) {
    ++codings;
    coding = value;
  } else if (same_name(name, "connection")) {
    note_connection(value);
  } else if (same_name(name, "proxy-connection")) {
    malformed = malformed || !is_token_list(value);
  } else if (same_name(name, "expect")) {
    (same_name(value, "100-continue") ? expects_continue : expects_other) = true;
  }
}

void Facts::note_connection(std::string_view value) noexcept {
  connection_bytes += value.size();
  if (connection_bytes > connection_limit) return;
  malformed = malformed || !is_token_list(value);
  close = close || list_has(value, "close");
  keep_alive = keep_alive || list_has(value, "keep-alive");
}

// RFC 9112 §9.3: "close" overrides everything, and only HTTP/1.1 persists by default.
bool persists(unsigned minor_version, const Facts& facts) noexcept {
  return !facts.close && (minor_version == 1 || facts.keep_alive);
}

// 1*DIGIT without leading zeros, at most 19 digits, so that the number fits into 64 bits.
std::optional<std::uint64_t> read_length(std::string_view digits) noexcept {
  if (digits.empty() || digits.size() > 19 || (digits.front() == '0' && digits.size() > 1)) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// RFC 9112 §6.1 and §6.2. Allowed: no framing field, one Content-Length, or exactly "chunked" with HTTP/1.1.
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

// RFC 9112 §3.2: one valid Host, which HTTP/1.0 may leave out, and equal to the authority of an absolute target.
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

core::Result<void> interpret(RequestHead& head) {
  const Facts facts(head.fields);
  if (facts.connection_bytes > connection_limit) return Reason::head_too_large;
  if (facts.malformed || !set_target_and_host(head, facts)) return Reason::malformed_request;
  const auto framing = declared_framing(head.minor_version, facts);
  if (!framing) return framing.error();
  if (facts.expects_other) return Reason::expectation_unsupported;
  head.framing = *framing;
  head.keep_alive = persists(head.minor_version, facts);
  const bool has_body = framing->kind == BodyKind::chunked || framing->size > 0;
  head.expects_continue = facts.expects_continue && has_body && head.minor_version == 1;  // RFC 9110 §10.1.1
  return {};
}

core::Result<void> interpret(ResponseHead& head, std::string_view request_method) {
  const Facts facts(head.fields);
  if (facts.malformed || facts.connection_bytes > connection_limit) return Reason::upstream_malformed;
  if (head.status < 100 || head.status > 599 || head.status == 101) return Reason::upstream_malformed;
  const auto framing = declared_framing(head.minor_version, facts);
  if (!framing) return Reason::upstream_malformed;
  head.framing = *framing;
  const bool framing_forbidden = head.status < 200 || head.status == 204;  // RFC 9110 §8.6, RFC 9112 §6.1
  if (framing_forbidden && (framing->kind == BodyKind::chunked || framing->size > 0)) return Reason::upstream_malformed;
  const bool tells_size = request_method == "HEAD" && framing->kind == BodyKind::sized && !framing_forbidden;
  head.size_for_get = tells_size ? std::optional(framing->size) : std::nullopt;
  if (framing_forbidden || head.status == 304 || request_method == "HEAD") {
    head.framing = {};
  } else if (framing->kind == BodyKind::none) {
    head.framing = {BodyKind::until_close, 0};
  }
  head.keep_alive = persists(head.minor_version, facts) && head.framing.kind != BodyKind::until_close;
  return {};
}

// The head is not complete yet. Once `limits.bytes` bytes have arrived it cannot end within the limit any more.
core::Result<Length> incomplete(std::string_view received, const HeadLimits& limits) {
  if (received.size() >= limits.bytes) return Reason::head_too_large;
  return Length{};
}

}  // namespace

core::Result<Length> parse_request_head(std::string_view received, const HeadLimits& limits, RequestHead& head) {
  const std::string_view text = received.substr(0, limits.bytes);
  // RFC 9112 §2.2: one empty line before a request line is ignored, because old clients send it after a body.
  if (text == "\r") return incomplete(received, limits);
  const std::size_t start = text.starts_with("\r\n") ? 2 : 0;
  const auto line = scan_request_line(text.substr(start), limits, head);
  if (!line) return line.error();
  if (!*line) return incomplete(received, limits);
  const auto fields = scan_fields(text.substr(start + **line), limits, head.fields);
  if (!fields) return fields.error();
  if (!*fields) return incomplete(received, limits);
  if (const auto meaning = interpret(head); !meaning) return meaning.error();
  return Length{start + **line + **fields};
}

core::Result<Length> parse_response_head(std::string_view received, const HeadLimits& limits,
                                         std::string_view request_method, ResponseHead& head) {
  const std::string_view text = received.substr(0, limits.bytes);
  const auto line = scan_status_line(text, head);
  if (!line) return Reason::upstream_malformed;
  const auto fields = *line ? scan_fields(text.substr(**line), limits, head.fields) : Scan<std::size_t>(Length{});
  if (!fields) return Reason::upstream_malformed;
  if (!*fields) {
    if (received.size() >= limits.bytes) return Reason::upstream_malformed;
    return Length{};
  }
  if (const auto meaning = interpret(head, request_method); !meaning) return meaning.error();
  return Length{**line + **fields};
}

}  // namespace sallyport::http
