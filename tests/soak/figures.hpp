// What a process held, second by second, and whether any of it grew.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace sallyport::tests::soak {

// How much a figure may rise: by a share of what it was, and by so much more.
struct Margin {
  double share = 0;
  double more = 0;
};

class Figures {
 public:
  void add(const std::string& name, Margin margin, double value);
  double last(const std::string& name) const { return series_.at(name).values.back(); }

  // One line for each figure whose median in the last fifth of the time is above that of the second fifth by more than
  // its margin: the first fifth is for warming up, and a median does not mind what comes and goes.
  std::vector<std::string> grown() const;
  std::string summary() const;  // the same medians of all of them

 private:
  struct Series {
    Margin margin;
    std::vector<double> values;
    double median_of_fifth(std::size_t which) const;  // 0 to 4
  };
  std::map<std::string, Series> series_;
};

}  // namespace sallyport::tests::soak
