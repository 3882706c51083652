// Changes who can open a closed segment, without touching a record: its key block is made anew and put in the old
// one's place. What was readable before stays readable at every moment, and a run that was cut short can be run again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "envelope/key_holder.hpp"
#include "envelope/recipient.hpp"

namespace sallyport::logging {

struct RewrapPlan {
  std::vector<envelope::Recipient> add;
  std::vector<std::string> remove;  // recipients' ids
  bool allow_mixed = false;         // post-quantum and classical recipients on one segment
};

enum class Rewrapped : std::uint8_t {
  done,
  as_wanted,    // it was so already; where the key does not open it, as far as its recipients' names tell
  not_opened,   // the key does not open the segment, or its header or key block is not sound
  none_left,    // nobody could open it any more
  mixed,        // post-quantum and classical recipients would be mixed
  not_written,  // the disk refused; the old key block stands
};

struct RewrapResult {
  Rewrapped outcome = Rewrapped::done;
  std::string words;  // for an operator, where it is a failure
};

// May block in the holder. Throws what the holder throws.
RewrapResult rewrap_segment(const std::filesystem::path& segment, envelope::KeyHolder& holder, const RewrapPlan& plan);

}  // namespace sallyport::logging
