#include "gateway/operator_log.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <atomic>
#include <cmath>
#include <nlohmann/json.hpp>

namespace sallyport::gateway {
namespace {

constexpr std::size_t value_limit = 1024;  // bytes of one value; a longer one is cut

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

bool is_bare(std::string_view text) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@+-[],*%";
  return !text.empty() && text.find_first_not_of(letters) == text.npos;
}

// Printable ASCII as it is, everything else escaped: no line break, no escape sequence, no C1 control and no
// direction override reaches a terminal.
void append_quoted(std::string& line, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  line += '"';
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      line += '\\';
      line += letter;
    } else if (letter == '\n') {
      line += "\\n";
    } else if (byte >= 0x20 && byte < 0x7f) {
      line += letter;
    } else {
      line += "\\x";
      line += hex[byte >> 4];
      line += hex[byte & 15];
    }
  }
  line += '"';
}

std::string json_text(std::string_view text) {
  // Invalid UTF-8 becomes U+FFFD; everything beyond ASCII becomes \uXXXX.
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string number_text(double number) {
  if (!std::isfinite(number)) return "null";
  return nlohmann::json(number).dump();
}

std::string_view cut(std::string_view text) { return text.substr(0, value_limit); }

}  // namespace

void LogField::append_text(std::string& line) const {
  line.append(" ").append(key_).append("=");
  if (const auto* text = std::get_if<std::string_view>(&value_)) {
    is_bare(*text) ? void(line += cut(*text)) : append_quoted(line, cut(*text));
  } else if (const auto* truth = std::get_if<bool>(&value_)) {
    line += *truth ? "true" : "false";
  } else if (const auto* real = std::get_if<double>(&value_)) {
    line += number_text(*real);
  } else if (const auto* number = std::get_if<std::int64_t>(&value_)) {
    line += std::to_string(*number);
  } else {
    line += std::to_string(std::get<std::uint64_t>(value_));
  }
}

void LogField::append_json(std::string& line) const {
  line.append(",").append(json_text(key_)).append(":");
  if (const auto* text = std::get_if<std::string_view>(&value_)) {
    line += json_text(cut(*text));
  } else if (const auto* truth = std::get_if<bool>(&value_)) {
    line += *truth ? "true" : "false";
  } else if (const auto* real = std::get_if<double>(&value_)) {
    line += number_text(*real);
  } else if (const auto* number = std::get_if<std::int64_t>(&value_)) {
    line += std::to_string(*number);
  } else {
    line += std::to_string(std::get<std::uint64_t>(value_));
  }
}

std::string format_event(LogFormat format, std::string_view event, OperatorLogger::Fields fields) {
  std::string line;
  if (format == LogFormat::json) {
    line = "\"event\":" + json_text(event);
    for (const LogField& field : fields) field.append_json(line);
  } else {
    line = event;
    for (const LogField& field : fields) field.append_text(line);
  }
  return line;
}

struct OperatorLogger::Sink {
  // Its own logger, not spdlog's registry, which is global.
  spdlog::logger logger{"sallyport", std::make_shared<spdlog::sinks::stderr_color_sink_mt>()};
  std::atomic<LogFormat> format{LogFormat::text};
};

OperatorLogger::OperatorLogger(const OperatorLog& settings) : sink_(std::make_unique<Sink>()) {
  sink_->logger.set_error_handler([](const std::string&) {});  // a closed stderr must not end or flood anything
  sink_->logger.flush_on(spdlog::level::info);
  configure(settings);
}

OperatorLogger::~OperatorLogger() = default;

void OperatorLogger::configure(const OperatorLog& settings) {
  constexpr auto text = "%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v";
  constexpr auto json = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";
  sink_->format.store(settings.format);
  sink_->logger.set_pattern(settings.format == LogFormat::json ? json : text, spdlog::pattern_time_type::utc);
  sink_->logger.set_level(spdlog_level(settings.level));
}

void OperatorLogger::write(LogLevel level, std::string_view event, Fields fields) noexcept try {
  if (!sink_->logger.should_log(spdlog_level(level))) return;
  const std::string line = format_event(sink_->format.load(), event, fields);
  sink_->logger.log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
} catch (const std::exception&) {  // what it tells of must not go wrong for it
}

}  // namespace sallyport::gateway
