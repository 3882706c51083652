#include "gateway/resp.hpp"

#include <charconv>
#include <optional>

namespace sallyport::gateway {
namespace {

using core::Error;
using core::Reason;
using core::Result;

constexpr std::string_view end_of_line = "\r\n";

// Takes a line off the front. An incomplete one gives nothing; one that is too long, an error.
Result<std::optional<std::string_view>> take_line(std::string_view& rest) {
  const std::size_t end = rest.substr(0, resp_line_limit).find(end_of_line);
  if (end == rest.npos) {
    if (rest.size() >= resp_line_limit) return Error(Reason::upstream_malformed);
    return std::optional<std::string_view>();
  }
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + end_of_line.size());
  return std::optional(line);
}

std::optional<std::int64_t> number_after(char type, std::string_view line) {
  if (!line.starts_with(type)) return std::nullopt;
  std::int64_t number = 0;
  const char* const end = line.data() + line.size();
  const auto [stopped, error] = std::from_chars(line.data() + 1, end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

}  // namespace

void append_resp_command(std::string& out, std::span<const std::string_view> words) {
  out.append("*").append(std::to_string(words.size())).append(end_of_line);
  for (const std::string_view word : words) {
    out.append("$").append(std::to_string(word.size())).append(end_of_line).append(word).append(end_of_line);
  }
}

Result<std::size_t> parse_resp(std::string_view arrived, RespReply& reply) {
  std::string_view rest = arrived;
  const auto first = take_line(rest);
  if (!first) return first.error();
  if (!*first) return 0;
  const std::string_view line = **first;
  reply = {};
  if (line.starts_with('+') || line.starts_with('-')) {
    reply.kind = line.front() == '+' ? RespReply::Kind::status : RespReply::Kind::error;
    reply.text = line.substr(1);
    return arrived.size() - rest.size();
  }
  const auto count = number_after('*', line);
  if (!count || *count < 0 || *count > std::int64_t(resp_numbers_limit)) return Error(Reason::upstream_malformed);
  reply.kind = RespReply::Kind::numbers;
  for (std::int64_t i = 0; i < *count; ++i) {
    const auto next = take_line(rest);
    if (!next) return next.error();
    if (!*next) return 0;
    const auto number = number_after(':', **next);
    if (!number) return Error(Reason::upstream_malformed);
    reply.numbers.push_back(*number);
  }
  return arrived.size() - rest.size();
}

}  // namespace sallyport::gateway
