// Which segments have had their time, and their removal. Whole segments, oldest first, never the open one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>

#include "core/clock.hpp"
#include "logging/format.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::logging {

struct Removal {
  std::uint64_t last = 0;  // this one and all before it
  SegmentId last_id{};
  std::string_view reason;  // "age" or "size": static storage
};

// The wall clock may be wrong by years when a machine starts, and nobody can tell: so age is the time that the log has
// seen pass. From segment to segment it is the clock's, but what a step has more than this is not believed, whether the
// clock jumped or nobody wrote.
inline constexpr core::Duration longest_step = std::chrono::hours(24);

// When segments were begun, in ns since the Unix epoch, by number: what earlier looks have learnt.
using BeginTimes = std::map<std::uint64_t, std::uint64_t>;

// `open`: the segment being written, for `open_for` by a clock that does not jump. Throws std::exception when the
// directory cannot be read.
std::optional<Removal> find_removal(const std::filesystem::path& directory, const RetentionSettings& settings,
                                    std::uint64_t open, core::Duration open_for, BeginTimes& known);

// Removes segments and key blocks up to `last`; gives how many segments. What an earlier call left goes too. Throws
// std::filesystem::filesystem_error.
std::uint64_t remove_segments(const std::filesystem::path& directory, std::uint64_t last);

}  // namespace sallyport::logging
