#include "gateway/commands/metric_sample.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace sallyport::gateway {
namespace {

std::optional<Sample> parse_sample(std::string_view line) {
  const std::size_t space = line.rfind(' ');
  if (line.starts_with('#') || space == line.npos) return std::nullopt;
  Sample sample;
  const std::string_view number = line.substr(space + 1);
  if (std::from_chars(number.data(), number.data() + number.size(), sample.value).ec != std::errc{}) return {};
  const std::string_view series = line.substr(0, space);
  sample.name = series.substr(0, series.find('{'));
  if (sample.name.size() < series.size()) {
    sample.labels = series.substr(sample.name.size() + 1);
    sample.labels.remove_suffix(sample.labels.ends_with('}') ? 1 : 0);
  }
  return sample;
}

}  // namespace

std::string_view Sample::label(std::string_view wanted) const {
  const std::string start = std::string(wanted) + "=\"";
  for (std::size_t at = labels.find(start); at != labels.npos; at = labels.find(start, at + 1)) {
    if (at != 0 && labels[at - 1] != ',') continue;
    const std::string_view rest = labels.substr(at + start.size());
    return rest.substr(0, rest.find('"'));
  }
  return {};
}

void for_each_sample(std::string_view page, const std::function<void(const Sample&)>& use) {
  while (!page.empty()) {
    const std::string_view line = page.substr(0, page.find('\n'));
    page.remove_prefix(std::min(line.size() + 1, page.size()));
    if (const auto sample = parse_sample(line)) use(*sample);
  }
}

}  // namespace sallyport::gateway
