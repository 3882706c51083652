#include "core/utc_time.hpp"

#include <charconv>
#include <cstdio>

namespace sallyport::core {
namespace {

constexpr std::string_view date_form = "dddd-dd-dd";
constexpr std::string_view time_form = "dddd-dd-ddTdd:dd:ddZ";

// 'd' stands for a digit, everything else for itself.
bool has_form(std::string_view text, std::string_view form) noexcept {
  if (text.size() != form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool fits = form[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i];
    if (!fits) return false;
  }
  return true;
}

int number(std::string_view digits) noexcept {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

}  // namespace

std::string format_utc(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

std::optional<WallTime> parse_utc_date(std::string_view text) noexcept {
  if (!has_form(text, date_form)) return std::nullopt;
  const int year = number(text.substr(0, 4));
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(number(text.substr(5, 2)))),
                                         std::chrono::day(static_cast<unsigned>(number(text.substr(8, 2)))));
  if (year < first_year || year > last_year || !date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date));
}

std::optional<WallTime> parse_utc(std::string_view text) noexcept {
  if (!has_form(text, time_form)) return std::nullopt;
  const auto day = parse_utc_date(text.substr(0, date_form.size()));
  const int hours = number(text.substr(11, 2));
  const int minutes = number(text.substr(14, 2));
  const int seconds = number(text.substr(17, 2));
  if (!day || hours > 23 || minutes > 59 || seconds > 59) return std::nullopt;
  return *day + std::chrono::hours(hours) + std::chrono::minutes(minutes) + std::chrono::seconds(seconds);
}

}  // namespace sallyport::core
