// The operator's log: events of the gateway itself, on stderr, one line each, as text or JSON.
//
// An event is a fixed name and a few plain fields. Nothing a client sent can forge a line or drive a terminal, and a
// Secret cannot be passed. Content never comes here: it goes to the sealed log. Thread-safe.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "core/secret.hpp"
#include "gateway/config/config.hpp"

namespace sallyport::gateway {

// A view: key and value must live until the call that logs them returns.
class LogField {
 public:
  LogField(std::string_view key, std::string_view value) : key_(key), value_(value) {}
  LogField(std::string_view key, const char* value) : LogField(key, std::string_view(value)) {}
  LogField(std::string_view key, const std::string& value) : LogField(key, std::string_view(value)) {}
  LogField(std::string_view key, bool value) : key_(key), value_(value) {}
  LogField(std::string_view key, double value) : key_(key), value_(value) {}
  template <std::signed_integral Number>
  LogField(std::string_view key, Number value) : key_(key), value_(std::int64_t{value}) {}
  template <std::unsigned_integral Number>
  requires(!std::same_as<Number, bool>) LogField(std::string_view key, Number value)
      : key_(key), value_(std::uint64_t{value}) {}
  LogField(std::string_view key, const core::Secret& value) = delete;

 private:
  friend std::string format_event(LogFormat format, std::string_view event, std::initializer_list<LogField> fields);
  void append_text(std::string& line) const;  //  key=value
  void append_json(std::string& line) const;  // ,"key":value

  std::string_view key_;
  std::variant<std::string_view, bool, double, std::int64_t, std::uint64_t> value_;
};

class OperatorLogger {
 public:
  using Fields = std::initializer_list<LogField>;

  explicit OperatorLogger(const OperatorLog& settings);
  ~OperatorLogger();

  void configure(const OperatorLog& settings);  // on reload

  // A line that there is no memory for is lost.
  void info(std::string_view event, Fields fields = {}) noexcept { write(LogLevel::info, event, fields); }
  void warning(std::string_view event, Fields fields = {}) noexcept { write(LogLevel::warning, event, fields); }
  void error(std::string_view event, Fields fields = {}) noexcept { write(LogLevel::error, event, fields); }
  void write(LogLevel level, std::string_view event, Fields fields) noexcept;

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

// What stands after the time and level: "reloaded listener=public reason=\"bad \\n thing\"". For the tests.
std::string format_event(LogFormat format, std::string_view event, OperatorLogger::Fields fields);

}  // namespace sallyport::gateway
