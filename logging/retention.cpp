#include "logging/retention.hpp"

#include <algorithm>

#include "logging/frame_walker.hpp"
#include "logging/storage.hpp"

namespace sallyport::logging {

namespace fs = std::filesystem;

namespace {

// How many at the front are too many: what is behind them, the open one included, fits the size.
std::size_t over_size(const std::vector<ListedSegment>& segments, std::uint64_t limit) {
  std::uint64_t total = 0;
  for (std::size_t i = segments.size(); i > 0; --i) {
    total += fs::file_size(segments[i - 1].path);
    if (total > limit) return std::min(i, segments.size() - 1);
  }
  return 0;
}

// Nothing when its header cannot be read.
std::optional<std::uint64_t> begin_of(const ListedSegment& segment, BeginTimes& known) {
  if (const auto found = known.find(segment.number); found != known.end()) return found->second;
  const auto header = read_header(segment.path);
  if (!header) return std::nullopt;
  return known[segment.number] = header->header.created_ns;
}

// How many at the front are too old. A segment holds nothing younger than its successor's header.
std::size_t over_age(const std::vector<ListedSegment>& segments, core::Duration limit, core::Duration open_for,
                     BeginTimes& known) {
  core::Duration age = open_for;
  std::optional<std::uint64_t> later;
  for (std::size_t i = segments.size(); i > 1; --i) {
    const auto begin = begin_of(segments[i - 1], known);
    if (!begin) continue;
    if (later && *later > *begin) {
      age += core::Duration(std::min(*later - *begin, static_cast<std::uint64_t>(longest_step.count())));
    }
    later = begin;
    if (age > limit) return i - 1;
  }
  return 0;
}

// Key blocks that a rewrap put in place, or began to write, while their segment was being removed.
void remove_stray_keys(const fs::path& directory, std::uint64_t last) {
  for (const auto& [number, file] : list_numbered(directory, keys_suffix)) {
    if (number <= last) fs::remove(file);
  }
  for (const auto& [number, file] : list_numbered(directory, unfinished_keys_suffix)) {
    if (number <= last) fs::remove(file);
  }
}

}  // namespace

std::optional<Removal> find_removal(const fs::path& directory, const RetentionSettings& settings, std::uint64_t open,
                                    core::Duration open_for, BeginTimes& known) {
  std::vector<ListedSegment> segments = list_segments(directory);
  std::erase_if(segments, [&](const ListedSegment& segment) { return segment.number > open; });
  if (!segments.empty()) known.erase(known.begin(), known.lower_bound(segments.front().number));
  const std::size_t old = settings.age > core::Duration::zero() ? over_age(segments, settings.age, open_for, known) : 0;
  const std::size_t large = settings.bytes > 0 ? over_size(segments, settings.bytes) : 0;
  const std::size_t count = std::max(old, large);
  if (count == 0) return std::nullopt;
  // What the one behind says came before it: the tombstone closes exactly that gap.
  const auto successor = read_header(segments[count].path);
  if (!successor || successor->header.number != segments[count].number) return std::nullopt;
  return Removal{successor->header.number - 1, successor->header.previous.id, old >= large ? "age" : "size"};
}

std::uint64_t remove_segments(const fs::path& directory, std::uint64_t last) {
  std::uint64_t removed = 0;
  for (const ListedSegment& segment : list_segments(directory)) {
    if (segment.number > last) break;
    // The key block first: what cannot be read any more is gone, even if the rest of it stays for a while.
    fs::remove(keys_path_of(segment.path));
    if (fs::remove(segment.path)) ++removed;
  }
  remove_stray_keys(directory, last);
  return removed;
}

}  // namespace sallyport::logging
