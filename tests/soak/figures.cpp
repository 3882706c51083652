#include "tests/soak/figures.hpp"

#include <algorithm>
#include <cmath>

namespace sallyport::tests::soak {
namespace {

std::string risen(const std::string& name, double from, double to) {
  return name + ": " + std::to_string(std::llround(from)) + " → " + std::to_string(std::llround(to));
}

}  // namespace

void Figures::add(const std::string& name, Margin margin, double value) {
  Series& series = series_[name];
  series.margin = margin;
  series.values.push_back(value);
}

double Figures::Series::median_of_fifth(std::size_t which) const {
  const auto at = [this](std::size_t fifth) { return values.begin() + static_cast<long>(values.size() * fifth / 5); };
  std::vector<double> part(at(which), at(which + 1));
  if (part.empty()) return 0;
  const auto middle = part.begin() + static_cast<long>(part.size() / 2);
  std::nth_element(part.begin(), middle, part.end());
  return *middle;
}

std::vector<std::string> Figures::grown() const {
  std::vector<std::string> found;
  for (const auto& [name, series] : series_) {
    const double from = series.median_of_fifth(1), to = series.median_of_fifth(4);
    if (to > from * (1 + series.margin.share) + series.margin.more) found.push_back(risen(name, from, to));
  }
  return found;
}

std::string Figures::summary() const {
  std::string text;
  for (const auto& [name, series] : series_) {
    text += (text.empty() ? "" : "; ") + risen(name, series.median_of_fifth(1), series.median_of_fifth(4));
  }
  return text;
}

}  // namespace sallyport::tests::soak
