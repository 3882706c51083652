// Which segments have had their time, and their removal. Whole segments, oldest first, never the open one.
#pragma once

#include <cstdint>
#include <filesystem>
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

// `open`: the segment being written. Throws std::exception when the directory cannot be read.
std::optional<Removal> find_removal(const std::filesystem::path& directory, const RetentionSettings& settings,
                                    core::WallTime now, std::uint64_t open);

// Removes segments and key blocks up to `last`; gives how many segments. What an earlier call left goes too. Throws
// std::filesystem::filesystem_error.
std::uint64_t remove_segments(const std::filesystem::path& directory, std::uint64_t last);

}  // namespace sallyport::logging
