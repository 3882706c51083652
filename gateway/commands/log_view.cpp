#include "gateway/commands/log_view.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "core/base64.hpp"
#include "core/utc_time.hpp"
#include "gateway/commands/log_text.hpp"
#include "gateway/config/config_text.hpp"

namespace sallyport::gateway {

namespace {

using nlohmann::ordered_json;

// Of a record: ours is flat. To write a JSON text that is nested without end takes a stack without end.
constexpr int max_depth = 8;

std::string text_at(const ordered_json& record, const char* key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::uint64_t> number_at(const ordered_json& record, const char* key) {
  const auto found = record.find(key);
  if (found == record.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string duration_text(std::uint64_t microseconds) {
  char text[32];
  if (microseconds < 1'000'000) {
    std::snprintf(text, sizeof text, "%.1fms", static_cast<double>(microseconds) / 1e3);
  } else {
    std::snprintf(text, sizeof text, "%.2fs", static_cast<double>(microseconds) / 1e6);
  }
  return text;
}

std::string aligned_right(const std::string& text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

// "2026-01-02T03:04:05.000250Z" as "2026-01-02 03:04:05.000".
std::string time_text(const std::string& time) {
  if (time.size() < 23) return padded(printable(time), 23);
  return printable(time.substr(0, 10) + " " + time.substr(11, 12));
}

std::string status_text(const ShownExchange& shown, bool colour) {
  const auto status = number_at(shown.record, "status").value_or(0);
  std::string text = status == 0 ? "---" : std::to_string(status);
  if (!colour) return text;
  const std::string_view paint = status >= 200 && status < 400 ? green : status >= 400 && status < 500 ? yellow : red;
  return std::string(paint).append(text).append(plain);
}

std::string token_text(const ordered_json& record) {
  const auto prompt = number_at(record, "prompt_tokens"), completion = number_at(record, "completion_tokens");
  if (!prompt && !completion) return "-";
  return std::to_string(prompt.value_or(0)) + "+" + std::to_string(completion.value_or(0));
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : printable(text); }

void append_body(std::string& out, std::string_view mark, const std::optional<core::Bytes>& body) {
  if (!body || body->empty()) return;
  const std::string text = printable(core::text_of(*body), true);
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    out.append("\n    ").append(mark).append(text, begin, end - begin);
    begin = end + 1;
  }
}

// nlohmann's own check, without its exception: a byte that is not UTF-8 would be replaced by three.
bool is_utf8(std::string_view text) {
  const auto dump = [&](ordered_json::error_handler_t handler) {
    return ordered_json(text).dump(-1, ' ', false, handler);
  };
  return dump(ordered_json::error_handler_t::replace) == dump(ordered_json::error_handler_t::ignore);
}

}  // namespace

ShownExchange shown(logging::Exchange exchange) {
  const auto is_flat = [](int depth, ordered_json::parse_event_t, ordered_json&) { return depth <= max_depth; };
  auto record = ordered_json::parse(exchange.metadata, is_flat, false);
  if (!record.is_object()) record = ordered_json::object();
  const bool damaged = exchange.damaged;
  return {std::move(exchange), std::move(record), std::nullopt, std::nullopt, damaged, {}};
}

bool LogFilter::takes(const ShownExchange& exchange) const {
  const auto same = [&](const std::string& wanted, const char* key) {
    return wanted.empty() || wanted == text_at(exchange.record, key);
  };
  if (!same(request_id, "request_id") || !same(principal, "principal") || !same(model, "model")) return false;
  if (!same(tenant, "tenant")) return false;
  if (!since && !until) return true;
  const std::string time = text_at(exchange.record, exchange.exchange.finished ? "started" : "opened");
  const auto started = time.size() > 19 ? core::parse_utc(time.substr(0, 19) + "Z") : std::nullopt;
  if (!started) return false;
  return (!since || *started >= *since) && (!until || *started <= *until);
}

std::optional<core::WallTime> parse_moment(std::string_view text, core::WallTime now) noexcept {
  if (auto moment = core::parse_utc(text)) return moment;
  if (auto day = core::parse_utc_date(text)) return day;
  if (const auto ago = parse_duration(text, century)) return now - *ago;
  return std::nullopt;
}

std::string human_line(const ShownExchange& shown, bool colour) {
  const ordered_json& record = shown.record;
  const bool finished = shown.exchange.finished;
  std::string line = time_text(text_at(record, finished ? "started" : "opened"));
  line += "  " + status_text(shown, colour);
  line += "  " + aligned_right(duration_text(number_at(record, "duration_us").value_or(0)), 8);
  line += "  " + padded(or_dash(text_at(record, "principal")), 12);
  line += "  " + padded(or_dash(text_at(record, "model")), 20);
  line += "  " + aligned_right(token_text(record), 11);
  line += "  " + or_dash(text_at(record, "request_id"));
  const std::string outcome = finished ? text_at(record, "outcome") : "unfinished";
  if (!outcome.empty() && outcome != "none") line += "  " + printable(outcome);
  if (shown.exchange.cut) line += "  (its beginning is not here)";
  if (record.contains("content_lost")) line += "  (content cut by the writer)";
  if (shown.content_damaged) line += "  (content is not authentic)";
  if (!shown.sealed_for.empty()) line += "  (content sealed for " + printable(shown.sealed_for) + ")";
  const std::string request = colour ? std::string(dim) + "> " : "> ",
                    response = colour ? std::string(dim) + "< " : "< ";
  append_body(line, request, shown.request);
  append_body(line, response, shown.response);
  if (colour && (shown.request || shown.response)) line += plain;
  return line += '\n';
}

std::string json_line(const ShownExchange& shown) {
  ordered_json line = shown.record;
  line["exchange"] = shown.exchange.number;
  line["segment"] = shown.exchange.segment;
  line["finished"] = shown.exchange.finished;
  if (shown.exchange.cut) line["cut"] = true;
  if (shown.content_damaged) line["content_damaged"] = true;
  if (!shown.sealed_for.empty()) line["content_sealed_for"] = shown.sealed_for;
  const auto put = [&](const std::string& key, const std::optional<core::Bytes>& body) {
    if (!body) return;
    if (is_utf8(core::text_of(*body))) {
      line[key] = core::text_of(*body);
    } else {
      line[key + "_base64"] = core::to_base64(*body);
    }
  };
  put("request_body", shown.request);
  put("response_body", shown.response);
  return one_line(line);
}

}  // namespace sallyport::gateway
