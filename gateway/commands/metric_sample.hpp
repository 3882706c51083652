// The lines of a gateway's own metrics page. Everything is a view into the page.
#pragma once

#include <functional>
#include <string_view>

namespace sallyport::gateway {

struct Sample {
  std::string_view name;
  std::string_view labels;  // between the braces
  double value = 0;

  // Empty when it has none of this name. Of the gateway's own words, which need no escapes.
  std::string_view label(std::string_view wanted) const;
};

void for_each_sample(std::string_view page, const std::function<void(const Sample&)>& use);

}  // namespace sallyport::gateway
