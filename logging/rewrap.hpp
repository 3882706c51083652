// Changes who can open a closed segment, without touching a record: its key block is made anew and put in the old
// one's place. What was readable before stays readable at every moment, and a run that was cut short can be run again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "envelope/key_holder.hpp"
#include "envelope/recipient.hpp"

namespace sallyport::logging {

struct RewrapPlan {
  std::vector<envelope::Recipient> add;
  std::vector<std::string> remove;  // recipients' ids
  bool allow_mixed = false;         // post-quantum and classical recipients of one key
  std::string tenant{};             // whose content key is meant; empty: the segment's own
};

enum class Rewrapped : std::uint8_t {
  done,
  as_wanted,    // it was so already; where the key does not open it, as far as its recipients' names tell
  not_there,    // it has no such tenant
  not_opened,   // the key does not open the segment, or its header or key block is not sound
  gone,         // it has no key block: it is being removed, or that was taken away
  none_left,    // nobody could open it any more
  mixed,        // post-quantum and classical recipients of a key would be mixed
  not_written,  // the disk refused, or there would be more recipients than fit; the old key block stands
};

struct RewrapResult {
  Rewrapped outcome = Rewrapped::done;
  std::string words;  // for an operator, where it is a failure
};

// May block in the holder, which must open the segment's key. To add recipients of a tenant's it must open that too.
// Where a tenant's key was erased all is as wanted. Throws what the holder throws, and std::system_error when the
// segment cannot be read. Of one that is removed meanwhile no key block stays behind.
RewrapResult rewrap_segment(const std::filesystem::path& segment, envelope::KeyHolder& holder, const RewrapPlan& plan);

// Takes a tenant's content key out of the key block and says so in its place: from this file nobody reads that content
// again. The segment and all that is verified of it stay as they are. As rewrap_segment() otherwise.
RewrapResult erase_tenant(const std::filesystem::path& segment, envelope::KeyHolder& holder, const std::string& tenant,
                          core::WallTime now);

}  // namespace sallyport::logging
