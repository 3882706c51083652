// Content whose tenant has no key in the segment at hand: it was taken out of the configuration while the exchange was
// under way. It is dropped, never sealed under another key, and the exchange says how much of it is missing.
#pragma once

#include <cstdint>
#include <map>

#include "logging/log_queue.hpp"

namespace sallyport::logging {

class LostContent {
 public:
  // Takes the content out of the item, which is the tenant's no more: what remains is sealed for the log's recipients.
  // An item with which its exchange ends is told how much that lost in all.
  void drop(LogItem& item);
  // Whether an exchange that has not ended lost some: then nothing more of it is kept, for a body with a hole misleads.
  bool has(std::uint64_t exchange) const { return lost_.contains(exchange); }

 private:
  std::map<std::uint64_t, std::uint64_t> lost_;  // bytes, by exchanges that have not ended
};

}  // namespace sallyport::logging
