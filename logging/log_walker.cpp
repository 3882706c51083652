#include "logging/log_walker.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace sallyport::logging {

namespace {

constexpr std::string_view not_there = "it is not there";

// Frames of one segment. Each may cost as many steps of a ratchet as there are frames before it.
constexpr unsigned max_rejected_frames = 16;

core::WallTime created(const ParsedHeader& header) {
  return core::WallTime(core::Duration(static_cast<core::Duration::rep>(header.header.created_ns)));
}

}  // namespace

LogWalker::LogWalker(std::filesystem::path directory, envelope::KeyHolder& holder, ReaderReport& report, ReadFrom from)
    : directory_(std::move(directory)),
      report_(report),
      keys_(holder),
      from_(from),
      listed_(list_segments(directory_)),
      newest_(listed_.empty() ? 0 : listed_.back().number),
      removals_(directory_, [&holder](const auto& segment) { return proves_header(segment, holder); }) {
  if (listed_.empty()) throw std::runtime_error(directory_.string() + " holds no log segment");
  last_ = std::max(listed_.front().number, from_.segment) - 1;
}

LogWalker::Step LogWalker::next() {
  while (open_ || advance()) {
    FrameWalker& walker = open_->walker;
    const bool more = walker.link().frames < open_->declared_frames;
    const auto step = more ? walker.next() : FrameWalker::Step::end_of_data;
    if (step == FrameWalker::Step::frame) return Step::frame;
    const bool damaged = step != FrameWalker::Step::end_of_data && step != FrameWalker::Step::torn;
    if (damaged && !open_->last_look) {
      report_.hole(segment_, "frame " + std::to_string(walker.link().frames) + " at byte " +
                                 std::to_string(walker.link().bytes) + ": " + std::string(words(step)));
      open_->damaged = open_->last_look = true;
    }
    if (was_replaced()) {
      open_.reset();
      last_ = segment_ - 1;
      return Step::replaced;
    }
    if (!over()) return Step::end;
  }
  say(keys_.settle());
  return Step::end;
}

// The first time a successor is seen the segment is read once more: its last frames may have come after the last read.
bool LogWalker::over() {
  const auto successor = following();
  const bool has_gone = !successor && newest_ > last_;
  if (!successor && !has_gone) return false;
  if (!std::exchange(open_->last_look, true)) return true;
  if (successor) check_end(*successor);
  open_.reset();
  return true;
}

// A writer whose disk failed before anything in the segment was safe takes its number for another.
bool LogWalker::was_replaced() const {
  const auto now = header_of({segment_, keys_.file(segment_)});
  return now && now->chain != open_->walker.header().chain;
}

void LogWalker::check_end(const ListedSegment& successor) {
  if (open_->damaged) return;
  const auto declared = header_of(successor);
  if (!declared || declared->header.previous.id != open_->walker.header().header.id) return;
  if (open_->walker.link().frames < declared->header.previous.frames) {
    report_.hole(segment_, "it ends before the place that its successor declares");
  }
}

bool LogWalker::advance() {
  while (const auto segment = following()) {
    const Past past = is_past_end(*segment);
    if (past == Past::yes) return false;
    miss_segments(last_ + 1, segment->number - 1);
    last_ = segment->number;
    if (past == Past::claimed) {
      if (doubtful_ == 0) doubtful_ = last_;
    } else if (open(*segment)) {
      if (doubtful_ > 0) report_.hole(std::exchange(doubtful_, 0), "it says that it is younger than those behind it");
      return true;
    }
  }
  miss_segments(last_ + 1, newest_);  // they were there when they were listed
  last_ = std::max(last_, newest_);
  return false;
}

void LogWalker::list() {
  listed_ = list_segments(directory_);
  if (!listed_.empty()) newest_ = std::max(newest_, listed_.back().number);
}

// The directory is listed again only when the last listing has none.
std::optional<ListedSegment> LogWalker::following() {
  const auto find = [&] {
    return std::find_if(std::lower_bound(listed_.begin(), listed_.end(), last_ + 1,
                                         [](const ListedSegment& s, std::uint64_t n) { return s.number < n; }),
                        listed_.end(), [](const ListedSegment& s) { return std::filesystem::exists(s.path); });
  };
  auto found = find();
  if (found == listed_.end()) {
    list();
    found = find();
  }
  return found != listed_.end() ? std::optional(*found) : std::nullopt;
}

// Whoever can write the file can write the time into its header. So it is believed when the segment's key proves the
// header; and of a segment that is sealed to other keys, as long as nothing behind it speaks against it.
LogWalker::Past LogWalker::is_past_end(const ListedSegment& segment) {
  if (!from_.until) return Past::no;
  const auto header = header_of(segment);
  if (!header || created(*header) <= *from_.until + longest_exchange) return Past::no;
  Unlocked unlocked;
  UnlockProblem problem = UnlockProblem::keys_missing;
  look_at(segment.path, [&] { problem = unlock(segment.path, *header, keys_.holder(), unlocked); });
  if (problem == UnlockProblem::not_a_recipient) return Past::claimed;
  return problem == UnlockProblem::none || problem == UnlockProblem::keys_altered ? Past::yes : Past::no;
}

bool LogWalker::open(const ListedSegment& segment) {
  const auto successor = following();
  const auto declared = successor ? header_of(*successor) : std::nullopt;
  if (from_.since && declared && created(*declared) < *from_.since) return false;
  std::unique_ptr<Open> opening;
  HeaderProblem problem = HeaderProblem::none;
  std::vector<ReaderKeys::Trouble> troubles;
  const bool there = look_at(segment.path, [&] {
    opening = std::make_unique<Open>(segment);
    problem = opening->walker.open();
    if (problem == HeaderProblem::none) troubles = keys_.add(segment.number, segment.path, opening->walker.header());
  });
  // Any other fault is none that removal leaves behind, whatever a tombstone covers.
  const auto gone = [](const ReaderKeys::Trouble& one) { return one.gone; };
  const bool half_gone = std::any_of(troubles.begin(), troubles.end(), gone) && removals_.cover(segment.number);
  if (half_gone) std::erase_if(troubles, gone);
  if (!there || half_gone) {
    if (there) say(troubles);
    miss_segments(segment.number, segment.number);
    return false;
  }
  if (problem != HeaderProblem::none) {
    report_.hole(segment.number, words(problem));
    return false;
  }
  const ParsedHeader& header = opening->walker.header();
  say(troubles);
  if (keys_.misses_some(segment.number, header)) report_.miss();
  if (!keys_.opens(segment.number)) return false;
  if (declared && declared->header.previous.id == header.header.id) {
    opening->declared_frames = declared->header.previous.frames;
  }
  opening->parts.emplace(keys_.opener(segment.number, false));
  open_ = std::move(opening);
  segment_ = segment.number;
  ++opened_;
  return true;
}

void LogWalker::reject_frame() {
  if (++open_->rejected != max_rejected_frames) return;
  report_.hole(segment_, "too many of its frames are not authentic: the rest of it is not read");
  open_->declared_frames = open_->walker.link().frames;
  open_->damaged = true;
}

void LogWalker::miss_segments(std::uint64_t first, std::uint64_t last) {
  if (first > last) return;
  report_.miss();
  const bool all_removed = removals_.cover(last);
  if (first <= removals_.last()) {
    report_.say(first, "it was removed by its gateway, and a signed tombstone says so");
  }
  if (!all_removed) report_.trouble(std::max(first, removals_.last() + 1), not_there);
}

void LogWalker::say_gone(std::uint64_t segment) {
  if (!removals_.cover(segment)) report_.trouble(segment, not_there);
}

void LogWalker::say(const std::vector<ReaderKeys::Trouble>& troubles) {
  for (const ReaderKeys::Trouble& one : troubles) {
    if (one.closed) {
      report_.hole(one.segment, one.words);
    } else {
      report_.trouble(one.segment, one.words);
    }
  }
}

}  // namespace sallyport::logging
