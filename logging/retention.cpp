#include "logging/retention.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "logging/storage.hpp"

namespace sallyport::logging {

namespace fs = std::filesystem;

namespace {

// Key blocks that a rewrap put in place, or began to write, while their segment was being removed.
void remove_stray_keys(const fs::path& directory, std::uint64_t last) {
  for (const auto& [number, file] : list_numbered(directory, keys_suffix)) {
    if (number <= last) fs::remove(file);
  }
  for (const auto& [number, file] : list_numbered(directory, unfinished_keys_suffix)) {
    if (number <= last) fs::remove(file);
  }
}

core::Duration step_between(const ProvenSegment& earlier, const ProvenSegment& later) {
  if (later.created_ns <= earlier.created_ns) return {};
  return core::Duration(
      std::min(later.created_ns - earlier.created_ns, static_cast<std::uint64_t>(longest_step.count())));
}

}  // namespace

struct Retention::Passed {
  core::Duration age;
  std::uint64_t bytes;
};

Retention::Retention(const LogSettings& settings) : settings_(settings), signers_(settings.checkpoints.earlier) {
  if (settings.checkpoints.signer) signers_.push_back(settings.checkpoints.signer->verifier());
}

// Whether segment `number` has had its time, and with it all before it. It holds nothing younger than `next`, its
// successor's header, which also says how large it is.
std::optional<Removal> Retention::due(std::uint64_t number, const ProvenSegment& next, const Passed& passed) const {
  const RetentionSettings& limit = settings_.retention;
  const bool old = limit.age > core::Duration::zero() && passed.age > limit.age;
  const bool large = limit.bytes > 0 && passed.bytes > limit.bytes;
  if (!old && !large) return std::nullopt;
  return Removal{number, next.previous.id, old ? "age" : "size"};
}

std::optional<Removal> Retention::look(const OpenSegment& open, const std::stop_token& stop) {
  fault_ = {};
  if (!prove_all(open, stop)) return std::nullopt;
  return find_due(open);
}

// From the open segment, whose header nobody else wrote, back to the first that is there: each proves the one before.
bool Retention::prove_all(const OpenSegment& open, const std::stop_token& stop) {
  SegmentLink end = open.header.previous;
  for (std::uint64_t number = open.number - 1; number > signed_for_; --number) {
    if (stop.stop_requested()) return false;
    const ProvenSegment* segment = prove(number, end, false);
    if (segment == nullptr && fault_.kind == RetentionFault::Kind::missing) find_tombstone(open, number, stop);
    if (segment == nullptr && number > signed_for_) return false;
    if (segment == nullptr) break;
    end = segment->previous;
  }
  fault_ = {};
  return true;
}

std::optional<Removal> Retention::find_due(const OpenSegment& open) {
  std::optional<Removal> removal;
  ProvenSegment next = open.header, later = open.header;  // later: the last one that counts
  next.by_signer = true;
  Passed passed{open.open_for, open.bytes};
  for (std::uint64_t number = open.number - 1; number > signed_for_; --number) {
    if (next.by_signer) passed.bytes += next.previous.bytes;
    if (!removal) removal = due(number, next, passed);
    if (removal && prove(number, next.previous, true) == nullptr) return std::nullopt;
    next = known_.at(number);
    if (!next.by_signer) continue;
    passed.age += step_between(next, later);
    later = next;
  }
  return removal;
}

// `anew`: it is to be signed for, so it must be there now.
const ProvenSegment* Retention::prove(std::uint64_t number, const SegmentLink& end, bool anew) try {
  const auto found = known_.find(number);
  if (found != known_.end() && !anew) return &found->second;
  const auto path = settings_.directory / segment_name(number);
  const auto segment = prove_segment(path, number, end, signers_);
  if (segment) return &(known_[number] = *segment);
  fault_ = {RetentionFault::Kind::altered, static_cast<std::uint32_t>(number)};
  return nullptr;
} catch (const std::system_error& failure) {
  if (failure.code() != std::errc::no_such_file_or_directory) throw;
  fault_ = {RetentionFault::Kind::missing, static_cast<std::uint32_t>(number)};
  return nullptr;
}

// In the newest of the segments between the two: each tombstone covers what those before it do. All of them are proven,
// and closed: what none of them said none will say.
void Retention::find_tombstone(const OpenSegment& open, std::uint64_t missing, const std::stop_token& stop) {
  if (std::exchange(gap_, missing) != missing) searched_ = missing;
  SegmentLink link = open.header.previous;
  std::uint64_t last = 0;
  for (std::uint64_t number = open.number - 1; number > searched_ && last == 0; --number) {
    if (stop.stop_requested()) return;
    last = removed_before(settings_.directory / segment_name(number), number, link, signers_);
    link = known_.at(number).previous;
  }
  searched_ = open.number - 1;
  signed_for_ = std::max(signed_for_, last);
}

std::uint64_t Retention::remove(std::uint64_t last, const std::stop_token& stop) {
  signed_for_ = std::max(signed_for_, last);
  known_.erase(known_.begin(), known_.upper_bound(signed_for_));
  return remove_segments(settings_.directory, signed_for_, stop);
}

std::uint64_t remove_segments(const fs::path& directory, std::uint64_t last, const std::stop_token& stop) {
  std::uint64_t removed = 0;
  for (const ListedSegment& segment : list_segments(directory)) {
    if (segment.number > last || stop.stop_requested()) break;
    // The key block first: what cannot be read any more is gone, even if the rest of it stays for a while.
    fs::remove(keys_path_of(segment.path));
    if (fs::remove(segment.path)) ++removed;
  }
  if (!stop.stop_requested()) remove_stray_keys(directory, last);
  return removed;
}

}  // namespace sallyport::logging
